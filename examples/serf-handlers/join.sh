#!/usr/bin/env bash
# A handler for member-join, as one writes it for Serf: keeps one file per backend, then makes the balancer's configuration
# anew and has it read. It runs unchanged under both agents:
#
#   serf agent   -event-handler member-join=/x/join.sh -event-handler member-leave,member-failed=/x/leave.sh
#   muster agent -event-handler member-join=/x/join.sh -event-handler member-leave,member-failed=/x/leave.sh
#
# A line of standard input is NAME ADDRESS ROLE TAGS with tabs between; without a role, `read` sees the tags in its place.
NODES=${NODES:-/nodes}
LOG=${LOG:-/var/log/members.log}

changed=
while read -r -a member; do
    host=${member[0]} address=${member[1]} role=${member[2]} tags=${member[3]}
    echo "$SERF_EVENT $host $address $role $tags" >>"$LOG"
    if [ "$role" = backend ]; then
        echo "$address" >"$NODES/$host"
        changed=1
    fi
done

if [ -n "$changed" ]; then
    make-configuration "$NODES" && reload-balancer
fi
