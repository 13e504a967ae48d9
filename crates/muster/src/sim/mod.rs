//! `muster sim`: clusters that exist only in virtual time, played line by line. For teaching, and for reports of faults.

mod stage;

use crate::{exit, out};
use muster_sim::play::play;
use muster_sim::scenario::{FORMAT, Scenario};
use muster_sim::{builtin, faults};
use stage::Stage;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

/// Bytes read of a scenario file; the parser refuses more than a MiB.
const FILE_BYTES_MAX: u64 = (1 << 20) + 1;
/// Virtual seconds a second, on a terminal.
const SPEED: f64 = 4.0;

/// Arguments of `muster sim`.
#[derive(clap::Args, Clone, Debug)]
#[command(arg_required_else_help = true, after_long_help = FORMAT)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Play a scenario: what happens, what the nodes notice, and whether it is as expected.
    Play(PlayArgs),
    /// List the scenarios that come with the program.
    List,
}

#[derive(clap::Args, Clone, Debug)]
struct PlayArgs {
    /// A file, or the name of a scenario that comes with the program.
    #[arg(value_name = "FILE|NAME", required_unless_present = "faults")]
    scenario: Option<String>,
    /// Play random faults instead: this seed's.
    #[arg(long, value_name = "SEED", conflicts_with = "scenario")]
    faults: Option<u64>,
    /// Another seed of all random choices than the scenario's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Virtual seconds a second; 0: as fast as it goes. [default: 4 on a terminal, else 0]
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,
    /// Print the scenario itself instead of playing it.
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    match args.command {
        Command::List => out::answer(&list()),
        Command::Play(args) => match scenario(&args) {
            Ok(scenario) if args.print => out::answer(&scenario.to_string()),
            Ok(scenario) => show(&scenario, args.speed),
            Err(why) => {
                out::say(&why);
                exit::invalid()
            }
        },
    }
}

fn list() -> String {
    builtin::ALL.iter().map(|(name, text)| format!("{name:<18}{}\n", builtin::title(text))).collect()
}

fn scenario(args: &PlayArgs) -> Result<Scenario, String> {
    let mut scenario = match (&args.scenario, args.faults) {
        (Some(name), _) => {
            let text = builtin::find(name).map_or_else(|| read(name), |text| Ok(text.to_owned()))?;
            Scenario::parse(&text).map_err(|error| format!("{name}: {error}"))?
        }
        (None, seed) => faults::scenario(seed.unwrap_or_default()),
    };
    scenario.seed = args.seed.unwrap_or(scenario.seed);
    Ok(scenario)
}

fn read(path: &str) -> Result<String, String> {
    let explain = |error: std::io::Error| {
        format!("{path}: {error}; `muster sim list` names the scenarios that come with the program")
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(explain)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(explain)?;
    String::from_utf8(bytes).map_err(|_| format!("{path}: this is no text"))
}

fn show(scenario: &Scenario, speed: Option<f64>) -> ExitCode {
    let live = std::io::stdout().is_terminal();
    let mut stage = Stage::new(live, speed.unwrap_or(if live { SPEED } else { 0.0 }));
    let outcome = play(scenario, &mut stage);
    if let Err(end) = stage.end() {
        return end;
    }
    if outcome.broken == 0 { exit::CLEAN } else { exit::FAILED }
}
