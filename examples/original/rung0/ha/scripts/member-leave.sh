#!/usr/bin/env bash
# Serf starts this for members that left or failed: a line of standard input each, NAME ADDRESS ROLE TAGS.

LOG=/var/log/serf-handlers.log

while read -r -a member; do
    HOST=${member[0]}
    IP=${member[1]}
    ROLE=${member[2]}
    echo "$(date +%T) $SERF_EVENT $HOST $IP $ROLE" >> $LOG
    if [ "$ROLE" = backend ]; then
        rm -f "/nodes/$HOST"
    fi
done

/serf-handlers/render.sh
