//! Help of the commands for services.

pub(in crate::cli) const STATUS: &str = "\
Shows where the services of this container stand, as `muster init` or s6 supervises them.

CPU and memory are those of all processes of a service. Memory that processes share counts for each of them. Restarts and \
ends are known of `muster init` only; a dash is what nobody knows.";

pub(in crate::cli) const STATUS_AFTER: &str = "\
Example:
  muster status
  muster status web --format json
  docker exec CONTAINER muster status --watch

States: ready, up (does not tell, or not yet, that it is ready), paused, finishing (its finish
script runs), down, unsupervised.

Exit codes:
  0  shown
  1  there is no such service, or it cannot be asked
  2  the command line is invalid
  3  a service that was named is not up";

pub(in crate::cli) const START: &str = "\
Starts services, and has them started again when they end.";

pub(in crate::cli) const STOP: &str = "\
Stops services and waits until they are down, their finish scripts included. They stay down until somebody starts them, or the \
container starts anew.";

pub(in crate::cli) const RESTART: &str = "\
Restarts services and waits until they are up again; until they are ready, if they told that before.";

pub(in crate::cli) const SIGNAL: &str = "\
Sends a signal to the process of a service: to what its run script became, not to that one's children.";

pub(in crate::cli) const SIGNAL_AFTER: &str = "\
Example:
  muster signal ha HUP

Exit codes:
  0  sent
  1  there is no such service, it does not run, or it cannot be told
  2  the command line is invalid";

pub(in crate::cli) const TREE: &str = "\
Shows the processes of this container below the services they belong to.

`left behind`: what a service started in an earlier life and nobody ended, adopted by PID 1. `no service`: the container's \
command, what `docker exec` brought in, daemons that detached themselves.";

pub(in crate::cli) const TREE_AFTER: &str = "\
Example:
  muster tree
  muster tree --format json

Exit codes:
  0  shown
  1  there are no services here, or they cannot be asked
  2  the command line is invalid";

/// The end of the help of a command that changes services.
pub(in crate::cli) fn change(word: &str) -> String {
    format!(
        "Example:\n  muster {word} web\n\nExit codes:\n  0  done\n  1  there is no such service, it cannot be told, or it did \
         not come to it in time\n  2  the command line is invalid"
    )
}

pub(in crate::cli) const LOGS: &str = "\
Shows what the services of this container wrote last, and with --follow what they write.

`muster log` keeps the last mebibyte of lines for this. It runs beside the services of `muster run` when anything is said in [logs].";

pub(in crate::cli) const LOGS_AFTER: &str = "\
Example:
  muster logs
  muster logs web -n 20 --follow
  docker exec CONTAINER muster logs -f --timestamps

Whoever reads slower than the services write is told how many lines were missed; they are in the log's other
places: standard output, files, the collector.

Exit codes:
  0  shown
  1  there is no such service, or nobody keeps lines here
  2  the command line is invalid";
