//! Conditions: `acl`, and `if` and `unless` behind rules (configuration manual, 7.1 and 7.2).

use crate::args::Args;
use crate::sample::{self, Sample};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use muster_fleet::{Network, Ports};
use muster_routes::{Condition, HostPattern, How, Pattern, Place, Term, Test};

/// Most alternatives of one condition. `unless` with several can make many of few.
const ALTERNATIVES_MAX: usize = 64;

/// The bounds of HAProxy's `dir` and `dom` (`match_word`).
const DIR: &[u8] = b"/?";
const DOM: &[u8] = b"/?.:";

/// What may not be the name of an ACL.
const RESERVED: [&str; 4] = ["or", "||", "if", "unless"];

/// The ACLs of a proxy, and where each was first given.
#[derive(Debug, Default)]
pub(crate) struct Acls(BTreeMap<String, (Place, Vec<Test>)>);

impl Acls {
    /// Reads what stands behind `acl`. Several of one name are one: any of them.
    pub(crate) fn add(&mut self, mut args: Args<'_>, place: &Place) -> Result<(), String> {
        let name = args.value("acl")?;
        if RESERVED.contains(&name)
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        {
            return Err(format!("`{name}` cannot be the name of an acl; take letters, digits and - _ . :"));
        }
        let test = test(args)?;
        let (_, tests) = self.0.entry(name.into()).or_insert_with(|| (place.clone(), Vec::new()));
        tests.push(test);
        Ok(())
    }

    fn get(&self, name: &str, place: &Place) -> Result<Test, String> {
        if let Some((first, tests)) = self.0.get(name) {
            // As in HAProxy, where one that comes later is not known yet.
            if first.file == place.file && first.line > place.line {
                return Err(format!(
                    "the acl `{name}` comes only at line {}; move it before this line",
                    first.line
                ));
            }
            return Ok(match tests.as_slice() {
                [test] => test.clone(),
                tests => Test::Any(tests.to_vec()),
            });
        }
        predefined(name)
            .ok_or_else(|| format!("there is no acl `{name}` in this section; define it before this line"))
    }

    /// Reads `if ...` or `unless ...`, or nothing, up to the end of the line.
    pub(crate) fn condition(&self, mut args: Args<'_>, place: &Place) -> Result<Condition, String> {
        let is_negated = match args.next() {
            None => return Ok(Condition::always()),
            Some("if") => false,
            Some("unless") => true,
            Some(word) => {
                return Err(format!(
                    "`{word}` is one word too many here; `if` or `unless` may follow, or nothing"
                ));
            }
        };
        let mut alternatives = alloc::vec![Vec::new()];
        let mut last = "if";
        while let Some(word) = args.next() {
            if word == "or" || word == "||" {
                if alternatives.last().is_some_and(Vec::is_empty) {
                    return Err(format!("`{word}` has nothing before it"));
                }
                alternatives.push(Vec::new());
                last = word;
                continue;
            }
            let bare = word.trim_start_matches('!');
            let negated = (word.len() - bare.len()) % 2 == 1;
            let bare = match bare {
                "" => args.next().ok_or("`!` has nothing behind it")?,
                bare => bare,
            };
            let test = match bare {
                "{" => {
                    let words = args.rest();
                    let end = words
                        .iter()
                        .position(|word| word == "}")
                        .ok_or("`{` is never closed; write ` }` with a blank before it")?;
                    for _ in 0..=end {
                        args.next();
                    }
                    test(Args::new(&words[..end]))?
                }
                name => self.get(name, place)?,
            };
            if let Some(terms) = alternatives.last_mut() {
                terms.push(Term { negated, test: Arc::new(test) });
            }
        }
        if alternatives.last().is_some_and(Vec::is_empty) {
            return Err(format!("`{last}` has nothing behind it"));
        }
        if is_negated { opposite(&alternatives) } else { Ok(Condition(alternatives)) }
    }
}

/// Not any of these: one term of each does not hold.
fn opposite(alternatives: &[Vec<Term>]) -> Result<Condition, String> {
    let mut opposites: Vec<Vec<Term>> = alloc::vec![Vec::new()];
    for terms in alternatives {
        if opposites.len() * terms.len() > ALTERNATIVES_MAX {
            return Err(
                "`unless` with so many conditions is too much; write what is to hold with `if`".into()
            );
        }
        let with = |opposite: &Vec<Term>| {
            let one = |term: &Term| {
                let mut opposite = opposite.clone();
                opposite.push(Term { negated: !term.negated, test: Arc::clone(&term.test) });
                opposite
            };
            terms.iter().map(one).collect::<Vec<_>>()
        };
        opposites = opposites.iter().flat_map(with).collect();
    }
    Ok(Condition(opposites))
}

/// Those that HAProxy has by itself (configuration manual, 7.4).
fn predefined(name: &str) -> Option<Test> {
    let methods =
        |methods: &[&str]| Test::Method(methods.iter().map(|method| (*method).to_string()).collect());
    Some(match name {
        "TRUE" => Test::Constant(true),
        "FALSE" => Test::Constant(false),
        "LOCALHOST" => {
            let networks = ["127.0.0.0/8", "::1"];
            Test::Source(networks.iter().filter_map(|network| network.parse().ok()).collect())
        }
        "METH_CONNECT" => methods(&["CONNECT"]),
        "METH_DELETE" => methods(&["DELETE"]),
        "METH_GET" => methods(&["GET", "HEAD"]),
        "METH_HEAD" => methods(&["HEAD"]),
        "METH_OPTIONS" => methods(&["OPTIONS"]),
        "METH_POST" => methods(&["POST"]),
        "METH_PUT" => methods(&["PUT"]),
        "METH_TRACE" => methods(&["TRACE"]),
        _ => return None,
    })
}

/// Reads a criterion, its flags and its patterns.
fn test(mut args: Args<'_>) -> Result<Test, String> {
    let text = args.next().ok_or("a condition has nothing to ask for; write such as `path_beg /api`")?;
    let read = sample::read(text)?;
    let mut ignore_case = false;
    let mut laid_on = read.laid_on.clone();
    while let Some(flag) = args.peek().filter(|word| word.starts_with('-')) {
        args.next();
        match flag {
            "--" => break,
            "-i" => ignore_case = true,
            "-m" => laid_on = Some(args.value("-m")?.into()),
            "-f" | "-M" => {
                return Err(format!("`{flag}`: patterns in a file are not read by Muster; write them here"));
            }
            "-n" | "-u" => return Err(format!("`{flag}` is not done by Muster; leave it out")),
            other => {
                return Err(format!(
                    "`{other}` is no flag; write `--` before a pattern that begins with a hyphen"
                ));
            }
        }
    }
    let words = args.rest();
    let is_found = laid_on.as_deref() == Some("found");
    match &read.sample {
        Sample::Constant(_) | Sample::Secure => {
            if let Some(word) = words.first() {
                return Err(format!("`{text}` has no patterns, and `{word}` would be one"));
            }
        }
        _ if is_found && !words.is_empty() => return Err("`-m found` has no patterns".into()),
        _ if !is_found && words.is_empty() => {
            return Err(format!("`{text}` has no pattern, and so would never hold"));
        }
        _ => {}
    }
    let patterns = || patterns(laid_on.as_deref(), words, ignore_case, read.is_lower);
    let is_list = matches!(read.sample, Sample::Items(_));
    let plain = |of: &str| match laid_on.as_deref() {
        None | Some("str" | "ip" | "int") if !ignore_case => Ok(()),
        _ => Err(format!("`{of}` is compared as it is; leave flags out")),
    };
    Ok(match read.sample {
        Sample::Constant(holds) => Test::Constant(holds),
        Sample::Secure => Test::Secure,
        Sample::Items(name) | Sample::Whole(name) if is_found => {
            Test::Field { name, is_list: false, patterns: Vec::new() }
        }
        _ if is_found => return Err(format!("`{text}` is always found")),
        Sample::Items(name) | Sample::Whole(name) => Test::Field { name, is_list, patterns: patterns()? },
        Sample::Path => Test::Path(patterns()?),
        Sample::HostAlone if laid_on.is_none() || laid_on.as_deref() == Some("str") => {
            if !ignore_case && !read.is_lower {
                return Err(format!("`{text}`: hosts have no case; write `-i` before the patterns"));
            }
            Test::Host(words.iter().map(|word| host(word)).collect::<Result<_, _>>()?)
        }
        Sample::HostAlone => {
            return Err(format!(
                "`{text}` is compared whole by Muster; for more, take hdr_beg(host), hdr_end(host) and their like"
            ));
        }
        Sample::Method => {
            plain("method")?;
            Test::Method(words.to_vec())
        }
        Sample::Source => {
            plain("src")?;
            let networks = words.iter().map(|word| word.parse::<Network>());
            Test::Source(networks.collect::<Result<_, _>>()?)
        }
        Sample::LocalPort => {
            plain("dst_port")?;
            Test::LocalPort(words.iter().map(|word| ports(word)).collect::<Result<_, _>>()?)
        }
        Sample::Query | Sample::SourcePort | Sample::Local => {
            return Err(format!(
                "`{text}` cannot be a condition in Muster; there is hdr(), path, method, src, dst_port, ssl_fc"
            ));
        }
    })
}

fn host(word: &str) -> Result<HostPattern, String> {
    match word.starts_with(['*', '.']) {
        true => Err(format!(
            "`{word}` is compared whole by HAProxy and would never be a host; take hdr_end(host)"
        )),
        false => word.parse(),
    }
}

fn ports(word: &str) -> Result<Ports, String> {
    let wrong = || format!("`{word}` is no port; write such as 80 or 8000:8999");
    match word.split_once(':') {
        Some((first, last)) if !word.contains('-') => format!("{first}-{last}").parse().map_err(|_| wrong()),
        None if !word.contains('-') => word.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn patterns(
    laid_on: Option<&str>,
    words: &[String],
    ignore_case: bool,
    is_lower: bool,
) -> Result<Vec<Pattern>, String> {
    let how = match laid_on {
        None | Some("str") => How::Exact,
        Some("beg") => How::Prefix,
        Some("end") => How::Suffix,
        Some("sub") => How::Contains,
        Some("dir") => How::Between(DIR),
        Some("dom") => How::Between(DOM),
        Some("reg") => {
            let read = |word: &String| {
                Pattern::regex(word, ignore_case || is_lower)
                    .map_err(|why| format!("`{word}` is no regular expression that Muster follows: {why}"))
            };
            return words.iter().map(read).collect();
        }
        Some(other) => {
            return Err(format!(
                "`{other}` is not done by Muster; there is str, beg, end, sub, dir, dom, reg, found"
            ));
        }
    };
    let one = |word: &String| {
        if is_lower && word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(format!(
                "`{word}` has capital letters, and behind `lower` nothing has; write it in small ones"
            ));
        }
        Ok(Pattern::new(how.clone(), word, ignore_case || is_lower))
    };
    words.iter().map(one).collect()
}
