#!/usr/bin/env bash
# The counterpart of join.sh, for member-leave and member-failed: the backend's file goes.
NODES=${NODES:-/nodes}
LOG=${LOG:-/var/log/members.log}

changed=
while read -r -a member; do
    host=${member[0]} address=${member[1]} role=${member[2]} tags=${member[3]}
    echo "$SERF_EVENT $host $address $role $tags" >>"$LOG"
    if [ -e "$NODES/$host" ]; then
        rm -- "$NODES/$host"
        changed=1
    fi
done

if [ -n "$changed" ]; then
    make-configuration "$NODES" && reload-balancer
fi
