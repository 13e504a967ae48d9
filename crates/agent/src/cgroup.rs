//! Reads the accounts of our own cgroup, of either version.
//!
//! The files are made by the kernel from memory, no disk is asked: a reading takes microseconds, so the gossip thread makes
//! it itself, when a timer woke it anyway.

use crate::throttle::{Accounts, period_of_cfs, period_of_max, read_stat};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Our group's accounts; `None` if there is no quota or nothing to be read.
///
/// The nearest group with a quota counts, from our own upwards to what is mounted here: a container's own limit is used up
/// before that of the pod around it.
pub(crate) fn read_accounts() -> Option<Accounts> {
    let membership = read_to_string("/proc/self/cgroup").ok()?;
    let mounts = read_to_string("/proc/self/mountinfo").ok()?;
    let Place { mount_point, below } = find(&membership, &mounts)?;
    below.ancestors().find_map(|group| accounts(&mount_point.join(group)))
}

fn accounts(group: &Path) -> Option<Accounts> {
    let text = |file: &str| read_to_string(group.join(file)).ok();
    let period = match text("cpu.max") {
        Some(max) => period_of_max(&max),
        None => period_of_cfs(&text("cpu.cfs_quota_us")?, &text("cpu.cfs_period_us")?),
    }?;
    let (periods_throttled, throttled) = read_stat(&text("cpu.stat")?)?;
    Some(Accounts { periods_throttled, throttled, period })
}

/// Where a group's directory is.
#[derive(PartialEq, Eq, Debug)]
struct Place {
    mount_point: PathBuf,
    /// Relative; empty for the mounted root itself.
    below: PathBuf,
}

/// From `/proc/self/cgroup` (cgroups(7)) and `/proc/self/mountinfo` (proc(5)): in the hierarchy of version 1 that has the
/// `cpu` controller, or else in version 2's.
///
/// A mount point with a space in it, which the kernel escapes, is not found.
fn find(membership: &str, mounts: &str) -> Option<Place> {
    let groups = || membership.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let has_cpu = |list: &str| list.split(',').any(|word| word == "cpu");
    let (wanted, path) = groups()
        .find_map(|(controllers, path)| has_cpu(controllers).then_some(("cgroup", path)))
        .or_else(|| groups().find_map(|(list, path)| list.is_empty().then_some(("cgroup2", path))))?;
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut filesystem = filesystem.split(' ');
        if filesystem.next()? != wanted || (wanted == "cgroup" && !has_cpu(filesystem.nth(1)?)) {
            return None;
        }
        // The root of the mount within the hierarchy, and where it is mounted.
        let mut mount = mount.split(' ').skip(3);
        let (root, mount_point) = (mount.next()?, mount.next()?);
        let below = Path::new(path).strip_prefix(root).ok()?;
        Some(Place { mount_point: mount_point.into(), below: below.into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &str = "30 24 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n";
    const V1: &str = "31 30 0:29 /docker/4a /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n\
                      32 30 0:27 /docker/4a /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n\
                      33 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn the_group_is_found_where_it_is_mounted() {
        for (why, membership, mounts, expected) in [
            ("a container's own root", "0::/\n", V2, Some(("/sys/fs/cgroup", ""))),
            (
                "a unit",
                "0::/system.slice/muster.service\n",
                V2,
                Some(("/sys/fs/cgroup", "system.slice/muster.service")),
            ),
            (
                "version 1, of which the container's part is mounted",
                "5:cpuset:/docker/4a\n4:cpu,cpuacct:/docker/4a/sub\n0::/x\n",
                V1,
                Some(("/sys/fs/cgroup/cpu,cpuacct", "sub")),
            ),
            ("outside of what is mounted", "4:cpu,cpuacct:/docker/5b\n", V1, None),
            (
                "outside of the namespace",
                "0::/../../x\n",
                "30 24 0:26 /a /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
                None,
            ),
            ("nothing mounted", "0::/\n", "", None),
            ("no groups", "", V2, None),
            ("garbage", "::\n:\n0\n\0", " - \n - cgroup2\n1 2 3 - cgroup2 x y\n", None),
        ] {
            let expected = expected.map(|(mount_point, below): (&str, &str)| Place {
                mount_point: mount_point.into(),
                below: below.into(),
            });
            assert_eq!(find(membership, mounts), expected, "{why}");
        }
    }

    #[test]
    fn the_nearest_group_with_a_quota_is_read() {
        let pod = tempfile::tempdir().unwrap();
        let container = pod.path().join("container");
        std::fs::create_dir(&container).unwrap();
        let write = |group: &Path, max: &str, throttled: u32| {
            std::fs::write(group.join("cpu.max"), max).unwrap();
            std::fs::write(group.join("cpu.stat"), format!("nr_throttled {throttled}\nthrottled_usec 5\n"))
                .unwrap();
        };
        write(pod.path(), "1000 100000\n", 1);
        write(&container, "max 100000\n", 2);
        let nearest =
            || [&*container, pod.path()].into_iter().find_map(accounts).map(|found| found.periods_throttled);
        assert_eq!(nearest(), Some(1));
        write(&container, "1000 100000\n", 2);
        assert_eq!(nearest(), Some(2));
    }
}
