//! `muster top`: the cluster as this node sees it, live on a terminal.
//!
//! | module | idea |
//! |---|---|
//! | [`looks`] | asks the agent, again and again |
//! | [`state`] | what was seen so far, and what the keys chose: decides, draws nothing |
//! | [`table`] | the rows of a table, filtered and in order |
//! | [`screen`] | a pure function from the state to a frame |
//! | [`terminal`] | the whole screen, raw mode and keys |

mod looks;
mod screen;
mod state;
mod table;
mod terminal;

use crate::cli::TopArgs;
use crate::{client, exit, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{TAGS, TagsRequest, TagsResponse};
use state::{Order, State};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use terminal::Terminal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// Between two frames; also how long a key may wait.
const TICK: Duration = Duration::from_millis(100);
/// What takes all services of a node out of rotation.
const DRAINED: (&str, &str) = ("notready", "*");

pub(crate) fn run(args: TopArgs) -> ExitCode {
    if !Terminal::is_there() {
        out::say(
            &"muster top needs a terminal; for scripts there are `muster members --watch` and `muster history --follow`",
        );
        return exit::INVALID.into();
    }
    client::talk(args.configured, "show the cluster", show)
}

async fn show(client: &Client) -> Result<ExitCode, Error> {
    // The first look before the screen is taken: an agent that cannot be asked is told of in the usual way.
    let started = Instant::now();
    let mut state = State::new(looks::own_name(client).await?);
    state.see(looks::look(client, None).await?, started.elapsed());
    let refused = |error: std::io::Error| Ok(out::fail(&format_args!("cannot use this terminal: {error}")));
    let (mut term, mut hangup) = match (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
        (Ok(term), Ok(hangup)) => (term, hangup),
        (Err(error), _) | (_, Err(error)) => return refused(error),
    };
    let mut terminal = match Terminal::enter() {
        Ok(terminal) => terminal,
        Err(error) => return refused(error),
    };
    let (sender, mut looks) = mpsc::channel(1);
    tokio::spawn(looks::look_on(client.clone(), sender));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(look) = looks.recv() => match look {
                Ok(look) => state.see(look, started.elapsed()),
                Err(error) => state.lose(&error.to_string()),
            },
            _ = term.recv() => break,
            _ = hangup.recv() => break,
        }
        // A terminal that is gone sends HUP as well.
        for key in terminal.keys().unwrap_or_default() {
            match state.press(key) {
                Some(Order::Quit) => return Ok(exit::CLEAN),
                Some(Order::Drain(drain)) => state.tell(order(client, drain).await),
                None => {}
            }
        }
        if terminal.draw(&state, started.elapsed()).is_err() {
            break;
        }
    }
    Ok(exit::CLEAN)
}

/// Takes this node out of rotation, or back in; what came of it, in words.
async fn order(client: &Client, drain: bool) -> String {
    let (name, value) = DRAINED;
    let request = TagsRequest {
        set: drain.then(|| (name.to_owned(), value.to_owned())).into_iter().collect(),
        delete: if drain { Vec::new() } else { vec![name.to_owned()] },
    };
    match client.post::<_, TagsResponse>(TAGS, &request).await {
        Ok(_) if drain => "drained: no new requests come here, those in flight are finished".to_owned(),
        Ok(_) => "ready: requests come here again".to_owned(),
        Err(error) => format!("not done: {error}"),
    }
}
