//! HAProxy's flags (management guide, 3): each has one dash, some have values behind them, none are joined.

use std::ffi::OsString;
use std::path::PathBuf;

/// What is wished for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// `-v`
    Version,
    /// `-vv`
    Details,
    /// All else.
    Run(Asked),
}

/// How to run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Asked {
    /// `-f`, and what stands behind `--`.
    pub(super) files: Vec<PathBuf>,
    /// `-c`: only look at the files.
    pub(super) check: bool,
    /// `-C`
    pub(super) directory: Option<PathBuf>,
    /// `-p`
    pub(super) pidfile: Option<PathBuf>,
    /// `-sf` or `-st`: whom to end once we listen.
    pub(super) ends: Option<Ends>,
    /// `-D`
    pub(super) daemon: bool,
    /// `-W`
    pub(super) master_worker: bool,
    /// `-db`, or `-d`: neither of these two, whatever the file says.
    pub(super) foreground: bool,
    /// `-q`, but not `-V`
    pub(super) quiet: bool,
    /// `-dW`: a note is a refusal.
    pub(super) strict: bool,
    /// `-n`
    pub(super) clients_max: Option<u32>,
}

/// Processes that are to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ends {
    /// Their ids.
    pub(super) pids: Vec<i32>,
    /// They finish what they do.
    pub(super) gently: bool,
}

/// Flags that we do not follow, and what to do.
const OTHERS: [(&str, &str); 16] = [
    ("-Ws", "use -W; what notifies systemd is not done"),
    (
        "-x",
        "leave it out: with `muster run` or systemd, listening sockets are held while a new process starts",
    ),
    ("-S", "leave it out; use the stats socket or `muster`"),
    ("-N", "write `maxconn` into each frontend"),
    ("-m", "leave it out: memory is bounded by the number of clients"),
    ("-L", "leave it out: there are no peers"),
    ("-cc", "leave it out: files have no conditions"),
    ("-de", "leave it out: there is epoll only"),
    ("-dp", "leave it out: there is epoll only"),
    ("-dS", "leave it out"),
    ("-dG", "leave it out: getaddrinfo is not used"),
    ("-dR", "leave it out: addresses are not shared"),
    ("-dL", "leave it out: the binary is static"),
    ("-dV", "leave it out: backends are spoken to in clear"),
    ("-dr", "leave it out"),
    ("-dD", "leave it out: what could surprise is always said"),
];

/// Reads the words behind the program's name.
pub(super) fn parse(words: impl Iterator<Item = OsString>) -> Result<Wish, String> {
    let mut asked = Asked::default();
    let mut words = words.peekable();
    let mut has_words = false;
    while let Some(word) = words.next() {
        has_words = true;
        let flag = word.to_str().unwrap_or_default();
        let mut value = |what: &str| words.next().ok_or_else(|| format!("{flag} needs {what}"));
        match flag {
            "-v" => return Ok(Wish::Version),
            "-vv" => return Ok(Wish::Details),
            "-f" => asked.files.push(value("a file or a directory")?.into()),
            "-c" => asked.check = true,
            "-C" => asked.directory = Some(value("a directory")?.into()),
            "-p" => asked.pidfile = Some(value("a file")?.into()),
            "-n" => {
                let number = value("a number")?;
                let read = number.to_str().and_then(|number| number.parse().ok());
                asked.clients_max = Some(read.ok_or("-n needs a number")?);
            }
            "-sf" | "-st" => {
                let mut pids = Vec::new();
                while let Some(word) = words.peek().filter(|word| !word.as_encoded_bytes().starts_with(b"-"))
                {
                    let pid = word.to_str().and_then(|word| word.parse().ok()).filter(|pid| *pid > 0);
                    pids.push(pid.ok_or_else(|| format!("{flag}: {} is no process id", word.display()))?);
                    words.next();
                }
                asked.ends = Some(Ends { pids, gently: flag == "-sf" });
            }
            "-D" => asked.daemon = true,
            "-W" => asked.master_worker = true,
            "-d" | "-db" => asked.foreground = true,
            "-q" => asked.quiet = true,
            "-V" => asked.quiet = false,
            "-dW" => asked.strict = true,
            "--" => {
                asked.files.extend(words.map(PathBuf::from));
                break;
            }
            flag => {
                return Err(match OTHERS.iter().find(|(other, _)| *other == flag) {
                    Some((_, instead)) => format!("{flag} is not done by Muster; {instead}"),
                    None => format!("there is no flag {}", word.display()),
                });
            }
        }
    }
    if !has_words {
        return Err("nothing was asked for".into());
    }
    if asked.files.is_empty() {
        return Err("no file was named; write -f FILE".into());
    }
    Ok(Wish::Run(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Wish, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn asked(line: &str) -> Asked {
        match parsed(line).unwrap() {
            Wish::Run(asked) => asked,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_are_read_as_haproxy_reads_them() {
        let all = asked("-W -db -f a -f b -c -p /run/p -C /etc -n 5 -q -dW -D -sf 1 2 -- c d");
        assert_eq!(all.files, ["a", "b", "c", "d"].map(PathBuf::from));
        assert_eq!((all.pidfile, all.directory), (Some("/run/p".into()), Some("/etc".into())));
        assert_eq!(all.ends, Some(Ends { pids: vec![1, 2], gently: true }));
        assert!(all.check && all.master_worker && all.foreground && all.daemon && all.quiet && all.strict);
        assert_eq!(all.clients_max, Some(5));
        assert_eq!(asked("-f a -st 7 -c").ends, Some(Ends { pids: vec![7], gently: false }));
        assert_eq!(asked("-f a -sf").ends, Some(Ends { pids: vec![], gently: true }));
        assert!(!asked("-f a -q -V").quiet);
    }

    #[test]
    fn versions_are_told_whatever_else_is_asked() {
        assert_eq!(parsed("-v"), Ok(Wish::Version));
        assert_eq!(parsed("-c -vv"), Ok(Wish::Details));
    }

    #[test]
    fn what_is_not_followed_is_refused_with_what_to_do() {
        for (line, words) in [
            ("", "nothing was asked for"),
            ("-c", "no file was named"),
            ("-f", "-f needs a file"),
            ("-f a -n x", "-n needs a number"),
            ("-f a -sf x", "-sf: x is no process id"),
            ("-f a -sf 0", "-sf: 0 is no process id"),
            ("-f a -Ws", "-Ws is not done by Muster; use -W"),
            ("-f a -bogus", "there is no flag -bogus"),
            ("-f a b", "there is no flag b"),
        ] {
            let refused = parsed(line).unwrap_err();
            assert!(refused.contains(words), "{line}: {refused}");
        }
    }
}
