//! Serf's flags begin with one dash or two (Go's `flag` package); clap's long flags only with two.
//!
//! Before clap sees the arguments, `-join x` and `-rpc-addr=y` become `--join x` and `--rpc-addr=y`. A mistyped `-jion`
//! becomes `--jion`, so that clap can say which flag is meant. One-letter flags stay as they are.

use std::collections::BTreeSet;
use std::ffi::OsString;

/// The flags of every command.
pub(super) struct Known {
    long: BTreeSet<String>,
    short: BTreeSet<char>,
}

impl Known {
    /// Collects the flags of `command` and of all commands below it.
    pub(super) fn of(command: &clap::Command) -> Self {
        let mut known = Self { long: BTreeSet::new(), short: BTreeSet::new() };
        known.add(command);
        known
    }

    fn add(&mut self, command: &clap::Command) {
        for arg in command.get_arguments() {
            self.long.extend(arg.get_long_and_visible_aliases().into_iter().flatten().map(str::to_owned));
            self.long.extend(arg.get_all_aliases().into_iter().flatten().map(str::to_owned));
            // HAProxy's are never joined, so that `-conifg` of any command is still a long flag with a slip in it.
            if command.get_name() != "proxy" {
                self.short.extend(arg.get_short_and_visible_aliases().into_iter().flatten());
            }
        }
        for below in command.get_subcommands() {
            self.add(below);
        }
    }

    fn is_long_with_one_dash(&self, arg: &str) -> bool {
        let Some(body) = arg.strip_prefix('-') else { return false };
        let name = body.split_once('=').map_or(body, |(name, _)| name);
        let mut chars = name.chars();
        let (Some(first), Some(_)) = (chars.next(), chars.next()) else { return false };
        self.long.contains(name) || (first.is_ascii_alphabetic() && !self.short.contains(&first))
    }
}

/// Doubles the dash of long flags typed with one. Everything after `--` is left alone.
pub(super) fn normalise(args: impl IntoIterator<Item = OsString>, known: &Known) -> Vec<OsString> {
    let mut flags_may_follow = true;
    args.into_iter()
        .map(|arg| match arg.to_str() {
            Some("--") => {
                flags_may_follow = false;
                arg
            }
            Some(text) if flags_may_follow && known.is_long_with_one_dash(text) => format!("-{text}").into(),
            _ => arg,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    fn normalised(args: &[&str]) -> Vec<String> {
        let known = Known::of(
            &Command::new("muster").subcommand(
                Command::new("agent")
                    .arg(Arg::new("join").long("join").alias("retry-join"))
                    .arg(Arg::new("h").short('h').long("help")),
            ),
        );
        let args = args.iter().map(OsString::from);
        normalise(args, &known).into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn a_long_flag_may_have_one_dash() {
        assert_eq!(normalised(&["agent", "-join", "x"]), ["agent", "--join", "x"]);
        assert_eq!(normalised(&["agent", "-join=x"]), ["agent", "--join=x"]);
        assert_eq!(normalised(&["agent", "-retry-join", "x"]), ["agent", "--retry-join", "x"]);
    }

    #[test]
    fn two_dashes_one_letter_values_and_negative_numbers_stay() {
        for args in [["--join", "a-join"], ["-h", "-"], ["-5", "-1.5"], ["-x", "-x=1"]] {
            assert_eq!(normalised(&args), args);
        }
    }

    #[test]
    fn a_mistyped_long_flag_is_still_a_long_flag() {
        assert_eq!(normalised(&["-jion"]), ["--jion"]);
        // `-h` exists, so this may be one-letter flags together.
        assert_eq!(normalised(&["-hx"]), ["-hx"]);
    }

    #[test]
    fn nothing_changes_after_two_dashes_alone() {
        assert_eq!(normalised(&["-join", "--", "-join"]), ["--join", "--", "-join"]);
    }
}
