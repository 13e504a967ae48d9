//! What `--help` teaches beyond the flags.

mod processes;
mod render;
mod talk;

pub(super) use processes::*;
pub(super) use render::*;
pub(super) use talk::*;

use clap::builder::styling::{AnsiColor, Styles};

/// Colours of help; clap drops them when nobody sees colours.
pub(super) const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

pub(super) const MUSTER: &str = "\
Keeps a load-balanced cluster right by itself.

Backends call the roll among themselves (gossip on the wire of HashiCorp Serf), balancers send requests only to those \
that answer it, and nobody edits a configuration file.";

pub(super) const MUSTER_AFTER: &str = "\
Example, a balancer and a backend on two hosts, started in any order; both have the same key, made
once with `muster keygen > key`:
  lb$   muster agent -node lb -encrypt-file key &  muster proxy --listen :8080
  web$  muster agent -node web -join lb -tag role=backend -tag port=3000 -encrypt-file key

Exit codes:
  0        done, or a role stopped in order
  1        it failed: no agent answered, a seed could not be joined, ...
  2        the command line or the configuration is invalid, and nothing was started;
           or a proxy must not follow its agent
  3        `muster status NAME`: the service is not up
  128 + n  ended by signal n

Environment:
  MUSTER_SECTION__KEY  any key of the configuration, e.g. MUSTER_AGENT__BIND
  MUSTER_SOCKET        control socket of this node's agent
  MUSTER_CONFIG        configuration file or directory
  MUSTER_CONTROL       control places of this container's services
  ROLE, JOIN           the tag `role`, the members to join
  NO_COLOR             no colours

Files:
  /etc/muster/muster.toml, /etc/muster/conf.d/*.toml

Flags take one dash or two, as in Serf.";

pub(super) const AGENT: &str = "\
Runs the membership agent of this node.

It gossips with the agents of other nodes, finds out who joined, left or failed, and serves the control socket. Real \
Serf agents and Muster agents form one cluster. A node that joins nobody is a healthy cluster of one.";

pub(super) const AGENT_AFTER: &str = "\
Example:
  muster agent -node web1 -join lb.example.org -tag role=backend -tag port=3000

Signals: TERM and INT leave the cluster in order and exit with 0; a second one hastens.

Exit codes:
  0  left in order
  1  the agent could not run or not join (see --join-strict), or did not leave in order
  2  the command line or the configuration is invalid; nothing was started

Environment: every flag names its variable above; NO_COLOR turns colours off.";

pub(super) const PROXY: &str = "\
Runs the load balancer of this node.

It takes HTTP/2 and HTTP/1.1 requests and gives them in turn to the backends of one service that this node's agent knows to be \
alive. When the agent is away it goes on with the last picture it had; when there is none yet, it waits for it.";

pub(super) const PROXY_AFTER: &str = "\
Example:
  muster proxy --listen :8080 --service backend
  muster proxy --listen ':80 redirect-https' --listen ':443 tls' --certificates /etc/muster/tls
  muster proxy -f /etc/haproxy/haproxy.cfg -c

Signals: TERM and INT stop taking requests, finish those in flight and exit with 0. HUP reads
certificates again; all else takes a restart.

Sockets that are handed over (LISTEN_FDS, as systemd and others do it) are listened on instead of
opening them anew; their addresses must be those of --listen.

Exit codes:
  0  stopped in order
  1  a listener could not be opened, or one that is not configured was handed over
  2  the command line or the configuration is invalid, and nothing was started;
     or the agent gossips in plaintext beyond loopback, see --plaintext

Environment: every flag names its variable above; NO_COLOR turns colours off.";

pub(super) const MEMBERS: &str = "\
Lists the members of the cluster as this node's agent knows them.

Filters are regular expressions that must match the whole text.";

pub(super) const MEMBERS_AFTER: &str = "\
Example:
  muster members -status alive -tag role=backend
  muster members --watch
  muster members --format json

Control characters in the names and tags of others are shown escaped.";

pub(super) const JOIN: &str = "\
Tells this node's agent to join the cluster of these members.

An address is HOST, HOST:PORT or NAME/HOST:PORT; without a port, 7946. One that answers is enough.";

pub(super) const JOIN_AFTER: &str = "\
Example:
  muster join lb.example.org 10.0.0.7:7946";

pub(super) const LEAVE: &str = "\
Tells this node's agent to leave the cluster in order and stop.

Balancers then send it no more requests.";

pub(super) const LEAVE_AFTER: &str = "\
Example:
  muster leave";

pub(super) const FORCE_LEAVE: &str = "\
Tells the cluster that a failed member has left and will not come back.

A member that is alive after all refutes this and stays.";

pub(super) const FORCE_LEAVE_AFTER: &str = "\
Example:
  muster force-leave -prune web7";

pub(super) const TAGS: &str = "\
Changes the tags of this node while its agent runs; all others see them at once.

Tags last until the agent ends, or, with --tags-file, beyond. All together take at most 512 bytes.";

pub(super) const TAGS_AFTER: &str = "\
Example:
  muster tags -set role=backend -set port=3000 -delete notready";

pub(super) const WHY: &str = "\
Explains what this node thinks of a member, and how it came to that.

It tells who suspected the member and by which way that became known, what the probes went through and where they failed, how \
long answers took, whether this node is itself fit to judge, and what would change the verdict.";

pub(super) const WHY_AFTER: &str = "\
Example:
  muster why web-3
  muster why --format json web-3

Ask on another node too: what only one of them sees is a fault near that one.";

pub(super) const HISTORY: &str = "\
Shows what happened in the cluster as this node saw it: when, to whom, what, who saw it and why; or how the cluster was at a time.

Kinds: agent, member, backend, ejection, readiness, render, reload, config, operator, history. Times are UTC. docs/history.md has the \
file's schema, for sqlite3 and Grafana.";

pub(super) const HISTORY_AFTER: &str = "\
Examples:
  muster history --since 1h
  muster history --node web-3 --kind member,ejection
  muster history --at 2026-11-27T03:12:00Z
  muster history --file /var/lib/muster/history.db --format json

Exit codes:
  0  shown
  1  the agent cannot be asked, or the file cannot be read
  2  a time or an option that is not understood";

pub(super) const TOP: &str = "\
Shows the cluster live on the terminal, as this node sees it: whether it is well, requests a second, each backend with its state and \
figures, the members, and what happens.

Keys: Tab other table, left and right choose the column to sort by, o turns the order, / filters, Esc shows all, d takes this node out \
of rotation and r back in (it asks first), q quits. NO_COLOR is heeded; every colour stands beside a word that says the same.";

pub(super) const TOP_AFTER: &str = "\
Example:
  muster top

Backends are shown where a balancer reports to the agent: look on its node. For scripts: muster members --watch --format json, \
muster history --follow.";

pub(super) const HANDLERS: &str = "\
Shows, adds and removes event handlers of this node while its agent runs.

A handler is a program, a script or a webhook that is told what happens: members that join, leave, fail or change, user \
events, queries. Those of the configuration are back when the agent starts again; added ones are not.";

pub(super) const HANDLERS_AFTER: &str = "\
Example:
  muster handlers list
  muster handlers add reload --on member-join,member-leave -- /usr/local/bin/reload --quiet
  muster handlers remove reload";

pub(super) const HANDLERS_LIST_AFTER: &str = "\
Example:
  muster handlers list --format json";

pub(super) const HANDLERS_ADD_AFTER: &str = "\
Example:
  muster handlers add reload --on member-join,member-leave --timeout 30s -- /usr/local/bin/reload --quiet
  muster handlers add uptime --on query:uptime --shell 'uptime | cut -d, -f1'
  muster handlers add tell --on user:deploy --webhook http://127.0.0.1:9000/deployed

It runs as the user of the agent.";

pub(super) const HANDLERS_REMOVE_AFTER: &str = "\
Example:
  muster handlers remove reload";

pub(super) const TEMPLATES: &str = "\
Shows the files that this node's agent makes of templates, by their groups: how often, when last, and what is in the way.

Groups are `[templates.NAME]` in the configuration.";

pub(super) const TEMPLATES_AFTER: &str = "\
Example:
  muster templates
  muster templates --format json

The exit code is 1 while a group fails. `muster render --once` shows what a template makes of a fleet.";

pub(super) const HEALTH: &str = "\
Tells whether this node does what it is there for: its agent answers, knows the whole cluster and is not about to end, and all \
groups of templates are right.

The exit code is 0 when nothing is wrong and 1 otherwise, as health checks of containers want it.";

pub(super) const HEALTH_AFTER: &str = "\
Example:
  muster health
  HEALTHCHECK CMD [\"/usr/bin/muster\", \"health\"]      in a Dockerfile

`[admin] listen` serves the same over HTTP as /healthz; /livez and /readyz ask for less, and /metrics has figures.";

pub(super) const INFO: &str = "Shows what this node's agent says of itself, for operators.";

pub(super) const INFO_AFTER: &str = "\
Example:
  muster info --format json";

pub(super) const RUN: &str = "\
Runs a whole node as the PID 1 of its container (or below another): the agent, the proxy if anything is said about [proxy], \
the processes of the configuration, and COMMAND, whose end is the container's.

The node offers its services while what serves them is ready. When it is told to stop it goes without a request failing: the \
cluster is told, every balancer answers that nothing is in flight, and only then the processes end. All of it takes at most \
nine seconds (stop_within), inside of Docker's ten.";

pub(super) const RUN_AFTER: &str = "\
Examples:
  muster run --join lb --role web -- node app.js     a backend on port 3000, from flags alone
  ROLE=web JOIN=lb muster run -- node app.js         the same from the environment
  muster run --proxy --service web                   a balancer
  muster run --config muster.toml                    whatever its [processes.NAME] say

Signals:
  TERM, INT, QUIT  retire and stop; again: stop at once; once more: all, then kill
  others           go to COMMAND

Exit codes:
  0        stopped
  N        COMMAND, or a critical process, ended with N, or with signal N-128
  2        the configuration is invalid; nothing was started
  126/127  COMMAND cannot be executed / is not there";

pub(super) const PROBE: &str = "\
Asks a program how it is, and answers with its exit code. PID 1 does so for `ready` and `alive` of [processes.NAME]; a HEALTHCHECK \
of a Dockerfile can, too.";

pub(super) const PROBE_AFTER: &str = "\
Examples:
  muster probe tcp 127.0.0.1:3000
  muster probe http http://127.0.0.1:3000/healthz --timeout 2s

Exit codes:
  0  it is well
  1  it is not; standard error says why
  2  wrong usage";

pub(super) const LOG: &str = "\
Writes on what services and syslog clients log: to standard output, to a file for each service, and to a syslog that collects \
everything.

`muster run` starts it and gives it the pipes of the services; killed, it is started again and loses no line, since it takes \
from a pipe only what it has written out. Programs of this host reach it on sockets (--syslog-listen).";

pub(super) const LOG_AFTER: &str = "\
Examples:
  Files that do not grow for ever:  muster log --folder /var/log/services --rotate-size 1000000
  Everything to a collector:        muster log --collector tcp://10.0.0.9:601
  In place of a syslog for HAProxy (`log 127.0.0.1 local1 notice`):
    muster log --syslog-listen /dev/log --syslog-listen udp://127.0.0.1:514 \\
        --folder /var/log/services --rule 'local1.notice -> file:haproxy'

Nothing that logs is made to wait for a sink that takes nothing for a second: then lines are dropped and counted, and how many
is told in their place and on standard error.

Signals:
  TERM, INT  write on what is in the pipes, then end
  HUP        open files again, after somebody moved them away

Environment:
  MUSTER_LOG_PIPES  the inherited pipes, FD=SERVICE:out or FD=SERVICE:err, separated by commas; %XX in SERVICE is a byte

Exit codes:
  0  ended by TERM, or all who wrote into the pipes are gone and there is no address to listen on
  1  an address could not be listened on
  2  the command line or the configuration is invalid; nothing was started";

pub(super) const INIT: &str = "\
Runs the services of a container, as its PID 1: starts them in order, starts them again when they end, reaps \
orphans, passes signals on, and stops all of it within Docker's ten seconds.

It reads s6-overlay's folders as they are: /etc/cont-init.d, /etc/s6-overlay/s6-rc.d, /etc/services.d, \
/etc/cont-finish.d, and the S6_* variables. With a COMMAND, the container ends with it and its exit code. Called as \
`init` or `/init` it takes only a COMMAND.

For one command and nothing else: muster -- COMMAND, which needs no folder.";

pub(super) const INIT_AFTER: &str = "\
Examples:
  In a Dockerfile:  ENTRYPOINT [\"muster\", \"init\"]
  One command only: ENTRYPOINT [\"muster\", \"--\"]
  s6-svc -h /run/service/web      send HUP to the service `web`
  s6-svstat /run/service/web      show where it stands

Signals:
  TERM, INT, QUIT  stop the services in order, then all others; again: at once
  others           go to COMMAND

Exit codes:
  0        stopped, and there was no COMMAND
  N        COMMAND ended with N, or with signal N-128
  2        a service folder is wrong; nothing was started
  126 127  COMMAND is not executable, or not there";

pub(super) const INSTALL: &str = "\
Lays the program into an image or onto a machine, with all the names it answers to: init, serf, tini, handlebars, \
with-contenv, s6-svc, s6-svstat, s6-svwait, s6-setuidgid. What had one of these names is replaced.";

pub(super) const INSTALL_AFTER: &str = "\
Example, in a Dockerfile:
  COPY --from=muster /usr/bin/muster /usr/bin/muster
  RUN [\"muster\", \"install\", \"--into\", \"/\"]

Exit codes:
  0  laid; the paths are printed
  1  a file or link could not be written";

pub(super) const KEYGEN: &str = "\
Makes a key that encrypts gossip: 32 random bytes in base64.

Give the same key to all nodes. It is printed, and kept nowhere.";

pub(super) const KEYGEN_AFTER: &str = "\
Example:
  (umask 077; muster keygen > gossip.key)
  muster agent -encrypt-file gossip.key

Exit codes:
  0  printed
  1  the system gave no randomness";

/// The end of the help of every command that asks the agent.
pub(super) fn client(example: &str) -> String {
    format!(
        "{example}\n\nExit codes:\n  0  done\n  1  no agent answered, or it refused\n  2  the command line is invalid"
    )
}

pub(super) const CHECK: &str = "\
Checks the configuration without starting anything.

Files, environment and flags are read exactly as the roles read them, and everything that is wrong is told, with file and \
line: unknown keys, values of the wrong form, addresses that are not this host's, ports in use, tags that do not fit.

In configurations of HAProxy, and in templates of them, what no HAProxy of today takes is told, and a `stats socket` with \
`level admin` that others can reach.";

pub(super) const CHECK_AFTER: &str = "\
Example:
  muster check --config ./muster.toml && systemctl restart muster
  muster check proxy
  muster check /etc/haproxy/haproxy.cfg

Exit codes:
  0  nothing is wrong
  2  something is; it stands on standard error";

pub(super) const PRINT: &str = "\
Shows every value in force and where it comes from: flag, variable, file and line, or default.

The TOML form is itself a configuration that says the same. Secrets are not shown.";

pub(super) const PRINT_AFTER: &str = "\
Example:
  MUSTER_AGENT__BIND=10.0.0.5 muster config print -tag role=web

Exit codes:
  0  printed
  2  the configuration cannot be read; what is wrong stands on standard error";
