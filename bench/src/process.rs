//! What the kernel says about processes: CPU time, run-queue delay, memory.

use std::fs;
use std::time::Duration;

/// Time that processes had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    /// On a processor, user and system together.
    pub used: Duration,
    /// Ready to run and waiting for a processor.
    pub waited: Duration,
}

impl CpuTime {
    /// From the scheduler's own accounts, in nanoseconds; clock ticks would be too coarse. A thread that ends
    /// between two readings takes its account along, so servers under measurement should keep theirs.
    pub(crate) fn of(pid: u32) -> Self {
        let mut sum = Self::default();
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap_or(0));
            sum.used += Duration::from_nanos(numbers.next().unwrap_or(0));
            sum.waited += Duration::from_nanos(numbers.next().unwrap_or(0));
        }
        sum
    }

    /// Of a process and all its descendants, threads and children that have ended included, in clock ticks
    /// (10 ms). `waited` knows living threads only.
    pub(crate) fn of_tree(root: u32) -> Self {
        let mut sum = Self::default();
        for pid in tree(root) {
            sum.used += Stat::of(pid).map_or(Duration::ZERO, |stat| stat.used);
            sum.waited += Self::of(pid).waited;
        }
        sum
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { used: self.used.saturating_sub(earlier.used), waited: self.waited.saturating_sub(earlier.waited) }
    }
}

/// Resident memory in KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    status_kib(pid, "VmRSS:")
}

/// The most resident memory that a process and each of its living descendants ever had, added up, in KiB.
pub(crate) fn peak_resident_kib(root: u32) -> u64 {
    tree(root).into_iter().map(|pid| status_kib(pid, "VmHWM:")).sum()
}

fn status_kib(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// A process and its living descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, Stat::of(pid)?.parent))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(parents.iter().filter(|(pid, of)| *of == parent && *pid != parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

/// What is of use in `/proc/<pid>/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Of the process and of children that have ended.
    used: Duration,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let ticks_per_second = rustix::param::clock_ticks_per_second();
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, ticks_per_second)
    }

    fn parse(text: &str, ticks_per_second: u64) -> Option<Self> {
        // The name in parentheses may hold anything, so fields are counted from behind it; the first is the state.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let times = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().unwrap_or(0));
        let used = Duration::from_secs_f64(times.sum::<u64>() as f64 / ticks_per_second as f64);
        Some(Self { parent: fields.get(1)?.parse().ok()?, used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_behind_the_name() {
        let text = "77 (a) b (c)) S 5 77 77 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 9";
        assert_eq!(Stat::parse(text, 100), Some(Stat { parent: 5, used: Duration::from_millis(1240) }));
        assert_eq!(Stat::parse("77 (a", 100), None);
    }

    #[test]
    fn a_tree_holds_the_children() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep is everywhere");
        let found = tree(own);
        child.kill().expect("an own child can be killed");
        child.wait().expect("an own child can be waited for");
        assert!(found.contains(&own) && found.contains(&child.id()));
        assert!(!tree(own).contains(&child.id()));
        assert!(peak_resident_kib(own) > 0);
    }
}
