global
    maxconn 4096
    log stdout format raw local0
    # Whoever reaches these two commands HAProxy: publish them on the host's loopback only.
    stats socket /var/run/haproxy.sock mode 600 level admin
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
