//! `serf agent`.

use super::Asked;
use super::flags::Flag;
use super::ui::Code;

/// What the agent begins its lines with.
pub(super) const OUTPUT_PREFIX: &str = "==> ";
pub(super) const FLAGS: &[Flag] = &[];

pub(super) fn run(asked: &Asked) -> Code {
    asked.ui.fail("==> not served yet; use `muster agent`")
}
