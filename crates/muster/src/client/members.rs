//! `muster members`: the table and the JSON of `serf members`.

mod watch;

use crate::cli::{Format, MembersArgs};
use crate::json;
use crate::paint::Paint;
use crate::text::printable;
use muster_control::routes::{MemberRow, Members, MembersQuery};
use serde::Serialize;
use std::process::ExitCode;

pub(crate) fn run(args: MembersArgs) -> ExitCode {
    let query = MembersQuery { status: args.status, name: args.name, tags: tags(args.role, &args.tag) };
    let path = query.to_path();
    if args.watch {
        let (format, detailed) = (args.format, args.detailed);
        return super::talk(args.configured, "watch the members", async |client| {
            watch::watch(client, &path, format, detailed).await
        });
    }
    let question = async |client: &muster_control::client::Client| client.get(&path).await;
    super::ask(args.configured, "list the members", question, |Members { members }| match args.format {
        Format::Text => text(members, args.detailed, Paint::of_stdout()),
        Format::Json => as_json(members),
    })
}

/// The route's `KEY=REGEX,KEY=REGEX`.
fn tags(role: Option<String>, tags: &[(String, String)]) -> Option<String> {
    let role = role.map(|regex| format!("role={regex}"));
    let all: Vec<String> =
        role.into_iter().chain(tags.iter().map(|(key, regex)| format!("{key}={regex}"))).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// Name, address, status, tags; `detailed` adds the versions.
fn text(members: &[MemberRow], detailed: bool, paint: Paint) -> String {
    table(&members.iter().map(|member| cells(member, detailed)).collect::<Vec<_>>(), paint)
}

/// The cells of a member, safe to show.
fn cells(member: &MemberRow, detailed: bool) -> Vec<String> {
    let tags: Vec<String> = member.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut row = vec![member.name.clone(), member.addr.clone(), member.status.clone(), tags.join(",")];
    if detailed {
        let protocol = &member.protocol;
        row.push(format!("Protocol Version: {}", protocol.version));
        row.push(format!("Available Protocol Range: [{}, {}]", protocol.min, protocol.max));
    }
    row.iter().map(|cell| printable(cell.trim()).into_owned()).collect()
}

/// Where the status stands in a row.
const STATUS: usize = 2;

/// Cells trimmed, columns two spaces apart, the last one not padded, the whole trimmed (ryanuber/columnize, which Serf
/// uses). Unlike there, a `|` in a name does not begin a column.
fn table(rows: &[Vec<String>], paint: Paint) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut line = String::new();
            for (nth, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Only the status is coloured, behind the padding that it counts for.
                let shown = if nth == STATUS { paint.status(cell) } else { cell.clone() };
                line.push_str(&shown);
                if nth + 1 < row.len() {
                    line.push_str(&" ".repeat(width - cell.chars().count() + 2));
                }
            }
            line
        })
        .collect();
    format!("{}\n", lines.join("\n").trim())
}

/// Go writes an empty list that nobody made as null, and so does Serf.
fn as_json(members: &[MemberRow]) -> String {
    #[derive(Serialize)]
    struct Answer<'a> {
        members: Option<&'a [MemberRow]>,
    }
    json::pretty(&Answer { members: (!members.is_empty()).then_some(members) }) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_control::routes::Protocol;

    fn member(name: &str, port: u16, tags: &[(&str, &str)]) -> MemberRow {
        MemberRow {
            name: name.to_owned(),
            addr: format!("127.0.9.1:{port}"),
            port,
            tags: tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            status: "alive".to_owned(),
            protocol: Protocol { max: 5, min: 2, version: 5 },
        }
    }

    /// The two members that the expected texts below were recorded with, from Serf 0.9.4.
    fn recorded() -> [MemberRow; 2] {
        [member("a", 17946, &[("role", "db"), ("x", "<&>")]), member("longername", 17946, &[])]
    }

    #[test]
    fn the_table_is_that_of_serf() {
        assert_eq!(
            text(&recorded(), false, Paint::NONE),
            "a           127.0.9.1:17946  alive  role=db,x=<&>\n\
             longername  127.0.9.1:17946  alive\n"
        );
    }

    #[test]
    fn the_detailed_table_is_that_of_serf() {
        assert_eq!(
            text(&recorded(), true, Paint::NONE),
            "a           127.0.9.1:17946  alive  role=db,x=<&>  Protocol Version: 5  Available Protocol Range: [2, 5]\n\
             longername  127.0.9.1:17946  alive                 Protocol Version: 5  Available Protocol Range: [2, 5]\n"
        );
    }

    #[test]
    fn cells_are_trimmed_and_only_the_last_line_loses_its_padding() {
        let rows = [member(" a ", 1, &[]), member("b", 1, &[])];
        assert_eq!(text(&rows, false, Paint::NONE), "a  127.0.9.1:1  alive  \nb  127.0.9.1:1  alive\n");
    }

    #[test]
    fn no_members_give_an_empty_line_and_null() {
        assert_eq!(text(&[], false, Paint::NONE), "\n");
        assert_eq!(as_json(&[]), "{\n  \"members\": null\n}\n");
    }

    #[test]
    fn json_is_that_of_serf() {
        let expected = r#"{
  "members": [
    {
      "name": "a",
      "addr": "127.0.9.1:17946",
      "port": 17946,
      "tags": {
        "role": "db",
        "x": "\u003c\u0026\u003e"
      },
      "status": "alive",
      "protocol": {
        "max": 5,
        "min": 2,
        "version": 5
      }
    },
    {
      "name": "longername",
      "addr": "127.0.9.1:17946",
      "port": 17946,
      "tags": {},
      "status": "alive",
      "protocol": {
        "max": 5,
        "min": 2,
        "version": 5
      }
    }
  ]
}
"#;
        assert_eq!(as_json(&recorded()), expected);
    }

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        let rows = [member("a\u{1b}[2J\n|b", 1, &[("t", "\u{202e}x")]), member("b", 1, &[])];
        assert_eq!(
            text(&rows, false, Paint::NONE),
            "a\\u{1b}[2J\\n|b  127.0.9.1:1  alive  t=\\u{202e}x\nb               127.0.9.1:1  alive\n"
        );
    }

    #[test]
    fn role_is_a_tag_like_others() {
        assert_eq!(tags(None, &[]), None);
        let more = [("zone".to_owned(), "a|b".to_owned())];
        assert_eq!(tags(Some("web".to_owned()), &more).as_deref(), Some("role=web,zone=a|b"));
    }
}
