//! A watch over the memory of the jail where no group of processes limits it: all processes are looked at in short
//! turns, and all are ended when together they have too much. What is taken within one turn is not held back.

use std::{fs, time::Duration};

/// Between two looks.
pub(crate) const TURN: Duration = Duration::from_millis(50);

/// The jail's processes but the first, where `/proc` tells them.
pub(crate) fn processes() -> Option<Vec<u32>> {
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Some(pids.filter(|pid| *pid != 1).collect())
}

/// Bytes of memory that these processes have to themselves, and of what they share without a file. What they share with
/// each other counts for each: it is rather too much than too little.
pub(crate) fn memory(processes: &[u32]) -> u64 {
    processes
        .iter()
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
        .map(|status| of(&status))
        .sum()
}

fn of(status: &str) -> u64 {
    let kilobytes = |line: &str| -> Option<u64> {
        let value = line.strip_prefix("RssAnon:").or_else(|| line.strip_prefix("RssShmem:"))?;
        value.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    status.lines().filter_map(kilobytes).sum::<u64>() << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_and_shared_memory_counts_and_programs_do_not() {
        let status = "Name:\tx\nVmRSS:\t    9000 kB\nRssAnon:\t    1000 kB\nRssFile:\t    7000 kB\nRssShmem:\t    24 kB\n";
        assert_eq!(of(status), 1024 << 10);
        assert_eq!(of("Name:\tx\n"), 0);
    }
}
