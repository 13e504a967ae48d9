//! `muster info`: sections of keys and values, sorted, as `serf info` prints them.

use crate::cli::{Format, InfoArgs};
use crate::json;
use crate::text::printable;
use muster_control::routes::{INFO, Info};
use std::process::ExitCode;

pub(crate) fn run(args: InfoArgs) -> ExitCode {
    let show = match args.format {
        Format::Text => text,
        Format::Json => |info: &Info| json::pretty(info) + "\n",
    };
    super::ask(args.configured, "ask the agent about itself", async |client| client.get(INFO).await, show)
}

fn text(info: &Info) -> String {
    let mut out = String::new();
    for (section, values) in &info.0 {
        out.push_str(&format!("{}:\n", printable(section)));
        for (key, value) in values {
            out.push_str(&format!("\t{} = {}\n", printable(key), printable(value)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_keys_are_sorted_and_hostile_values_escaped() {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let info = Info(
            [
                ("serf".to_owned(), of(&[("members", "2"), ("failed", "0")])),
                ("agent".to_owned(), of(&[("name", "a\u{1b}[2J\nb")])),
                ("event_handlers".to_owned(), of(&[])),
            ]
            .into(),
        );
        let expected =
            "agent:\n\tname = a\\u{1b}[2J\\nb\nevent_handlers:\nserf:\n\tfailed = 0\n\tmembers = 2\n";
        assert_eq!(text(&info), expected);
    }
}
