//! What a script is told of a notice: variables and standard input, as Serf has them (invoke.go). Scripts of others read
//! this, so every byte counts.
//!
//! | variable | when | value |
//! |---|---|---|
//! | `SERF_EVENT` | always | `member-join` ..., `user`, `query` |
//! | `SERF_SELF_NAME`, `SERF_SELF_ROLE` | always | this node and its tag `role` |
//! | `SERF_TAG_X` | for each tag of this node | its value; X is the tag in upper case, with `_` for what is not `A-Z0-9_` |
//! | `SERF_USER_EVENT`, `SERF_USER_LTIME` | user event | its name, its time on the event clock |
//! | `SERF_QUERY_NAME`, `SERF_QUERY_LTIME` | query | its name, its time on the query clock |
//!
//! Standard input has a line per member: name, address, role and tags, with tabs between them. Of a user event or a query
//! it is the payload, with a line end if it is not empty and lacks one.
//!
//! Serf writes the tags of a line in no order; here they are sorted. A zero byte cannot be in a variable: Serf then does
//! not run the script, here the byte is left out.

use crate::Notice;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use muster_serf::Member;

/// This node, as scripts are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Oneself<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tags, sorted.
    pub tags: &'a alloc::collections::BTreeMap<String, String>,
}

/// The variables, in the order in which they are set: of two with one name the last one counts.
pub fn environment(notice: &Notice, oneself: Oneself<'_>) -> Vec<(String, String)> {
    let role = oneself.tags.get("role").map(String::as_str).unwrap_or_default();
    let mut variables = Vec::new();
    let mut set = |name: &str, value: &str| variables.push((name.to_string(), value.replace('\0', "")));
    set("SERF_EVENT", notice.kind());
    set("SERF_SELF_NAME", oneself.name);
    set("SERF_SELF_ROLE", role);
    for (tag, value) in oneself.tags {
        set(&format!("SERF_TAG_{}", variable(tag)), value);
    }
    match notice {
        Notice::Members { .. } => {}
        Notice::User { ltime, name, .. } => {
            set("SERF_USER_EVENT", name);
            set("SERF_USER_LTIME", &ltime.to_string());
        }
        Notice::Query { id, name, .. } => {
            set("SERF_QUERY_NAME", name);
            set("SERF_QUERY_LTIME", &id.ltime.to_string());
        }
    }
    variables
}

/// Standard input.
pub fn stdin(notice: &Notice) -> Vec<u8> {
    match notice {
        Notice::Members { members, .. } => {
            members.iter().flat_map(|member| line(member).into_bytes()).collect()
        }
        Notice::User { payload, .. } | Notice::Query { payload, .. } => {
            let mut bytes = payload.clone();
            if bytes.last().is_some_and(|last| *last != b'\n') {
                bytes.push(b'\n');
            }
            bytes
        }
    }
}

fn line(member: &Member) -> String {
    let tags = member.tags();
    let role = tags.get("role").map(String::as_str).unwrap_or_default();
    let pairs: Vec<String> = tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
    let address = member.announced.addr.ip();
    format!("{}\t{address}\t{}\t{}\n", clean(&member.announced.name), clean(role), clean(&pairs.join(",")))
}

/// So that it stays in its column (`eventClean`).
fn clean(text: &str) -> String {
    text.replace('\t', "\\t").replace('\n', "\\n")
}

/// Go's `strings.ToUpper`, which maps letter to letter, then `[^A-Z0-9_]` to `_`.
fn variable(tag: &str) -> String {
    let upper = |letter: char| {
        let mut letters = letter.to_uppercase();
        match (letters.next(), letters.next()) {
            (Some(upper), None) => upper,
            _ => letter,
        }
    };
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    tag.chars().map(upper).map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{member, members, query, user};
    use muster_serf::MemberEvent;

    fn tags(pairs: &[(&str, &str)]) -> alloc::collections::BTreeMap<String, String> {
        pairs.iter().map(|(tag, value)| ((*tag).into(), (*value).into())).collect()
    }

    fn set(notice: &Notice, own: &[(&str, &str)]) -> Vec<String> {
        let own = tags(own);
        let variables = environment(notice, Oneself { name: "me", tags: &own });
        variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_line_has_name_address_role_and_tags() {
        let web = member("web-1", &[("role", "web"), ("port", "80"), ("a", "x,y=z")]);
        let bare = member("bare", &[]);
        assert_eq!(
            String::from_utf8(stdin(&members(MemberEvent::Join, &[web, bare]))).unwrap(),
            "web-1\t10.0.0.1\tweb\ta=x,y=z,port=80,role=web\nbare\t10.0.0.1\t\t\n"
        );
    }

    #[test]
    fn what_others_wrote_stays_in_its_column() {
        let odd = member("a\tb\nc", &[("role", "x\ty"), ("t\n", "1\r\\")]);
        assert_eq!(
            String::from_utf8(stdin(&members(MemberEvent::Failed, &[odd]))).unwrap(),
            "a\\tb\\nc\t10.0.0.1\tx\\ty\trole=x\\ty,t\\n=1\r\\\n"
        );
    }

    #[test]
    fn a_payload_ends_with_a_line_end_unless_it_is_empty() {
        assert_eq!(stdin(&user(1, "e", b"", false)), b"");
        assert_eq!(stdin(&user(1, "e", b"v1\0\xff", false)), b"v1\0\xff\n");
        assert_eq!(stdin(&query(1, "q", b"a\n",)), b"a\n");
    }

    #[test]
    fn variables_tell_the_event_and_this_node() {
        let own = [("role", "lb"), ("dc-1.a", "x"), ("ſß", "y")];
        assert_eq!(
            set(&members(MemberEvent::Update, &[]), &own),
            [
                "SERF_EVENT=member-update",
                "SERF_SELF_NAME=me",
                "SERF_SELF_ROLE=lb",
                "SERF_TAG_DC_1_A=x",
                "SERF_TAG_ROLE=lb",
                "SERF_TAG_S_=y",
            ]
        );
    }

    #[test]
    fn variables_tell_name_and_time_of_user_events_and_queries() {
        let said = set(&user(7, "a b\0", b"", false), &[]);
        assert_eq!(said[2..], ["SERF_SELF_ROLE=", "SERF_USER_EVENT=a b", "SERF_USER_LTIME=7"]);
        let said = set(&query(8, "load", b""), &[]);
        assert_eq!(said[0], "SERF_EVENT=query");
        assert_eq!(said[3..], ["SERF_QUERY_NAME=load", "SERF_QUERY_LTIME=8"]);
    }
}
