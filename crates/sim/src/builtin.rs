//! The scenarios that come with the program: each teaches one thing, and its trace beside it is what happens.

/// Names and texts.
pub const ALL: &[(&str, &str)] = &[
    ("crash", include_str!("../scenarios/crash.sim")),
    ("refutation", include_str!("../scenarios/refutation.sim")),
    ("indirect-probe", include_str!("../scenarios/indirect-probe.sim")),
    ("tcp-fallback", include_str!("../scenarios/tcp-fallback.sim")),
    ("partition", include_str!("../scenarios/partition.sim")),
    ("lost-leave", include_str!("../scenarios/lost-leave.sim")),
    ("lost-leave-stock", include_str!("../scenarios/lost-leave-stock.sim")),
    ("re-created", include_str!("../scenarios/re-created.sim")),
    ("pause", include_str!("../scenarios/pause.sim")),
    ("slow-node", include_str!("../scenarios/slow-node.sim")),
    ("forgetful", include_str!("../scenarios/forgetful.sim")),
    ("outage", include_str!("../scenarios/outage.sim")),
    ("mass-restart", include_str!("../scenarios/mass-restart.sim")),
];

/// The text of one.
pub fn find(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What a scenario is about: its first comment.
pub fn title(text: &str) -> &str {
    text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default()
}
