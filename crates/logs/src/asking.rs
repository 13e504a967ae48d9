//! What a reader of the last lines says first: one line, `COUNT once|follow [NAME...]`, answered with lines in JSON.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::Wanted;
use crate::place::{unescaped, write_escaped};

/// Longest line of that kind.
pub const ASKING_BYTES_MAX: usize = 4096;

/// See the module's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// So many of the last lines.
    pub count: usize,
    /// And all that follow.
    pub follows: bool,
    /// Whose.
    pub wanted: Wanted,
}

impl fmt::Display for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, if self.follows { "follow" } else { "once" })?;
        for name in &self.wanted.services {
            f.write_str(" ")?;
            write_escaped(name, |c| c.is_whitespace() || c.is_control(), f)?;
        }
        Ok(())
    }
}

impl FromStr for Asking {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write COUNT once|follow [NAME...]".to_string();
        let mut words = text.split_ascii_whitespace();
        let count = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        let follows = match words.next() {
            Some("once") => false,
            Some("follow") => true,
            _ => return Err(wrong()),
        };
        let services = words.map(unescaped).collect::<Option<Vec<String>>>().ok_or_else(wrong)?;
        Ok(Self { count, follows, wanted: Wanted { services } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_read_as_it_is_written(count: usize, follows: bool, services in proptest::collection::vec(".{1,12}", 0..4)) {
            let asking = Asking { count, follows, wanted: Wanted { services } };
            prop_assert!(!asking.to_string().contains('\n'));
            prop_assert_eq!(asking.to_string().parse(), Ok(asking));
        }

        #[test]
        fn any_text_is_one_or_not(text in ".{0,60}") {
            let _ = text.parse::<Asking>();
        }
    }
}
