//! Commands that ask the node's agent one question over its control socket.

use crate::cli::{ClientArgs, ForceLeaveArgs, InfoArgs, JoinArgs, MembersArgs, VersionArgs};
use std::process::ExitCode;

pub(crate) fn members(_: MembersArgs) -> ExitCode {
    crate::exit::FAILED
}
pub(crate) fn join(_: JoinArgs) -> ExitCode {
    crate::exit::FAILED
}
pub(crate) fn leave(_: ClientArgs) -> ExitCode {
    crate::exit::FAILED
}
pub(crate) fn force_leave(_: ForceLeaveArgs) -> ExitCode {
    crate::exit::FAILED
}
pub(crate) fn info(_: InfoArgs) -> ExitCode {
    crate::exit::FAILED
}
pub(crate) fn version(_: VersionArgs) -> ExitCode {
    crate::exit::FAILED
}
