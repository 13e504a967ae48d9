//! Facility and severity of syslog (RFC 5424, 6.2.1), by number and by name.

use core::fmt;

/// Names of facilities, in the order of their numbers.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
/// Names of severities, from the worst.
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
/// Names that other syslogs take too.
const ALSO: [(&str, &str); 3] = [("error", "err"), ("warn", "warning"), ("panic", "emerg")];

/// What part of a system speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facility(u8);

/// How bad it is: smaller is worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Severity(u8);

impl Facility {
    /// What programs that say nothing of it belong to.
    pub const USER: Self = Self(1);
    /// What long-running services belong to.
    pub const DAEMON: Self = Self(3);

    /// By name, any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        position(&FACILITIES, name).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        FACILITIES[usize::from(self.0)]
    }

    /// One bit among 24.
    pub(crate) fn bit(self) -> u32 {
        1 << self.0
    }
}

impl Severity {
    /// An error.
    pub const ERR: Self = Self(3);
    /// Normal, but worth a look.
    pub const NOTICE: Self = Self(5);
    /// For the record.
    pub const INFO: Self = Self(6);

    /// By name, any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let also = ALSO.iter().find(|(also, _)| also.eq_ignore_ascii_case(name));
        position(&SEVERITIES, also.map_or(name, |(_, name)| name)).map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        SEVERITIES[usize::from(self.0)]
    }

    /// One bit among 8.
    pub(crate) fn bit(self) -> u8 {
        1 << self.0
    }

    /// The bits of this one and all that are worse.
    pub(crate) fn bits_and_worse(self) -> u8 {
        u8::MAX >> (7 - self.0)
    }
}

fn position(names: &[&str], name: &str) -> Option<u8> {
    let at = names.iter().position(|known| known.eq_ignore_ascii_case(name))?;
    u8::try_from(at).ok()
}

/// Both, as one number at the head of each message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Priority {
    /// Who speaks.
    pub facility: Facility,
    /// How bad it is.
    pub severity: Severity,
}

impl Priority {
    /// What a message without one has (RFC 3164, 4.3.3).
    pub const UNSAID: Self = Self { facility: Facility::USER, severity: Severity::NOTICE };

    /// From the number between `<` and `>`.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        let (facility, severity) = (number / 8, number % 8);
        (usize::from(facility) < FACILITIES.len())
            .then_some(Self { facility: Facility(facility), severity: Severity(severity) })
    }

    /// The number between `<` and `>`.
    #[must_use]
    pub fn number(self) -> u8 {
        self.facility.0 * 8 + self.severity.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.facility.name(), self.severity.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_its_name() {
        for number in 0..=u8::MAX {
            match Priority::of_number(number) {
                Some(priority) => {
                    assert_eq!(priority.number(), number);
                    assert_eq!(Facility::by_name(priority.facility.name()), Some(priority.facility));
                    assert_eq!(Severity::by_name(priority.severity.name()), Some(priority.severity));
                }
                None => assert!(number >= 192),
            }
        }
        assert_eq!(Priority::of_number(141).unwrap().to_string(), "local1.notice");
        assert_eq!(Severity::by_name("WARN"), Severity::by_name("warning"));
        assert_eq!(Facility::by_name("local8"), None);
    }

    #[test]
    fn worse_ones_are_those_before() {
        assert_eq!(Severity(0).bits_and_worse(), 0b1);
        assert_eq!(Severity::NOTICE.bits_and_worse(), 0b11_1111);
        assert_eq!(Severity(7).bits_and_worse(), u8::MAX);
    }
}
