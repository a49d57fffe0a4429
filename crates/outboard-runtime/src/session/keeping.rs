//! The results that a session keeps: values by their handle, ended runs by their name, all within one bound.
//! It knows no time: what is dropped depends on what came and what was fetched.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    ids::{Handle, RunId},
    json::Json,
    policy::Taint,
    run::{Outcome, RunReport},
};

/// How much a session keeps. When it is more, results of runs that were fetched go first, the one fetched longest ago
/// before the others; then whatever is oldest. The newest result is kept whatever its size, alone if need be.
///
/// Does not count runs that are under way, nor what others still hold of a result while they hand it on. A value that
/// stands in the result of a run and is kept for scripts as well counts twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Results kept at most.
    pub results: usize,
    /// Bytes of them kept at most.
    pub bytes: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { results: 100, bytes: 256 << 20 }
    }
}

/// Runs whose dropped results are remembered as such.
const REMEMBERED: usize = 1_000;

/// The kept results, oldest first.
#[derive(Debug)]
pub(super) struct Kept {
    keeping: Keeping,
    waiting: VecDeque<Entry>,
    /// Of those, the ones that were fetched, in the order of being fetched last.
    fetched: VecDeque<Entry>,
    bytes: u64,
    gone: VecDeque<(RunId, Gone)>,
}

#[derive(Debug)]
struct Entry {
    what: What,
    bytes: u64,
    /// What the session had seen when it was kept.
    taint: Taint,
}

#[derive(Debug)]
enum What {
    Value(Handle, Json),
    Run(Arc<RunReport>),
}

/// What is still known of a run whose result was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Whether it came to its end.
    pub ended_well: bool,
    /// Calls of it that changed something, or may have.
    pub effects: usize,
}

impl Kept {
    pub(super) fn new(keeping: Keeping) -> Self {
        Self { keeping, waiting: VecDeque::new(), fetched: VecDeque::new(), bytes: 0, gone: VecDeque::new() }
    }

    pub(super) fn keeping(&self) -> Keeping {
        self.keeping
    }

    pub(super) fn keep_value(&mut self, handle: Handle, value: Json, taint: Taint) {
        let bytes = value.as_str().len() as u64;
        self.keep(Entry { what: What::Value(handle, value), bytes, taint });
    }

    pub(super) fn keep_run(&mut self, report: Arc<RunReport>, taint: Taint) {
        let bytes = report.weight();
        self.keep(Entry { what: What::Run(report), bytes, taint });
    }

    pub(super) fn value(&self, handle: &str) -> Option<(Json, Taint)> {
        self.waiting.iter().find_map(|entry| match &entry.what {
            What::Value(name, value) if name.as_str() == handle => Some((value.clone(), entry.taint)),
            What::Value(..) | What::Run(_) => None,
        })
    }

    /// The handle of exactly this value, if it is kept.
    pub(super) fn handle_of(&self, value: &Json) -> Option<Handle> {
        self.waiting.iter().find_map(|entry| match &entry.what {
            What::Value(handle, kept) if kept.is_same(value) => Some(handle.clone()),
            What::Value(..) | What::Run(_) => None,
        })
    }

    /// The result of this run, which counts as fetched from now on.
    pub(super) fn fetch(&mut self, name: &str) -> Option<(Arc<RunReport>, Taint)> {
        let entry = take(&mut self.waiting, name).or_else(|| take(&mut self.fetched, name))?;
        let What::Run(report) = &entry.what else { return None };
        let found = (Arc::clone(report), entry.taint);
        self.fetched.push_back(entry);
        Some(found)
    }

    /// What is known of a run of this name whose result was dropped.
    pub(super) fn gone(&self, name: &str) -> Option<Gone> {
        self.gone.iter().find(|(id, _)| id.name() == name).map(|(_, gone)| *gone)
    }

    fn keep(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.waiting.push_back(entry);
        while self.waiting.len() + self.fetched.len() > self.keeping.results.max(1)
            || self.bytes > self.keeping.bytes
        {
            let oldest = match self.fetched.pop_front() {
                Some(fetched) => fetched,
                None if self.waiting.len() > 1 => match self.waiting.pop_front() {
                    Some(oldest) => oldest,
                    None => break,
                },
                None => break,
            };
            self.bytes -= oldest.bytes;
            self.remember(&oldest);
        }
    }

    fn remember(&mut self, dropped: &Entry) {
        let What::Run(report) = &dropped.what else { return };
        let ended_well = matches!(report.outcome, Outcome::Value(_));
        self.gone.push_back((report.id.clone(), Gone { ended_well, effects: report.effects.len() }));
        if self.gone.len() > REMEMBERED {
            self.gone.pop_front();
        }
    }
}

fn take(entries: &mut VecDeque<Entry>, name: &str) -> Option<Entry> {
    let at = entries
        .iter()
        .position(|entry| matches!(&entry.what, What::Run(report) if report.id.name() == name))?;
    entries.remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn report(number: u32, bytes: usize) -> Arc<RunReport> {
        Arc::new(RunReport {
            id: RunId::new(format!("r{number}-tag")),
            source: String::new(),
            language: outboard_script::Language::TypeScript,
            limits: Limits::default(),
            outcome: Outcome::Value(Some(Json::string(&"x".repeat(bytes)))),
            console: Vec::new(),
            console_dropped: 0,
            effects: Vec::new(),
            hints: Vec::new(),
        })
    }

    fn kept(results: usize, bytes: u64) -> Kept {
        Kept::new(Keeping { results, bytes })
    }

    /// Names of `all` that are still there, without counting as fetches.
    fn left(kept: &Kept, all: &[&str]) -> Vec<String> {
        let entries = || kept.waiting.iter().chain(&kept.fetched);
        let is = |entry: &Entry, name: &str| match &entry.what {
            What::Value(handle, _) => handle.as_str() == name,
            What::Run(report) => report.id.name() == name,
        };
        all.iter()
            .filter(|name| entries().any(|entry| is(entry, name)))
            .map(|name| (*name).to_owned())
            .collect()
    }

    #[test]
    fn the_oldest_results_go_first_but_what_was_fetched_before_them() {
        let all = ["r1", "v", "r2", "r3", "r4"];
        for (fetched, expected) in [
            (vec![], vec!["v", "r2", "r3", "r4"]),
            (vec!["r2"], vec!["r1", "v", "r3", "r4"]),
            (vec!["r3", "r2"], vec!["r1", "v", "r2", "r4"]),
            (vec!["r3", "r2", "r3"], vec!["r1", "v", "r3", "r4"]),
        ] {
            let mut kept = kept(4, 1 << 20);
            kept.keep_run(report(1, 1), Taint::default());
            kept.keep_value(Handle::from("v"), Json::null(), Taint::default());
            kept.keep_run(report(2, 1), Taint::default());
            kept.keep_run(report(3, 1), Taint::default());
            for name in &fetched {
                assert!(kept.fetch(name).is_some());
            }
            kept.keep_run(report(4, 1), Taint::default());
            assert_eq!(left(&kept, &all), expected, "{fetched:?}");
        }
    }

    #[test]
    fn bytes_are_bounded_and_the_newest_is_kept_whatever_its_size() {
        let mut kept = kept(100, 10_000);
        let value = |bytes: usize| Json::string(&"x".repeat(bytes - 2));
        kept.keep_value(Handle::from("a"), value(5_000), Taint::default());
        kept.keep_value(Handle::from("b"), value(5_000), Taint::default());
        assert_eq!(left(&kept, &["a", "b"]), ["a", "b"]);
        kept.keep_value(Handle::from("c"), value(2), Taint::default());
        assert_eq!(left(&kept, &["a", "b", "c"]), ["b", "c"]);
        kept.keep_value(Handle::from("d"), value(20_000), Taint::default());
        assert_eq!(left(&kept, &["a", "b", "c", "d"]), ["d"]);
        kept.keep_value(Handle::from("e"), value(2), Taint::default());
        assert_eq!((left(&kept, &["d", "e"]), kept.bytes), (vec!["e".to_owned()], 2));
    }

    #[test]
    fn a_run_whose_result_was_dropped_is_remembered_as_such() {
        let mut kept = kept(1, 1 << 20);
        for number in 1..=1_002 {
            kept.keep_run(report(number, 1), Taint::default());
        }
        assert_eq!((kept.fetch("r1001").is_some(), kept.gone("r1")), (false, None));
        assert_eq!(kept.gone("r1001"), Some(Gone { ended_well: true, effects: 0 }));
        assert_eq!(kept.gone("r1002"), None);
    }
}
