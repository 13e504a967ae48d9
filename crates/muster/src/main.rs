//! Muster: one binary, a role per command.
//!
//! `main` reads the command line and hands over; what happens then is told by one module per kind of command.
//!
//! | module | commands |
//! |---|---|
//! | [`roles`] | `agent`, `proxy`, `log`: processes that run until they are told to stop |
//! | [`supervision`] | `run`, `init`, `install`, `muster -- COMMAND`, and all names of s6-overlay and tini |
//! | [`probe`] | `probe`: one question to a program, for PID 1 and for health checks |
//! | [`processes`] | `status`, `start`, `stop`, `restart`, `signal`, `tree`: the services of this container, by their control places |
//! | [`render`] | `render`, `handlebars`: files from templates; all of `handlebars-cmd` when the program is called `handlebars` |
//! | [`client`] | `members`, `join`, `leave`, `force-leave`, `tags`, `why`, `history`, `handlers`, `templates`, `health`, `info`, `version`: one question to the node's agent |
//! | [`top`] | `top`: the cluster live on a terminal |
//! | [`client`] | `event`, `query`, `keys`, `monitor`, `rtt`, `reachability`: through it, the whole cluster |
//! | [`shell`] | `completions`, `man`: the command line itself |
//! | [`inspect`] | `check`, `config print`: what the roles would be told, and by whom |
//! | [`keygen`] | `keygen`: a secret for the whole cluster |
//! | [`demo`] | `demo`: the whole journey on one machine |
//! | [`sim`] | `sim`: clusters in virtual time, for teaching and for reports |
//! | [`serf`] | all of Serf's, when the program is called `serf` |
//! | [`haproxy`] | all of HAProxy's, when the program is called `haproxy`; `proxy -f` |
//!
//! The others serve them: [`cli`] is the command line as typed, [`config`] makes settings of flags, environment and files,
//! [`exit`] lists the exit codes.

mod build;
mod cli;
mod client;
mod config;
mod demo;
mod exit;
mod haproxy;
mod inspect;
mod json;
mod keygen;
mod logging;
mod out;
mod paint;
mod probe;
mod processes;
mod raw_terminal;
mod render;
mod roles;
mod serf;
mod shell;
mod sim;
mod supervision;
mod text;
mod top;

use cli::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(ended) = supervision::run_if_meant(&words) {
        return ended;
    }
    if let Some(ended) = render::handlebars::run_if_meant(&words) {
        return ended;
    }
    demo::tether::hold();
    if serf::is_meant(words.first()) {
        let code = serf::run(words.into_iter().skip(1));
        logging::flush();
        return code;
    }
    if haproxy::is_meant(words.first()) {
        let code = haproxy::run(words.into_iter().skip(1));
        logging::flush();
        return code;
    }
    let command = match cli::parse(words) {
        Ok(command) => command,
        Err(end) => return end,
    };
    let code = match command {
        Command::Agent(args) => roles::agent::run(args),
        Command::Proxy(args) => roles::proxy::run(args),
        Command::Log(args) => roles::log::run(args),
        Command::Init(args) => supervision::run(args),
        Command::Run(args) => supervision::run_node(args),
        Command::Probe(args) => probe::run(args),
        Command::Install(args) => supervision::install(&args),
        Command::Status(args) => processes::status::run(args),
        Command::Start(args) => processes::change::start(args),
        Command::Stop(args) => processes::change::stop(args),
        Command::Restart(args) => processes::change::restart(args),
        Command::Signal(args) => processes::signal::run(args),
        Command::Logs(args) => processes::logs::run(args),
        Command::Tree(args) => processes::tree::run(args),
        Command::Render(args) => render::run(&args),
        Command::Handlebars(args) => render::handlebars::run(&args.words),
        Command::Members(args) => client::members::run(args),
        Command::Join(args) => client::join::run(args),
        Command::Leave(args) => client::leave::run(args),
        Command::ForceLeave(args) => client::force_leave::run(args),
        Command::Tags(args) => client::tags::run(args),
        Command::Event(args) => client::event::run(args),
        Command::Query(args) => client::query::run(args),
        Command::Keys(args) => client::keys::run(args),
        Command::Monitor(args) => client::monitor::run(args),
        Command::Rtt(args) => client::rtt::run(args),
        Command::Reachability(args) => client::reachability::run(args),
        Command::Why(args) => client::why::run(args),
        Command::History(args) => client::history::run(args),
        Command::Top(args) => top::run(args),
        Command::Handlers(args) => client::handlers::run(args),
        Command::Health(args) => client::health::run(args),
        Command::Templates(args) => client::templates::run(args),
        Command::Info(args) => client::info::run(args),
        Command::Keygen(args) => keygen::run(args),
        Command::Version(args) => client::version::run(args),
        Command::Check(args) => inspect::check::run(args),
        Command::Config(args) => inspect::config::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Sim(args) => sim::run(args),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    };
    logging::flush();
    code
}
