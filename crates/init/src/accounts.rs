//! Users and groups, read from `/etc/passwd` and `/etc/group`. The C library's functions would load name service modules at run
//! time, which a static binary cannot; in containers nobody has others.

use std::fs;
use std::path::Path;

use crate::plan::Account;

/// The account that `text` names: `USER`, `UID`, `USER:GROUP`, `UID:GID`. Numbers need no entry in any file.
///
/// # Errors
/// In words: which name is in which file not.
pub fn find(text: &str, etc: &Path) -> Result<Account, String> {
    let passwd = fs::read_to_string(etc.join("passwd")).unwrap_or_default();
    let group = fs::read_to_string(etc.join("group")).unwrap_or_default();
    let (user, wanted_group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let entry = records(&passwd).find(|fields| fields.first() == Some(&user));
    let uid = match (&entry, user.parse()) {
        (Some(fields), _) => number(fields, 2),
        (None, Ok(uid)) => Some(uid),
        (None, Err(_)) => None,
    };
    let uid = uid.ok_or_else(|| format!("there is no user {user:?} in {}", etc.join("passwd").display()))?;
    let gid = match wanted_group {
        Some(wanted) => group_id(wanted, &group)
            .ok_or_else(|| format!("there is no group {wanted:?} in {}", etc.join("group").display()))?,
        None => entry.as_ref().and_then(|fields| number(fields, 3)).unwrap_or(uid),
    };
    let groups = match wanted_group {
        Some(_) => Vec::new(),
        None => groups_of(user, gid, &group),
    };
    Ok(Account { uid, gid, groups })
}

/// The number of a group that is named, or a number.
///
/// # Errors
/// In words: it is not in the file.
pub fn find_group(text: &str, etc: &Path) -> Result<u32, String> {
    let file = etc.join("group");
    let groups = fs::read_to_string(&file).unwrap_or_default();
    group_id(text, &groups).ok_or_else(|| format!("there is no group {text:?} in {}", file.display()))
}

fn records(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(':').collect())
}

fn number(fields: &[&str], at: usize) -> Option<u32> {
    fields.get(at)?.parse().ok()
}

fn group_id(wanted: &str, file: &str) -> Option<u32> {
    let by_name = records(file).find(|fields| fields.first() == Some(&wanted));
    by_name.and_then(|fields| number(&fields, 2)).or_else(|| wanted.parse().ok())
}

fn groups_of(user: &str, gid: u32, file: &str) -> Vec<u32> {
    records(file)
        .filter(|fields| fields.get(3).is_some_and(|members| members.split(',').any(|member| member == user)))
        .filter_map(|fields| number(&fields, 2))
        .filter(|group| *group != gid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_groups_are_understood() {
        let etc = tempfile::tempdir().expect("a place for tests");
        fs::write(etc.path().join("passwd"), "root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n#no:x:1:1\n")
            .expect("written");
        fs::write(etc.path().join("group"), "root:x:0:\nweb:x:34:\nlog:x:50:root,web\n").expect("written");
        let find = |text| find(text, etc.path());
        assert_eq!(find("web"), Ok(Account { uid: 33, gid: 34, groups: vec![50] }));
        assert_eq!(find("web:log"), Ok(Account { uid: 33, gid: 50, groups: vec![] }));
        assert_eq!(find("1000:1001"), Ok(Account { uid: 1000, gid: 1001, groups: vec![] }));
        assert_eq!(find("1000"), Ok(Account { uid: 1000, gid: 1000, groups: vec![] }));
        assert!(find("nobody-here").is_err_and(|error| error.contains("no user \"nobody-here\"")));
        assert!(find("web:none").is_err_and(|error| error.contains("no group \"none\"")));
    }

    #[test]
    fn an_image_without_any_account_still_knows_numbers() {
        assert_eq!(find("7", Path::new("/nowhere")), Ok(Account { uid: 7, gid: 7, groups: vec![] }));
    }
}
