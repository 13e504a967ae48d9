//! What the table says of one key.

use super::value::Value;
use std::time::Duration;

/// Part of the file a key stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Section {
    /// Above all sections: what every command of this node shares.
    Node,
    Run,
    Agent,
    Proxy,
    Haproxy,
    /// What is shown over TCP.
    Admin,
    /// What the agent keeps of what happened.
    History,
    Log,
    /// Logs of others: what `muster log` does.
    Logs,
    /// `[services.NAME]`, once for each; not among [`Section::ALL`], since its keys are in files only.
    Service,
    /// `[processes.NAME]`, likewise.
    Process,
    /// `[templates.NAME]`, likewise.
    Template,
    /// `[proxy.frontends.NAME]`, likewise.
    Frontend,
}

impl Section {
    /// Those that exist once, in the order of the file.
    pub(crate) const ALL: [Self; 9] = [
        Self::Node,
        Self::Run,
        Self::Agent,
        Self::Proxy,
        Self::Haproxy,
        Self::Admin,
        Self::History,
        Self::Log,
        Self::Logs,
    ];

    /// The name between brackets; empty for [`Section::Node`].
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "",
            Self::Run => "run",
            Self::Agent => "agent",
            Self::Proxy => "proxy",
            Self::Haproxy => "haproxy",
            Self::Admin => "admin",
            Self::History => "history",
            Self::Log => "log",
            Self::Logs => "logs",
            Self::Service => "services.NAME",
            Self::Process => "processes.NAME",
            Self::Template => "templates.NAME",
            Self::Frontend => "proxy.frontends.NAME",
        }
    }

    /// For help and reference.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Run => "Run",
            Self::Agent => "Agent",
            Self::Proxy => "Proxy",
            Self::Haproxy => "HAProxy",
            Self::Admin => "Admin",
            Self::History => "History",
            Self::Log => "Logging",
            Self::Logs => "Logs of services",
            Self::Service => "Services",
            Self::Process => "Processes",
            Self::Template => "Templates",
            Self::Frontend => "Frontends of the proxy",
        }
    }
}

/// What values a key takes. One parser per kind serves flags, environment and files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    /// Text that is never shown.
    Secret,
    Path,
    Bool,
    Count {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    /// One of these words, any case; `also` maps other spellings to them.
    Word {
        words: &'static [&'static str],
        also: &'static [(&'static str, &'static str)],
    },
    /// `IP`, `IP:PORT`, `[IPv6]:PORT` or `:PORT`.
    Address {
        port: u16,
    },
    /// The same, or `off`.
    AddressOrOff {
        port: u16,
    },
    /// Several places to listen on, with options.
    Listeners,
    /// Several of `HOST`, `HOST:PORT`, `NAME/HOST:PORT`.
    Seeds,
    /// Several of Serf's `[FILTER[,FILTER...]=]SCRIPT`; in a variable on a line each.
    Handlers,
    /// Several networks, `ADDRESS/BITS`.
    Networks,
    /// Several ports and ranges of them.
    Ports,
    /// Text by name.
    Tags,
    /// Several texts.
    Texts,
    /// A command: its words, or a text that is split into them as a shell would.
    Words,
    /// One syslog collector.
    Collector,
    /// Several places for syslog messages.
    LogListen,
    /// Several rules for syslog messages; in a variable on a line each.
    LogRules,
}

impl Kind {
    /// The value's place in help texts.
    pub(crate) fn placeholder(self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "TEXT",
            Self::Path => "PATH",
            Self::Bool => "BOOL",
            Self::Count { .. } => "N",
            Self::Duration { .. } => "DURATION",
            Self::Word { .. } => "WORD",
            Self::Address { .. } | Self::AddressOrOff { .. } => "IP[:PORT]",
            Self::Listeners => "ADDRESS",
            Self::Seeds => "HOST[:PORT]",
            Self::Handlers => "[FILTER=]SCRIPT",
            Self::Networks => "IP/BITS",
            Self::Ports => "PORT[-PORT]",
            Self::Tags => "KEY=VALUE",
            Self::Texts => "TEXT",
            Self::Words => "COMMAND",
            Self::Collector => "URL",
            Self::LogListen => "PATH|URL",
            Self::LogRules => "RULE",
        }
    }

    /// What stands for such a value in a file.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Count { .. } => "a number",
            Self::Duration { .. } => "a string with a unit, e.g. \"5s\"",
            Self::Listeners
            | Self::Seeds
            | Self::Handlers
            | Self::Networks
            | Self::LogListen
            | Self::LogRules
            | Self::Texts => "a list of strings",
            Self::Words => "a string or a list of strings",
            Self::Ports => "a list of ports",
            Self::Tags => "a table of strings",
            Self::Text
            | Self::Secret
            | Self::Path
            | Self::Word { .. }
            | Self::Collector
            | Self::Address { .. }
            | Self::AddressOrOff { .. } => "a string",
        }
    }

    /// Does a key of this kind take several values?
    pub(crate) fn is_many(self) -> bool {
        matches!(
            self,
            Self::Listeners
                | Self::Seeds
                | Self::Handlers
                | Self::Networks
                | Self::Ports
                | Self::Tags
                | Self::Texts
                | Self::Words
                | Self::LogListen
                | Self::LogRules
        )
    }
}

/// What holds when nobody says anything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback {
    /// This, written as in a variable of the environment.
    Is(&'static str),
    /// Found on this host: how to say it in help texts, and how to find it.
    Found(&'static str, fn() -> Option<String>),
    /// Not set; what happens then.
    Unset(&'static str),
}

/// When a changed value takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(dead_code, reason = "no key re-opens a listener yet; the reference names all three")]
pub(crate) enum Applies {
    Live,
    Listener,
    Restart,
}

impl Applies {
    /// For help and reference.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Listener => "listener",
            Self::Restart => "restart",
        }
    }
}

/// One thing that can be configured: the single source of its default, names, help and reference.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) section: Section,
    /// In the file.
    pub(crate) name: &'static str,
    /// On the command line, without dashes.
    pub(crate) flag: &'static str,
    /// More names of the flag.
    pub(crate) flag_also: &'static [&'static str],
    /// Another variable that sets it; for [`Kind::Tags`] the tag of that variable's name in lower case.
    pub(crate) env_also: Option<&'static str>,
    pub(crate) kind: Kind,
    pub(crate) fallback: Fallback,
    pub(crate) applies: Applies,
    /// The first paragraph is the short help.
    pub(crate) help: &'static str,
}

impl Key {
    /// `section.name`.
    pub(crate) fn path(&self) -> String {
        match self.section {
            Section::Node => self.name.to_owned(),
            section => format!("{}.{}", section.name(), self.name),
        }
    }

    /// `MUSTER_SECTION__NAME`.
    pub(crate) fn env(&self) -> String {
        let path = self.path().replace('.', "__");
        format!("MUSTER_{}", path.to_ascii_uppercase())
    }

    /// The first paragraph of the help.
    pub(crate) fn summary(&self) -> &'static str {
        self.help.split_once("\n\n").map_or(self.help, |(summary, _)| summary)
    }

    /// The value when nobody says anything.
    pub(crate) fn default_value(&self) -> Value {
        let text = match self.fallback {
            Fallback::Is(text) => Some(text.to_owned()),
            Fallback::Found(_, find) => find(),
            Fallback::Unset(_) => None,
        };
        // A default that its own kind refuses would be a fault of the table, and a test reads them all.
        text.and_then(|text| self.kind.parse(&text).ok()).unwrap_or(self.kind.unset())
    }

    /// The default in words.
    pub(crate) fn default_words(&self) -> &'static str {
        match self.fallback {
            Fallback::Is(words) | Fallback::Found(words, _) | Fallback::Unset(words) => words,
        }
    }
}
