//! Flags that are keys of the configuration, made from the key table, so that help and table cannot disagree.

use crate::config::key::{Fallback, Key, Kind, Section};
use crate::config::{Given, keys};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::marker::PhantomData;

/// Which keys a command takes as flags.
pub(crate) trait Scope {
    const SECTIONS: &'static [Section];
}

/// The scopes of the commands.
pub(crate) mod scope {
    use super::{Scope, Section};

    /// For commands that only need to find the agent.
    #[derive(Debug)]
    pub(crate) struct Node;
    #[derive(Debug)]
    pub(crate) struct Agent;
    #[derive(Debug)]
    pub(crate) struct Proxy;
    /// For a node with all its roles.
    #[derive(Debug)]
    pub(crate) struct Run;
    #[derive(Debug)]
    pub(crate) struct Logs;
    /// For commands that look at the whole configuration.
    #[derive(Debug)]
    pub(crate) struct All;

    impl Scope for Node {
        const SECTIONS: &'static [Section] = &[Section::Node];
    }
    impl Scope for Agent {
        const SECTIONS: &'static [Section] = &[
            Section::Agent,
            Section::Haproxy,
            Section::Admin,
            Section::History,
            Section::Node,
            Section::Log,
        ];
    }
    impl Scope for Proxy {
        const SECTIONS: &'static [Section] = &[Section::Proxy, Section::Node, Section::Log];
    }
    impl Scope for Run {
        const SECTIONS: &'static [Section] = &[
            Section::Run,
            Section::Agent,
            Section::Proxy,
            Section::Haproxy,
            Section::Admin,
            Section::History,
            Section::Node,
            Section::Log,
        ];
    }
    impl Scope for Logs {
        const SECTIONS: &'static [Section] = &[Section::Logs];
    }
    impl Scope for All {
        const SECTIONS: &'static [Section] = &Section::ALL;
    }
}

/// The flags of a scope's keys, as typed.
#[derive(Debug)]
pub(crate) struct KeyFlags<S> {
    pub(crate) given: Given,
    scope: PhantomData<S>,
}

fn keys_of<S: Scope>() -> impl Iterator<Item = &'static Key> {
    S::SECTIONS.iter().flat_map(|section| keys::of(*section))
}

impl<S: Scope> clap::Args for KeyFlags<S> {
    fn augment_args(command: Command) -> Command {
        command.args(keys_of::<S>().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Scope> clap::FromArgMatches for KeyFlags<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = |key: &'static Key| {
            let values = matches.get_many::<String>(key.flag)?;
            Some((key, values.cloned().collect()))
        };
        Ok(Self { given: keys_of::<S>().filter_map(typed).collect(), scope: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn arg(key: &'static Key) -> Arg {
    let arg = Arg::new(key.flag)
        .long(key.flag)
        .visible_aliases(key.flag_also.iter().copied())
        .value_name(key.kind.placeholder())
        .help_heading(key.section.title())
        .help(short_help(key))
        .long_help(long_help(key));
    match key.kind {
        // As Go's flags have it: `-join-strict` and `-join-strict=false`.
        Kind::Bool => {
            arg.num_args(0..=1).require_equals(true).default_missing_value("true").action(ArgAction::Set)
        }
        kind if kind.is_many() => arg.action(ArgAction::Append),
        _ => arg.action(ArgAction::Set).overrides_with(key.flag),
    }
}

/// The summary and a default that is a value.
fn short_help(key: &Key) -> String {
    match key.fallback {
        Fallback::Is(text) => format!("{} [default: {text}]", key.summary()),
        Fallback::Found(..) | Fallback::Unset(_) => key.summary().to_owned(),
    }
}

/// The whole help and where else the value can be set.
fn long_help(key: &Key) -> String {
    let mut names = vec![key.env()];
    names.extend(key.env_also.map(str::to_owned));
    let default = match key.fallback {
        Fallback::Is(text) => format!("[default: {text}]"),
        Fallback::Found(words, _) | Fallback::Unset(words) => format!("[default: {words}]"),
    };
    format!("{}\n\n{default} [file: {}] [env: {}]", key.help, key.path(), names.join(", "))
}
