#!/usr/bin/env bash
# Makes HAProxy's configuration of the files in /nodes, and has HAProxy take it over.

LIST=
for NODE in /nodes/*; do
    [ -e "$NODE" ] || continue
    read -r HOST IP < "$NODE"
    LIST="$LIST${LIST:+,}{\"host\": \"$HOST\", \"ip\": \"$IP\"}"
done

handlebars --addresses "[$LIST]" < /config/haproxy.cfg.hb > /etc/haproxy/haproxy.cfg

s6-svc -h /var/run/s6/services/ha
