//! tini's command line: its flags, then the command. Flags and variables of tini that make no difference here (`-v`, `-w`, `-s`)
//! are taken: orphans are always reaped, and we are a subreaper whenever we are not PID 1.

use std::ffi::OsString;

use muster_init::tini::{self, Options};

const USAGE: &str = "usage: tini [-g] [-s] [-v] [-w] [-e CODE]... [--] COMMAND [ARGUMENT]...";
/// tini's own code for wrong usage.
const WRONG_USAGE: u8 = 1;

pub(super) fn run(words: &[OsString]) -> u8 {
    match parse(words) {
        Ok((options, command)) => tini::run(command, &options),
        Err(error) => {
            crate::out::say(&format_args!("{error}\n{USAGE}"));
            WRONG_USAGE
        }
    }
}

fn parse(words: &[OsString]) -> Result<(Options, Vec<OsString>), String> {
    let mut options =
        Options { group: std::env::var_os("TINI_KILL_PROCESS_GROUP").is_some(), ..Options::default() };
    let mut parser = lexopt::Parser::from_args(words.iter().cloned());
    loop {
        // The command is whatever comes first that is no flag of ours; its own flags are not looked at.
        if let Some(raw) = parser.try_raw_args()
            && let Some(word) = raw.peek()
            && (word == "--" || !word.as_encoded_bytes().starts_with(b"-"))
        {
            let rest: Vec<OsString> = raw.collect();
            let command = if rest[0] == "--" { rest[1..].to_vec() } else { rest };
            return match command.is_empty() {
                true => Err("no command was given".to_owned()),
                false => Ok((options, command)),
            };
        }
        match parser.next().map_err(|error| error.to_string())? {
            Some(lexopt::Arg::Short('s' | 'v' | 'w')) => {}
            Some(lexopt::Arg::Short('g')) => options.group = true,
            Some(lexopt::Arg::Short('e')) => {
                let code = parser.value().map_err(|error| error.to_string())?;
                let code = code.to_str().and_then(|code| code.parse().ok());
                options.as_zero.push(code.ok_or("-e wants an exit code, 0 to 255")?);
            }
            Some(other) => return Err(other.unexpected().to_string()),
            None => return Err("no command was given".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<(Options, Vec<OsString>), String> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_keeps_its_own_flags() {
        let command = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            parse_words(&["--", "app", "-x", "--"]),
            Ok((Options::default(), command(&["app", "-x", "--"])))
        );
        assert_eq!(parse_words(&["app", "-g"]), Ok((Options::default(), command(&["app", "-g"]))));
        let options = Options { group: true, as_zero: vec![143, 130] };
        assert_eq!(
            parse_words(&["-gv", "-e", "143", "-e130", "--", "app"]),
            Ok((options, command(&["app"])))
        );
    }

    #[test]
    fn nothing_to_run_and_unknown_flags_are_told() {
        assert_eq!(parse_words(&["--"]), Err("no command was given".to_owned()));
        assert_eq!(parse_words(&["-g"]), Err("no command was given".to_owned()));
        assert!(parse_words(&["-e", "256", "--", "app"]).is_err_and(|error| error.contains("0 to 255")));
        assert!(parse_words(&["-q", "--", "app"]).is_err());
    }
}
