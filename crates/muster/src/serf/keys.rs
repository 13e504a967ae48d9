//! `serf keys`: the keys of the whole cluster.

use super::columns::columns;
use super::flags::{Flag, Takes, flag};
use super::ui::{Code, DONE, FAILED};
use super::{Asked, RPC_ADDR, RPC_AUTH};
use muster_rpc::{KeysResult, Request, read};

pub(super) const FLAGS: &[Flag] = &[
    flag("install", Takes::Text),
    flag("use", Takes::Text),
    flag("remove", Takes::Text),
    flag("list", Takes::Switch),
    RPC_ADDR,
    RPC_AUTH,
];

/// What nodes had to say, and how many have each key, of how many.
struct Report {
    messages: Vec<String>,
    keys: Vec<String>,
}

fn take(result: &[u8]) -> Option<Report> {
    let KeysResult { messages, keys, num_nodes, .. } = read(result).ok()?;
    Some(Report {
        messages: messages.iter().map(|(node, message)| format!("failed: | {node} | {message}")).collect(),
        keys: keys.iter().flatten().map(|(key, count)| format!("{key} | [{count}/{num_nodes}]")).collect(),
    })
}

pub(super) fn run(asked: &Asked) -> Code {
    let (install, use_, remove) =
        (asked.words.text("install"), asked.words.text("use"), asked.words.text("remove"));
    let list = asked.words.switch("list", false);
    let given = [&install, &use_, &remove].into_iter().filter(|key| !key.is_empty()).count();
    match usize::from(list) + given {
        0 => return asked.ui.fail(asked.usage),
        1 => {}
        _ => return asked.ui.fail("Only one of -install, -use, -remove, or -list allowed"),
    }
    let (request, doing, done, failed) = if list {
        let doing = "Asking all members for installed keys...";
        (Request::ListKeys, doing, "", "Failed to gather member keys")
    } else if !install.is_empty() {
        let doing = "Installing key on all members...";
        let request = Request::InstallKey { key: &install };
        (request, doing, "Successfully installed key!", "Error installing key")
    } else if !use_.is_empty() {
        let doing = "Changing primary key on all members...";
        let request = Request::UseKey { key: &use_ };
        (request, doing, "Successfully changed primary key!", "Error changing primary key")
    } else {
        let doing = "Removing key on all members...";
        let request = Request::RemoveKey { key: &remove };
        (request, doing, "Successfully removed key!", "Error removing key")
    };
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let ui = asked.ui;
    ui.line(format!("==> {doing}"));
    match client.ask_for(&request, take) {
        Ok(report) if list => {
            ui.line("==> Keys gathered, listing cluster keys...");
            ui.line("");
            ui.line(columns(&report.keys));
            DONE
        }
        Ok(_) => {
            ui.line(format!("==> {done}"));
            DONE
        }
        Err(refused) => {
            let messages = refused.result.map(|report| report.messages).unwrap_or_default();
            if !messages.is_empty() {
                ui.line(columns(&messages));
            }
            ui.line("");
            ui.line(format!("{failed}: {}", refused.why));
            FAILED
        }
    }
}
