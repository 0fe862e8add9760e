//! How much memory this process may use, and what of it is for what unless somebody says so.

use std::path::Path;

use super::ByteSize;

/// Where Linux shows the limits of control groups.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Sizes of the three great consumers of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    pub body: ByteSize,
    pub append: ByteSize,
    pub tail: ByteSize,
}

impl Shares {
    /// For a process that may use so many bytes; `None`: nobody knows. Together half of them at most: the rest is for
    /// answers, connections and the program.
    pub fn of(limit: Option<usize>) -> Self {
        let part = |parts: usize, least: usize, most: usize| {
            let bytes = limit.map_or(usize::MAX, |limit| limit / parts);
            ByteSize::mib((bytes / ByteSize::mib(1).0).clamp(least, most))
        };
        Self { body: part(4, 16, 256), append: part(8, 16, 64), tail: part(8, 1, 256) }
    }
}

/// Bytes that this process may use: the limit of its control group, or what the machine has. `None` where the system does
/// not tell.
pub fn limit() -> Option<usize> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_of_machine(&text));
    groups.lines().filter_map(|group| limit_of_group(Path::new(CGROUPS), group)).chain(machine).min()
}

/// `MemTotal:  8049252 kB`
fn memory_of_machine(text: &str) -> Option<usize> {
    let kib = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    kib.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

/// The least limit of a group and those that it is in. `0::/a/b` is a group of version 2, `4:memory:/a/b` one of version
/// 1. In a container the path may be seen from outside: then the group is the root of what is mounted.
fn limit_of_group(root: &Path, group: &str) -> Option<usize> {
    let mut fields = group.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, Path::new(fields.next()?));
    let (root, name) = match controllers {
        "" => (root.to_owned(), "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
        _ => return None,
    };
    let path = path.strip_prefix("/").unwrap_or(path);
    let limit = |group: &Path| std::fs::read_to_string(root.join(group).join(name)).ok()?.trim().parse::<usize>().ok();
    path.ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_shrink_with_the_memory() {
        let shares = |limit: Option<usize>| {
            let Shares { body, append, tail } = Shares::of(limit.map(|mib| mib << 20));
            [body, append, tail].map(|size| size.to_string())
        };
        for limit in [None, Some(2048), Some(1 << 20)] {
            assert_eq!(shares(limit), ["256MiB", "64MiB", "256MiB"], "{limit:?}");
        }
        assert_eq!(shares(Some(512)), ["128MiB", "64MiB", "64MiB"]);
        assert_eq!(shares(Some(1)), ["16MiB", "16MiB", "1MiB"]);
    }

    #[test]
    fn limits_of_groups_are_read() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let limit = |group: &str| limit_of_group(root.path(), group);
        assert_eq!(limit("0::/a/b"), None);
        write("a/memory.max", "1000\n");
        write("a/b/memory.max", "max\n");
        assert_eq!(limit("0::/a/b"), Some(1000), "that of the group around it");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/c/memory.limit_in_bytes", "500\n");
        assert_eq!(
            (limit("4:cpu,memory:/c"), limit("4:memory:/seen/from/outside")),
            (Some(500), Some(9_223_372_036_854_771_712))
        );
        assert_eq!((limit("4:cpu:/c"), limit(""), limit("nonsense")), (None, None, None));
        assert_eq!(memory_of_machine("MemFree: 1 kB\nMemTotal:   2 kB\n"), Some(2048));
    }
}
