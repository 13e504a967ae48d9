//! Help of the commands that tell and ask the cluster something, and of those about the command line itself.

pub(in crate::cli) const EVENT: &str = "\
Tells all members something: each runs its handlers for this event.

An event arrives once everywhere; nobody answers it. Ask with `muster query` for that.";

pub(in crate::cli) const EVENT_AFTER: &str = "\
Example:
  muster event deploy v1.2
  muster event -coalesce=false restart";

pub(in crate::cli) const QUERY: &str = "\
Asks all members something, or some of them, and shows their answers.

Each that is asked says so (an ack), runs its handlers for this query, and sends back what they print. The command ends when \
answers no longer count.";

pub(in crate::cli) const QUERY_AFTER: &str = "\
Example:
  muster query load
  muster query -tag role=^web -timeout 5s uptime
  muster query -node web1 -node web2 --format json version

Who did not acknowledge is counted on standard error; the exit code stays 0, since a query ends when its time is over.";

pub(in crate::cli) const KEYS: &str = "\
Changes or lists the keys that seal gossip, on all members at once.

A key is exchanged in three steps, each once the one before it succeeded everywhere: install the new one, use it, remove the \
old one.";

pub(in crate::cli) const KEYS_AFTER: &str = "\
Example:
  new=$(muster keygen)
  muster keys -install \"$new\" && muster keys -use \"$new\" && muster keys -remove \"$old\"
  muster keys -list

It fails when any member refuses or does not answer; nothing is undone then, and the same command can be given again.";

pub(in crate::cli) const MONITOR: &str = "\
Shows what this node's agent logs and what happens in the cluster, until Ctrl-C.

The last lines of the log come first, each of a member event, a user event or a query as it happens.";

pub(in crate::cli) const MONITOR_AFTER: &str = "\
Example:
  muster monitor -log-level debug
  muster monitor --format json | jq 'select(.event)'";

pub(in crate::cli) const RTT: &str = "\
Estimates how long a round trip between two members takes.

Members know where they are from the answers to their probes (network coordinates): nobody is asked, and any two can be \
compared.";

pub(in crate::cli) const RTT_AFTER: &str = "\
Example:
  muster rtt web1
  muster rtt web1 web2";

pub(in crate::cli) const REACHABILITY: &str = "\
Asks all members for a sign of life, and counts the answers.

What does not answer and is alive cannot receive from here, or cannot send to here: a firewall, a wrong advertised address, two \
nodes with one name.";

pub(in crate::cli) const REACHABILITY_AFTER: &str = "\
Example:
  muster reachability -verbose

Exit codes:
  0  all members that are alive answered
  1  some did not, or others did; or no agent answered here
  2  the command line is invalid";

pub(in crate::cli) const COMPLETIONS: &str = "\
Writes what a shell needs to complete commands and flags.";

pub(in crate::cli) const COMPLETIONS_AFTER: &str = "\
Example:
  muster completions bash > /etc/bash_completion.d/muster
  muster completions zsh > /usr/local/share/zsh/site-functions/_muster
  muster completions fish > ~/.config/fish/completions/muster.fish";

pub(in crate::cli) const MAN: &str = "\
Writes the manual pages.";

pub(in crate::cli) const MAN_AFTER: &str = "\
Example:
  muster man | man -l -
  muster man --dir /usr/local/share/man/man1

Exit codes:
  0  written
  1  the directory cannot be written to
  2  the command line is invalid";
