//! Sums of what runs kept out: all, by day, by upstream. Sums by upstream and by day are those of all runs.
//! It reads no records and knows no definitions: both are handed to it.

use std::collections::{BTreeMap, HashMap};

use outboard_face::RESPOND_WITHIN;
use outboard_runtime::journal::{Answers, RunEntry, Savings};
use serde_json::{Value, json};

use super::{definitions::Shares, times};

/// No model says its next turn so soon: what begins within so many milliseconds of another's end is asked for in the same turn.
const TURN: u64 = 250;
/// What scripts gave that called nobody is taken off here.
pub(super) const NOBODY: &str = "(no upstream)";

/// Tokens that something kept out; fewer than none where it gave more than it read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) runs: usize,
    pub(super) calls: usize,
    pub(super) definitions: i64,
    pub(super) results: i64,
}

/// One run.
pub(super) struct Counted {
    pub(super) entry: RunEntry,
    pub(super) kept: Kept,
}

/// All runs.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) runs: Vec<Counted>,
    pub(super) days: BTreeMap<String, Kept>,
    pub(super) upstreams: BTreeMap<String, Kept>,
    pub(super) all: Kept,
    /// Runs that claim nothing.
    pub(super) left_out: usize,
    /// Runs whose record cannot be read.
    pub(super) unread: usize,
    /// Directories of which nothing is known.
    pub(super) unlisted: usize,
    /// What was fetched by programs of which nobody knows who reads what they print.
    pub(super) unknown: Answers,
    turns: Turns,
}

/// Until when the last turn lasts, by session.
#[derive(Default)]
struct Turns(HashMap<String, u64>);

impl Turns {
    /// How many turns a run adds: runs are to be given in the order in which they began. None if it was asked for in one that is known: a
    /// client that makes its calls one after the other makes them faster than a model thinks, and one that did not get its answer in
    /// time has gone on. The first of a session adds two, because somebody reads the last answer.
    fn added(&mut self, run: &RunEntry) -> i64 {
        let (began, ended) = (run.began.0, run.changed.0);
        let until =
            ended.min(began.saturating_add(u64::try_from(RESPOND_WITHIN.as_millis()).unwrap_or(u64::MAX)));
        let last = self.0.entry(run.id.session().to_owned()).or_default();
        let added = match *last {
            0 => 2,
            last => i64::from(began > last.saturating_add(TURN)),
        };
        *last = until.max(*last);
        added
    }
}

impl Kept {
    pub(super) fn together(self) -> i64 {
        self.definitions.saturating_add(self.results)
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.calls += other.calls;
        self.definitions = self.definitions.saturating_add(other.definitions);
        self.results = self.results.saturating_add(other.results);
    }

    pub(super) fn json(self) -> Value {
        json!({
            "runs": self.runs,
            "calls": self.calls,
            "definitions": self.definitions,
            "results": self.results,
            "together": self.together(),
        })
    }
}

impl Sums {
    /// Takes a call of a program that claims nothing.
    pub(super) fn take_unknown(&mut self, savings: &Savings) {
        for answers in savings.upstreams.values() {
            self.unknown.calls += answers.calls;
            self.unknown.tokens += answers.tokens;
        }
    }

    /// Takes a run. Definitions that its turn did without are counted for each turn that it adds.
    pub(super) fn take(&mut self, entry: RunEntry, savings: &Savings, shares: Shares) {
        let Shares { mut definitions, own } = shares;
        if !definitions.is_empty() {
            let turns = self.turns.added(&entry);
            definitions.iter_mut().for_each(|(_, tokens)| *tokens = tokens.saturating_mul(turns));
            definitions.retain(|_| turns > 0);
        }
        let mut parts = BTreeMap::<String, Kept>::new();
        for (upstream, results) in savings.shares() {
            let calls = savings.upstreams.get(upstream).map_or(0, |answers| answers.calls);
            let part = parts.entry(upstream.as_str().to_owned()).or_default();
            part.add(Kept { runs: 0, calls, results, definitions: 0 });
        }
        let mut of_nobody = Kept { definitions: -own, ..Kept::default() };
        of_nobody.results -= i64::try_from(savings.before.tokens).unwrap_or(i64::MAX);
        if savings.upstreams.is_empty() {
            of_nobody.results = of_nobody.results.saturating_add(savings.results());
        }
        if of_nobody != Kept::default() {
            parts.entry(NOBODY.to_owned()).or_default().add(of_nobody);
        }
        for (upstream, definitions) in definitions {
            let part = parts.entry(upstream.as_str().to_owned()).or_default();
            part.add(Kept { definitions, ..Kept::default() });
        }
        let mut run = Kept::default();
        for (upstream, part) in parts {
            run.add(part);
            self.upstreams.entry(upstream).or_default().add(Kept { runs: 1, ..part });
        }
        run.runs = 1;
        let day: String = times::utc(entry.began).chars().take(10).collect();
        self.days.entry(day).or_default().add(run);
        self.all.add(run);
        self.runs.push(Counted { entry, kept: run });
    }
}

#[cfg(test)]
mod tests {
    use outboard_runtime::{
        clock::WallTime,
        ids::{RunId, UpstreamName},
        journal::{RunState, Shown},
    };

    use super::*;

    fn entry(began: u64, ended: u64) -> RunEntry {
        RunEntry {
            id: RunId::from("r1-a"),
            command: "serve".into(),
            place: "/a".into(),
            title: String::new(),
            state: RunState::Ended,
            began: WallTime(began),
            changed: WallTime(ended),
            calls: 0,
            bytes: 0,
            resumed: 0,
            redacted: false,
        }
    }

    #[test]
    fn definitions_count_once_for_the_calls_of_one_turn() {
        let mut turns = Turns::default();
        let hour = 3_600_000;
        for (began, ended, added) in [
            // Its answer is read in another turn.
            (1_000, 2_000, 2),
            // Side by side, and one after the other.
            (1_001, 1_500, 0),
            (2_040, 2_100, 0),
            // Another turn.
            (2_600, 2_700, 1),
            // A run that waited for a person: its client got another answer meanwhile.
            (10_000, hour, 1),
            (100_000, 100_001, 1),
            (hour + 1_000, hour + 1_001, 1),
        ] {
            assert_eq!(turns.added(&entry(began, ended)), added, "{began}");
        }
        // Two agents at once, in one directory.
        let other = RunEntry { id: RunId::from("r1-b"), ..entry(hour + 1_000, hour + 1_001) };
        assert_eq!(turns.added(&other), 2);
    }

    #[test]
    fn sums_keep_what_is_negative_and_agree() {
        let savings = |read: &[(&str, usize)], given| Savings {
            upstreams: read
                .iter()
                .map(|(name, tokens)| (UpstreamName::from(*name), Answers { calls: 1, tokens: *tokens }))
                .collect(),
            given,
            ..Savings::default()
        };
        let mut sums = Sums::default();
        let definitions = || {
            let definitions = vec![(UpstreamName::from("a"), 70), (UpstreamName::from("c"), -30)];
            Shares { definitions, own: 0 }
        };
        sums.take(entry(1_000, 1_010), &savings(&[("a", 1_000), ("b", 500)], 10), definitions());
        // Kept results are read: what the first run kept out comes in after all.
        sums.take(entry(9_000, 9_010), &savings(&[], 1_400), definitions());
        sums.take(entry(9_001, 9_010), &savings(&[("b", 3)], 40), definitions());
        assert_eq!(sums.all, Kept { runs: 3, calls: 3, definitions: 120, results: 1_490 - 1_400 - 37 });
        // What was searched before is taken off, with what Outboard showed in those turns.
        let before = Shown { answers: 1, tokens: 200 };
        let searched = Savings { before, ..savings(&[("b", 100)], 10) };
        sums.take(entry(20_000, 20_010), &searched, Shares { own: 400, ..definitions() });
        let results = 1_490 - 1_400 - 37 + 90 - 200;
        assert_eq!(sums.all, Kept { runs: 4, calls: 4, definitions: 160 - 400, results });
        for parts in [&sums.days, &sums.upstreams] {
            let (mut definitions, mut results) = (0, 0);
            for part in parts.values() {
                definitions += part.definitions;
                results += part.results;
            }
            assert_eq!((definitions, results), (sums.all.definitions, sums.all.results));
        }
        let nobody = Kept { runs: 2, definitions: -400, results: -1_600, calls: 0 };
        assert_eq!(sums.upstreams[NOBODY], nobody);
        assert_eq!(sums.upstreams["b"].runs, 3);
    }
}
