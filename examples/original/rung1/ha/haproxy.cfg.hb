global
    maxconn 4096
    log stdout format raw local0
    # Whoever reaches the second commands HAProxy: publish it on the host's loopback only.
    stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd listeners
    stats socket ipv4@0.0.0.0:9999 level admin
    stats timeout 30s

defaults
    log global
    mode http
    option httplog
    option dontlognull
    option redispatch
    retries 3
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    # A reload closes no connection on which a client is just about to ask.
    option idle-close-on-response

listen stats
    bind *:1936
    stats enable
    stats uri /
    stats hide-version

frontend localnodes
    bind *:80
    default_backend nodes

backend nodes
    balance roundrobin
    option forwardfor
    http-request set-header X-Forwarded-Port %[dst_port]
    option httpchk HEAD /
    http-check send hdr Host localhost
{{#each addresses}}
    server {{host}} {{ip}}:3000 check
{{/each}}
