//! What the figures were taken on: processor, cores, load, and the memory of a process.
//! Where the system has no /proc, load and memory are not known.

use std::fs;

use serde::Serialize;

/// The machine, and how busy it was.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) system: String,
    /// What was measured, in its own words.
    pub(crate) outboard: String,
    /// What Python is compared with; `None` if this machine has none.
    pub(crate) python: Option<String>,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// Processes that ran or wanted to, averaged over the last minute, before the first measure.
    pub(crate) load_before: Option<f64>,
    /// The same after the last one. The measures load the machine too.
    pub(crate) load_after: Option<f64>,
}

impl Machine {
    /// Looks at the machine before the measures of this version.
    pub(crate) fn before(outboard: String) -> Self {
        let model = read("/proc/cpuinfo").and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            system: format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned(),
            outboard,
            python: crate::measure::python::native_version(),
            processor: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load_before: load(),
            load_after: None,
        }
    }

    /// Looks again after them.
    pub(crate) fn after(&mut self) {
        self.load_after = load();
    }
}

/// No figure about a process where there is no /proc.
#[derive(Debug, thiserror::Error)]
#[error("read the memory of process {process}: this needs Linux's /proc")]
pub(crate) struct NoFigures {
    process: u32,
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All that is in memory, what it shares with others included.
    pub(crate) resident: u64,
    /// What it shares with nobody.
    pub(crate) private: u64,
}

impl Memory {
    /// The memory that a process has now.
    pub(crate) fn of(process: u32) -> Result<Self, NoFigures> {
        let rollup = read(&format!("/proc/{process}/smaps_rollup"));
        rollup.as_deref().and_then(Self::parse).ok_or(NoFigures { process })
    }

    fn parse(rollup: &str) -> Option<Self> {
        let bytes = |name: &str| -> Option<u64> {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
        };
        let private = bytes("Private_Clean:")? + bytes("Private_Dirty:")?;
        Some(Self { resident: bytes("Rss:")?, private })
    }
}

fn load() -> Option<f64> {
    read("/proc/loadavg")?.split_whitespace().next()?.parse().ok()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let rollup = "00400000-7ffe rollup\nRss:     2048 kB\nPss:  99 kB\nPrivate_Clean:   4 kB\nPrivate_Dirty: 8 kB\n";
        assert_eq!(Memory::parse(rollup), Some(Memory { resident: 2048 << 10, private: 12 << 10 }));
        assert_eq!(Memory::parse("Rss: 1 kB"), None);
    }
}
