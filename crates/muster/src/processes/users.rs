//! Names of users, as far as `/etc/passwd` has them: there is no NSS in a static program, nor in a container.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// Longest file that is read.
const PASSWD_BYTES_MAX: u64 = 1 << 20;

/// Names by number.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<u32, String>);

impl Users {
    /// Of this container or host.
    pub(super) fn read() -> Self {
        let mut bytes = Vec::new();
        let file = File::open("/etc/passwd");
        let _ = file.and_then(|file| file.take(PASSWD_BYTES_MAX).read_to_end(&mut bytes));
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let mut users = BTreeMap::new();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (name, _password, number) = (fields.next(), fields.next(), fields.next());
            if let (Some(name), Some(Ok(number))) = (name, number.map(str::parse)) {
                // The first one counts, as for the system.
                users.entry(number).or_insert_with(|| name.to_owned());
            }
        }
        Self(users)
    }

    /// The user's name, or the number of one who has none.
    pub(super) fn name(&self, user: u32) -> String {
        self.0.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts_and_a_number_without_one_is_itself() {
        let users =
            Users::parse("root:x:0:0::/root:/bin/sh\nbroken\ntoor:x:0:0::/:\nwww:x:33:33:::\nx:x:y:\n");
        assert_eq!([0, 33, 7].map(|user| users.name(user)), ["root", "www", "7"]);
    }
}
