//! What `serf --help` and `serf COMMAND --help` say. The flags are Serf's; the words are ours.

/// What a command is for, and its usage.
pub(super) struct Help {
    pub(super) synopsis: &'static str,
    pub(super) usage: &'static str,
}

/// `serf --help`, from the names and synopses of the commands.
pub(super) fn general<'a>(commands: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text =
        "Usage: serf [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n".to_owned();
    for (name, synopsis) in commands {
        text.push_str(&format!("    {name:<12}    {synopsis}\n"));
    }
    text
}

pub(super) const AGENT: Help = Help {
    synopsis: "Runs a Serf agent",
    usage: "Usage: serf agent [options]

  Runs the agent of this node (Muster, called as serf) until it is told to
  stop. INT leaves the cluster first; TERM stops at once.

Options:

  -advertise=addr          Address that other members are told to use.
  -bind=0.0.0.0:7946       Address to gossip on, UDP and TCP.
  -broadcast-timeout=5s    How long a leave waits until others were told.
  -config-dir=dir          Read every file of this directory that ends in
                           .json, in the order of their names; repeatable.
  -config-file=file        Read this JSON file; repeatable.
  -disable-compression     Send gossip uncompressed.
  -discover=name           Find agents of this name by multicast DNS.
  -encrypt=key             Encrypt gossip with this key; see 'serf keygen'.
  -event-handler=spec      Run a script on events, [FILTER=]SCRIPT; repeatable.
  -iface=name              Network interface to gossip and discover on.
  -join=addr               Join this member or exit with 1; repeatable.
  -keyring-file=file       File of keys that encrypt and decrypt gossip.
  -log-level=info          trace, debug, info, warn or err.
  -mdns-disable-ipv4       Do not discover over IPv4.
  -mdns-disable-ipv6       Do not discover over IPv6.
  -mdns-iface=name         Network interface to discover on.
  -node=hostname           Name of this node, unique in the cluster.
  -profile=lan             Timing: lan, wan or local.
  -protocol=5              Protocol version to speak, 2 to 5.
  -rejoin                  Rejoin from the snapshot even after a leave.
  -replay                  Show handlers the events from before a join.
  -retry-interval=30s      Pause between attempts to join with -retry-join.
  -retry-join=addr         Join this member, trying until it works; repeatable.
  -retry-max=0             Attempts after the first; 0 means for ever.
  -role=name               The same as -tag role=name.
  -rpc-addr=127.0.0.1:7373 Address to listen on for RPC.
  -snapshot=file           Remember members and clocks here over a restart.
  -syslog                  Log to the system's log too.
  -tag key=value           What this node tells of itself; repeatable.
  -tags-file=file          Keep the tags here over a restart.",
};

pub(super) const EVENT: Help = Help {
    synopsis: "Send a custom event through the Serf cluster",
    usage: "Usage: serf event [options] name payload

  Sends a user event to every member.

Options:

  -coalesce=true/false      Whether handlers may be shown only the last of
                            several events of this name. Default is true.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const FORCE_LEAVE: Help = Help {
    synopsis: "Forces a member of the cluster to enter the \"left\" state",
    usage: "Usage: serf force-leave [options] name

  Makes the cluster take a failed member for one that left, so that nobody
  tries to reach it any more. One that is still alive comes back.

Options:

  -prune                    Forget the member at once.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const INFO: Help = Help {
    synopsis: "Provides debugging information for operators",
    usage: "Usage: serf info [options]

  Shows what the agent says of itself.

Options:

  -format                   'text' (default) or 'json'.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const JOIN: Help = Help {
    synopsis: "Tell Serf agent to join cluster",
    usage: "Usage: serf join [options] address ...

  Makes the agent join a cluster through any of its members.

Options:

  -replay                   Show handlers the events from before the join.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const KEYGEN: Help = Help {
    synopsis: "Generates a new encryption key",
    usage: "Usage: serf keygen

  Prints a new key for -encrypt or a keyring file.",
};

pub(super) const KEYS: Help = Help {
    synopsis: "Manipulate the internal encryption keyring used by Serf",
    usage: "Usage: serf keys [options]...

  Changes the keys of all members. A new key is installed first, then used,
  and then the old one removed; each step ends with 0 only when every member
  did it.

Options:

  -install=<key>            Give all members this key, to decrypt with.
  -use=<key>                Encrypt with this key from now on.
  -remove=<key>             Take this key away; not the one in use.
  -list                     Show all keys, and how many members have each.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const LEAVE: Help = Help {
    synopsis: "Gracefully leaves the Serf cluster and shuts down",
    usage: "Usage: serf leave

  Makes the agent leave the cluster and stop.

Options:

  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const MEMBERS: Help = Help {
    synopsis: "Lists the members of a Serf cluster",
    usage: "Usage: serf members [options]

  Lists the members that the agent knows. Patterns must match as a whole.

Options:

  -detailed                 Show protocol versions too (text only).
  -format                   'text' (default) or 'json'.
  -name=<regexp>            Only members of this name.
  -role=<regexp>            The same as -tag role=<regexp>.
  -status=<regexp>          Only members in this state.
  -tag <key>=<regexp>       Only members with this tag; repeatable.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const MONITOR: Help = Help {
    synopsis: "Stream logs from a Serf agent",
    usage: "Usage: serf monitor [options]

  Shows the last lines of the agent's log, then each new one, and events.

Options:

  -log-level=info           trace, debug, info, warn or err.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const QUERY: Help = Help {
    synopsis: "Send a query to the Serf cluster",
    usage: "Usage: serf query [options] name payload

  Asks the members, and shows who got the query and what they answered.

Options:

  -format                   'text' (default) or 'json'.
  -no-ack                   Do not ask for acknowledgements.
  -node=NAME                Ask only this member; repeatable.
  -relay-factor             How many other members also carry each answer.
  -tag key=regexp           Ask only members with this tag; repeatable.
  -timeout=\"15s\"            How long to wait for answers.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const REACHABILITY: Help = Help {
    synopsis: "Test network reachability",
    usage: "Usage: serf reachability [options]

  Asks every member for a sign of life, and tells who gave none.

Options:

  -verbose                  Show each answer.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const RTT: Help = Help {
    synopsis: "Estimates network round trip time between nodes",
    usage: "Usage: serf rtt [options] node1 [node2]

  Estimates the round-trip time between two members, from their network
  coordinates. Without a second one: from the agent's own node.

Options:

  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

pub(super) const TAGS: Help = Help {
    synopsis: "Modify tags of a running Serf agent",
    usage: "Usage: serf tags [options] ...

  Changes what the agent's node tells of itself.

Options:

  -delete key               Remove this tag; repeatable.
  -set key=value            Add or replace this tag; repeatable.
  -rpc-addr=127.0.0.1:7373  Where the agent listens for RPC.
  -rpc-auth=\"\"              Token that the agent asks for.",
};

/// Serf's has no help either.
pub(super) const VERSION: Help = Help { synopsis: "Prints the Serf version", usage: "" };
