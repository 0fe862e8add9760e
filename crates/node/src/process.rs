//! Numbers of this process, as far as the system tells them.

use std::fmt::Write as _;

/// Appends them in OpenMetrics' text format, under the names that are usual for every process.
pub fn write_metrics(text: &mut String) {
    let metrics = [
        ("process_resident_memory_bytes", "gauge", "", "Memory in use", resident_bytes()),
        ("process_cpu_seconds", "counter", "_total", "Processor time", cpu_seconds()),
        ("process_open_fds", "gauge", "", "Open file descriptors", open_files()),
    ];
    for (name, kind, suffix, help, value) in metrics {
        if let Some(value) = value {
            // Writing into a string does not fail.
            let _ = write!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n{name}{suffix} {value}\n");
        }
    }
}

fn resident_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name, in parentheses, and may hold anything.
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse::<f64>);
    let ticks = fields.next()?.ok()? + fields.next()?.ok()?;
    Some(ticks / rustix::param::clock_ticks_per_second() as f64)
}

fn open_files() -> Option<f64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        assert!(resident_bytes().expect("Linux tells") > 1e6);
        assert!(cpu_seconds().expect("Linux tells") >= 0.0);
        assert!(open_files().expect("Linux tells") >= 3.0);
        let mut text = String::new();
        write_metrics(&mut text);
        assert_eq!(text.lines().count(), 9, "{text}");
    }
}
