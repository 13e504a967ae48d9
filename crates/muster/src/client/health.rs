//! `muster health`: whether this node does what it is there for, as an exit code.

use crate::cli::{Format, HealthArgs};
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::Client;
use muster_control::health::{Health, HealthCheck};
use muster_control::routes::HEALTH;
use std::process::ExitCode;

pub(crate) fn run(args: HealthArgs) -> ExitCode {
    let format = args.format;
    super::talk(args.configured, "ask for its health", async |client: &Client| {
        let health: Health = client.get(HEALTH).await?;
        let shown = out::answer(&match format {
            Format::Text => health.checks.iter().map(line).collect::<String>(),
            Format::Json => json::pretty(&health) + "\n",
        });
        Ok(if health.well { shown } else { exit::FAILED })
    })
}

fn line(check: &HealthCheck) -> String {
    let wrong = check.wrong.as_deref().unwrap_or("well");
    format!("{}: {}\n", printable(&check.name), printable(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_words_stay_on_their_line() {
        let check = HealthCheck { name: "templates web".into(), wrong: Some("a\n\u{1b}[31mb".into()) };
        let line = line(&check);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.contains('\u{1b}'));
    }
}
