//! Which messages go where: `local1.notice -> file:haproxy`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use crate::{Facility, Priority, Severity};

/// One rule: a selector as in syslog.conf(5), and a target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// One bit for each facility.
    facilities: u32,
    /// One bit for each severity.
    severities: u8,
    /// Where such messages go.
    pub target: Target,
}

/// Where a rule sends a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// The collector.
    Collector,
    /// The file of this name in the folder.
    File(String),
    /// Nowhere.
    Nowhere,
}

impl Rule {
    fn matches(&self, priority: Priority) -> bool {
        self.facilities & priority.facility.bit() != 0 && self.severities & priority.severity.bit() != 0
    }
}

const WANTED: &str = "write SELECTOR -> TARGET, for example `local1.notice -> file:haproxy`";

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (selector, target) = text.split_once("->").ok_or_else(|| format!("`{text}`: {WANTED}"))?;
        let (facilities, severity) =
            selector.trim().rsplit_once('.').ok_or_else(|| format!("`{text}`: {WANTED}"))?;
        Ok(Self {
            facilities: bits_of_facilities(facilities)?,
            severities: bits_of_severity(severity)?,
            target: target.trim().parse()?,
        })
    }
}

fn bits_of_facilities(text: &str) -> Result<u32, String> {
    let mut bits = 0;
    for name in text.split(',').map(str::trim) {
        bits |= match name {
            "*" => u32::MAX,
            name => Facility::by_name(name).map(Facility::bit).ok_or_else(|| {
                format!("there is no facility `{name}`: *, user, daemon, local0 to local7, and so on")
            })?,
        };
    }
    Ok(bits)
}

/// `notice` and worse, `=notice` only, `*` all.
fn bits_of_severity(text: &str) -> Result<u8, String> {
    let named = |name: &str| {
        Severity::by_name(name).ok_or_else(|| {
            format!(
                "there is no level `{name}`: *, emerg, alert, crit, err, warning, notice, info or debug, with = for that one only"
            )
        })
    };
    match text.trim() {
        "*" => Ok(u8::MAX),
        text => match text.strip_prefix('=') {
            Some(name) => named(name).map(Severity::bit),
            None => named(text).map(Severity::bits_and_worse),
        },
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stdout" => Ok(Self::Stdout),
            "collector" => Ok(Self::Collector),
            "nowhere" => Ok(Self::Nowhere),
            _ => match text.strip_prefix("file:") {
                Some(name) if !name.is_empty() => Ok(Self::File(name.to_owned())),
                _ => Err(format!("`{text}` is no target: stdout, collector, file:NAME or nowhere")),
            },
        }
    }
}

/// Where one message goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Targets<'a> {
    /// To standard output.
    pub stdout: bool,
    /// To the collector.
    pub collector: bool,
    /// To these files, each once.
    pub files: Vec<&'a str>,
}

impl<'a> Targets<'a> {
    /// What all rules that match say together; `None` when none matches.
    #[must_use]
    pub fn of(rules: &'a [Rule], priority: Priority) -> Option<Self> {
        let mut found: Option<Self> = None;
        for rule in rules.iter().filter(|rule| rule.matches(priority)) {
            let targets = found.get_or_insert(Self { stdout: false, collector: false, files: Vec::new() });
            match &rule.target {
                Target::Stdout => targets.stdout = true,
                Target::Collector => targets.collector = true,
                Target::File(name) if targets.files.contains(&name.as_str()) => {}
                Target::File(name) => targets.files.push(name),
                Target::Nowhere => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(rules: &[&str], priority: u8) -> Option<(bool, bool, Vec<String>)> {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let targets = Targets::of(&rules, Priority::of_number(priority).unwrap())?;
        Some((targets.stdout, targets.collector, targets.files.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_selector_takes_its_level_and_worse() {
        let rules = ["local1.notice -> file:haproxy"];
        let file = Some((false, false, vec!["haproxy".to_owned()]));
        // local1: 17 * 8; notice 5, info 6, err 3.
        assert_eq!(targets(&rules, 141), file);
        assert_eq!(targets(&rules, 139), file);
        assert_eq!(targets(&rules, 142), None);
        assert_eq!(targets(&rules, 133), None);
    }

    #[test]
    fn rules_add_up() {
        let rules = ["*.* -> collector", "local0,local1.=info->stdout", "*.err -> file:a", "*.err -> file:a"];
        assert_eq!(targets(&rules, 142), Some((true, true, vec![])));
        assert_eq!(targets(&rules, 141), Some((false, true, vec![])));
        assert_eq!(targets(&rules, 11), Some((false, true, vec!["a".to_owned()])));
        assert_eq!(targets(&["*.debug -> nowhere"], 191), Some((false, false, vec![])));
    }

    #[test]
    fn a_mistake_says_what_would_be_right() {
        let why = |text: &str| text.parse::<Rule>().unwrap_err();
        assert_eq!(why("local1.notice"), format!("`local1.notice`: {WANTED}"));
        assert!(why("local9.* -> stdout").starts_with("there is no facility `local9`"));
        assert!(why("local1.loud -> stdout").starts_with("there is no level `loud`"));
        assert_eq!(why("local1.* -> file:"), "`file:` is no target: stdout, collector, file:NAME or nowhere");
    }
}
