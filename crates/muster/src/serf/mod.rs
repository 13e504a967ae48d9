//! The binary called as `serf`: HashiCorp Serf's command line, as scripts know it.
//!
//! `ln -s muster /usr/bin/serf`, and whatever ran Serf runs Muster. Flags, output, errors (on standard output), exit codes
//! and the RPC that the commands speak are Serf's; so `serf` of either kind serves an agent of either kind. Everything here
//! is a shell around what Muster has anyway.
//!
//! | idea | file |
//! |---|---|
//! | which command, and what the words before it mean | [`run`] |
//! | Go's flags | [`flags`] |
//! | the connection to an agent | [`client`] |
//! | each command | its own, or [`simple`] |
//! | `serf agent` | [`agent`] |

mod agent;
mod client;
mod columns;
mod flags;
mod help;
mod interrupt;
mod keys;
mod members;
mod monitor;
mod query;
mod reachability;
mod simple;
mod ui;

use client::Client;
use flags::{Flag, Parsed, Refused, Takes, flag};
use help::Help;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::ExitCode;
use ui::{Code, DONE, FAILED, Ui, complain};

/// Unknown or missing command, as shells say it.
const UNKNOWN_COMMAND: Code = 127;
const RPC_ADDRESS: &str = "127.0.0.1:7373";

/// Is this program Serf? Its name says so.
pub(crate) fn is_meant(program: Option<&OsString>) -> bool {
    program.and_then(|path| Path::new(path).file_name()).is_some_and(|name| name == "serf")
}

/// One of Serf's commands.
struct Command {
    name: &'static str,
    help: Help,
    /// None for those that look at no words at all.
    flags: Option<&'static [Flag]>,
    run: fn(&Asked) -> Code,
}

/// A command and its words.
struct Asked {
    ui: Ui,
    words: Parsed,
    usage: &'static str,
}

const fn command(
    name: &'static str,
    help: Help,
    flags: Option<&'static [Flag]>,
    run: fn(&Asked) -> Code,
) -> Command {
    Command { name, help, flags, run }
}

/// Every command, in the order of their names.
static COMMANDS: [Command; 15] = [
    command("agent", help::AGENT, Some(agent::FLAGS), agent::run),
    command("event", help::EVENT, Some(simple::EVENT), simple::event),
    command("force-leave", help::FORCE_LEAVE, Some(simple::FORCE_LEAVE), simple::force_leave),
    command("info", help::INFO, Some(simple::INFO), simple::info),
    command("join", help::JOIN, Some(simple::JOIN), simple::join),
    command("keygen", help::KEYGEN, None, simple::keygen),
    command("keys", help::KEYS, Some(keys::FLAGS), keys::run),
    command("leave", help::LEAVE, Some(simple::PLAIN), simple::leave),
    command("members", help::MEMBERS, Some(members::FLAGS), members::run),
    command("monitor", help::MONITOR, Some(monitor::FLAGS), monitor::run),
    command("query", help::QUERY, Some(query::FLAGS), query::run),
    command("reachability", help::REACHABILITY, Some(reachability::FLAGS), reachability::run),
    command("rtt", help::RTT, Some(simple::PLAIN), simple::rtt),
    command("tags", help::TAGS, Some(simple::TAGS), simple::tags),
    command("version", help::VERSION, None, simple::version),
];

/// Runs Serf. `words` are the program's arguments without its name.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let words = words.map(OsStringExt::into_vec).collect();
    ExitCode::from(dispatch(words))
}

/// What the words before and behind the command mean (`mitchellh/cli`, `processArgs` and `Run`).
fn dispatch(mut words: Vec<Vec<u8>>) -> Code {
    if words.iter().any(|word| matches!(word.as_slice(), b"-v" | b"--version")) {
        words.insert(0, b"version".to_vec());
    }
    let before_end = words.iter().take_while(|word| *word != b"--");
    let asks_for_help =
        before_end.clone().any(|word| matches!(word.as_slice(), b"-h" | b"-help" | b"--help"));
    let at = before_end.clone().position(|word| word.first().is_some_and(|first| *first != b'-'));
    let Some(at) = at else {
        complain(general_help().as_bytes());
        return if asks_for_help { DONE } else { UNKNOWN_COMMAND };
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name.as_bytes() == words[at]) else {
        complain(general_help().as_bytes());
        return UNKNOWN_COMMAND;
    };
    if asks_for_help {
        complain(command.help.usage.as_bytes());
        return DONE;
    }
    if words[..at].iter().any(|word| !word.is_empty() && word != b"-version") {
        complain(
            b"Invalid flags before the subcommand. If these flags are for\n\
              the subcommand, please put them after the subcommand.\n",
        );
        complain(command.help.usage.as_bytes());
        return FAILED;
    }
    execute(command, &words[at + 1..])
}

fn execute(command: &'static Command, words: &[Vec<u8>]) -> Code {
    let ui = Ui::of_process();
    let words = match command.flags.map(|flags| flags::parse(flags, words)) {
        None => Parsed::default(),
        Some(Ok(words)) => words,
        Some(Err(refused)) => {
            if let Refused::Wrong(why) = refused {
                complain(&why);
            }
            // The agent prefixes all it says.
            let prefix = if command.name == "agent" { agent::OUTPUT_PREFIX } else { "" };
            return ui.fail(format!("{prefix}{}", command.help.usage));
        }
    };
    (command.run)(&Asked { ui, words, usage: command.help.usage })
}

fn general_help() -> String {
    help::general(COMMANDS.iter().map(|command| (command.name, command.help.synopsis)))
}

const RPC_ADDR: Flag = flag("rpc-addr", Takes::Text);
const RPC_AUTH: Flag = flag("rpc-auth", Takes::Text);

impl Asked {
    /// A session with the agent that flags or environment name.
    fn connect(&self) -> Result<Client, Code> {
        let (mut address, token) = (self.or_of_environment("rpc-addr"), self.or_of_environment("rpc-auth"));
        if address.is_empty() && !self.words.has("rpc-addr") {
            RPC_ADDRESS.clone_into(&mut address);
        }
        Client::connect(&address, &token).map_err(|why| self.fail("Error connecting to Serf agent", &why))
    }

    /// `-rpc-addr`, else `SERF_RPC_ADDR`.
    fn or_of_environment(&self, flag: &str) -> String {
        if self.words.has(flag) {
            return self.words.text(flag);
        }
        let variable = format!("SERF_{}", flag.replace('-', "_").to_ascii_uppercase());
        std::env::var_os(variable).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn fail(&self, what: &str, why: &str) -> Code {
        self.ui.fail(format!("{what}: {why}"))
    }

    /// The words were not those that the command takes.
    fn misused(&self, why: &str) -> Code {
        self.ui.line(why);
        self.ui.line("");
        self.ui.fail(self.usage)
    }
}

/// `KEY=VALUE`, where a key must have a name.
fn tags(texts: &[String]) -> Result<Vec<(&str, &str)>, String> {
    let split = |text| match str::split_once(text, '=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err(format!("Error: Invalid tag: '{text}'")),
    };
    // As in Go's map, the last one of a name counts.
    let mut tags: Vec<(&str, &str)> = Vec::new();
    for text in texts {
        let (key, value) = split(text)?;
        tags.retain(|(earlier, _)| *earlier != key);
        tags.push((key, value));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_decides() {
        for (program, serf) in [
            ("serf", true),
            ("/usr/bin/serf", true),
            ("./serf", true),
            ("muster", false),
            ("/serf/muster", false),
        ] {
            assert_eq!(is_meant(Some(&program.into())), serf, "{program}");
        }
        assert!(!is_meant(None));
    }

    #[test]
    fn every_command_is_known_by_one_name_and_its_flags_are_in_its_help() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        for command in &COMMANDS {
            for flag in command.flags.into_iter().flatten() {
                assert!(
                    command.help.usage.contains(&format!("-{}", flag.name)),
                    "{} -{}",
                    command.name,
                    flag.name
                );
            }
        }
    }

    #[test]
    fn tags_are_split_at_the_first_sign_and_the_last_of_a_name_counts() {
        let texts = ["a=1=2".to_owned(), "b=".to_owned(), "a=3".to_owned()];
        assert_eq!(tags(&texts).unwrap(), [("b", ""), ("a", "3")]);
        for wrong in ["a", "=a", ""] {
            assert_eq!(tags(&[wrong.to_owned()]).unwrap_err(), format!("Error: Invalid tag: '{wrong}'"));
        }
    }
}
