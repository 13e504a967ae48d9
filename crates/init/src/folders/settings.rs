//! The `S6_*` variables that people set. A value that is no number is as if it were not set, as in s6-overlay.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_supervise::Grace;

use crate::plan::Verbosity;

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `S6_VERBOSITY`: 2 says what starts and ends, 1 what went wrong, 0 nothing. Ours is 1 unless set: a container that works
    /// says nothing.
    pub(super) verbosity: Verbosity,
    /// `S6_BEHAVIOUR_IF_STAGE2_FAILS`: 2 ends the container when a start script or a oneshot fails.
    pub(super) failure_ends_container: bool,
    /// `S6_CMD_WAIT_FOR_SERVICES_MAXTIME`: how long services may take to get ready before those behind them go on.
    pub(super) ready_within: Option<Duration>,
    /// `S6_KILL_FINISH_MAXTIME`: how long one script of `cont-finish.d` may take.
    pub(super) finish_within: Option<Duration>,
    /// `S6_STAGE2_HOOK`: a program to run before any folder is read.
    pub(super) hook: Vec<OsString>,
    /// `S6_CMD_ARG0`: words before the container's command.
    pub(super) before_command: Vec<OsString>,
    /// `S6_RUNTIME_BUNDLEDIR`: where the bundles `user` and `user2` are.
    pub(super) bundles: Option<PathBuf>,
    services_grace: Duration,
    kill_grace: Duration,
    profile: Option<OsString>,
}

impl Settings {
    pub(super) fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let number = |name: &str| -> Option<u64> { variable(name)?.to_str()?.parse().ok() };
        let milliseconds = |name: &str, unset: u64| Duration::from_millis(number(name).unwrap_or(unset));
        // Zero is "as long as it likes".
        let limit = |name: &str, unset: u64| Some(milliseconds(name, unset)).filter(|limit| !limit.is_zero());
        // As an unquoted variable of a shell.
        let words = |name: &str| {
            let text = variable(name).unwrap_or_default();
            let words = text.as_bytes().split(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
            words.filter(|word| !word.is_empty()).map(|word| OsStr::from_bytes(word).to_owned()).collect()
        };
        Self {
            verbosity: match number("S6_VERBOSITY") {
                Some(0) => Verbosity::Quiet,
                None | Some(1) => Verbosity::Warnings,
                Some(_) => Verbosity::Info,
            },
            failure_ends_container: number("S6_BEHAVIOUR_IF_STAGE2_FAILS").unwrap_or(0) >= 2,
            ready_within: limit("S6_CMD_WAIT_FOR_SERVICES_MAXTIME", 5_000),
            finish_within: limit("S6_KILL_FINISH_MAXTIME", 5_000),
            hook: words("S6_STAGE2_HOOK"),
            before_command: words("S6_CMD_ARG0"),
            bundles: variable("S6_RUNTIME_BUNDLEDIR").filter(|path| !path.is_empty()).map(PathBuf::from),
            services_grace: milliseconds("S6_SERVICES_GRACETIME", 3_000),
            kill_grace: milliseconds("S6_KILL_GRACETIME", 1_500),
            profile: variable("S6_RUNTIME_PROFILE").filter(|profile| !profile.is_empty()),
        }
    }

    /// The folder that takes the place of `/etc`, when a profile is chosen.
    pub(super) fn profile(&self, etc: &Path) -> PathBuf {
        match &self.profile {
            None => etc.to_owned(),
            Some(profile) => etc.join("cont-profile.d").join(profile),
        }
    }

    /// How the container ends: Docker's ten seconds are enough for the times that nobody set.
    pub(super) fn grace(&self) -> Grace {
        let all = Grace::default().all.max(self.services_grace * 2);
        Grace { each: self.services_grace, all, rest: self.kill_grace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Settings {
        Settings::of(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn unset_the_container_ends_within_dockers_ten_seconds() {
        let grace = of(&[]).grace();
        assert!(grace.all + grace.rest < Duration::from_secs(9), "{grace:?}");
    }

    #[test]
    fn what_is_no_number_is_not_set() {
        assert_eq!(of(&[("S6_VERBOSITY", "loud"), ("S6_KILL_GRACETIME", "")]), of(&[]));
        assert_eq!(of(&[("S6_VERBOSITY", "2")]).verbosity, Verbosity::Info);
        assert_eq!(of(&[("S6_KILL_FINISH_MAXTIME", "0")]).finish_within, None);
        assert_eq!(of(&[("S6_SERVICES_GRACETIME", "30000")]).grace().each, Duration::from_secs(30));
    }

    #[test]
    fn a_hook_is_split_as_a_shell_splits_what_is_not_quoted() {
        let settings = of(&[("S6_STAGE2_HOOK", " /bin/patch  --all\n"), ("S6_CMD_ARG0", "")]);
        assert_eq!(settings.hook, ["/bin/patch", "--all"]);
        assert!(settings.before_command.is_empty());
    }

    #[test]
    fn a_profile_is_another_etc() {
        let settings = of(&[("S6_RUNTIME_PROFILE", "small")]);
        assert_eq!(settings.profile(Path::new("/etc")), Path::new("/etc/cont-profile.d/small"));
    }
}
