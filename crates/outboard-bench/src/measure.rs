//! The table of measures: what is measured, in which language, how, and what is to be reached.
//! How each is taken stands in the modules below.

mod calls;
mod catalogue;
mod guest;
mod memory;
mod start;

use std::{io, path::PathBuf, time::Instant};

use crate::{
    gateway,
    machine::NoFigures,
    peer::{Peer, PeerFailure},
    progress::Progress,
    samples::{Pair, Target, Unit},
    scripts::Language,
};

/// One row of the table.
pub(crate) struct Measure {
    /// How it is asked for.
    pub(crate) name: &'static str,
    /// What is measured, for people.
    pub(crate) what: &'static str,
    /// What it is compared with, for people; empty if with nothing.
    pub(crate) other: &'static str,
    pub(crate) language: Option<Language>,
    pub(crate) unit: Unit,
    pub(crate) target: Target,
    pub(crate) take: fn(&Bench<'_>, &Measure) -> Result<Pair, BenchFailure>,
}

/// What measures work with.
pub(crate) struct Bench<'a> {
    /// The program under measure.
    pub(crate) outboard: PathBuf,
    /// Rounds of a measure that takes time; those that count bytes take fewer.
    pub(crate) rounds: usize,
    pub(crate) progress: &'a Progress,
}

/// A measure that could not be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchFailure {
    #[error("prepare the measure")]
    Prepare(#[from] io::Error),
    #[error("speak with a server")]
    Peer(#[from] PeerFailure),
    #[error(transparent)]
    NoFigures(#[from] NoFigures),
    #[error("trust the figures: {what} answered {got}, expected {expected}")]
    Wrong { what: &'static str, got: String, expected: String },
    #[error("run a guest")]
    Guest(#[from] outboard_engines::EngineBroken),
    #[error("run a guest: {0}")]
    GuestEnded(String),
}

const TYPESCRIPT: Option<Language> = Some(Language::TypeScript);
const MICROSECOND: f64 = 1e-6;
const MILLISECOND: f64 = 1e-3;
const KILOBYTE: f64 = 1e3;
const MEGABYTE: f64 = 1e6;

/// All measures, in the order of the table.
pub(crate) const MEASURES: &[Measure] = &[
    Measure {
        name: "start",
        what: "process start to the first correct `execute`",
        other: "the upstream's own start and one echo",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Beyond(60.0 * MILLISECOND),
        take: start::take,
    },
    Measure {
        name: "return",
        what: "`return 1+1`",
        other: "one echo",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Times(3.0),
        take: calls::addition,
    },
    Measure {
        name: "sequential",
        what: "31 calls in turn, 300 records aggregated",
        other: "the same by the raw client",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Times(1.5),
        take: calls::pages,
    },
    Measure {
        name: "at-once",
        what: "1,000 calls at once",
        other: "pipelined by the raw client",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Times(3.0),
        take: calls::echoes,
    },
    Measure {
        name: "bulk",
        what: "100,000 records in ten calls aggregated",
        other: "the same by the raw client",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Times(1.25),
        take: calls::chunks,
    },
    Measure {
        name: "first-instruction",
        what: "a new run to the script's first instruction",
        other: "",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::AtMost(25.0 * MICROSECOND),
        take: guest::first_instruction,
    },
    Measure {
        name: "hand-over",
        what: "10 MB of JSON handed to the guest",
        other: "QuickJS's own JSON.parse there",
        language: TYPESCRIPT,
        unit: Unit::Seconds,
        target: Target::Faster(5.0),
        take: guest::hand_over,
    },
    Measure {
        name: "idle-memory",
        what: "resident memory when idle",
        other: "",
        language: TYPESCRIPT,
        unit: Unit::Bytes,
        target: Target::AtMost(40.0 * MEGABYTE),
        take: memory::idle,
    },
    Measure {
        name: "parked-memory",
        what: "private memory of each of 1,000 parked runs",
        other: "",
        language: TYPESCRIPT,
        unit: Unit::Bytes,
        target: Target::AtMost(200.0 * KILOBYTE),
        take: memory::parked,
    },
    Measure {
        name: "load",
        what: "10,000 tools loaded and indexed",
        other: "",
        language: None,
        unit: Unit::Seconds,
        target: Target::AtMost(0.5),
        take: catalogue::load,
    },
    Measure {
        name: "search",
        what: "one search in 10,000 tools",
        other: "",
        language: None,
        unit: Unit::Seconds,
        target: Target::AtMost(2.0 * MILLISECOND),
        take: catalogue::search,
    },
];

impl Measure {
    fn language(&self) -> Language {
        self.language.unwrap_or(Language::TypeScript)
    }
}

impl Bench<'_> {
    /// Both sides of a comparison, connected.
    fn sides(&self, home: &gateway::Home) -> Result<(Peer, Peer), BenchFailure> {
        let outboard = Peer::start(home.serve(&self.outboard)?)?;
        Ok((outboard, Peer::start(gateway::upstream()?)?))
    }

    /// Counts the rounds of a measure.
    fn rounds<'b>(&'b self, measure: &'b Measure, most: usize) -> impl Iterator<Item = usize> + 'b {
        let rounds = self.rounds.min(most);
        (0..rounds).inspect(move |round| self.progress.round(measure.name, *round, rounds))
    }
}

/// The seconds that `work` takes.
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let started = Instant::now();
    let done = work()?;
    Ok((started.elapsed().as_secs_f64(), done))
}

/// Figures count only for right answers.
fn expect<T: PartialEq + std::fmt::Debug>(
    what: &'static str,
    got: &T,
    expected: &T,
) -> Result<(), BenchFailure> {
    if got == expected {
        return Ok(());
    }
    Err(BenchFailure::Wrong { what, got: format!("{got:?}"), expected: format!("{expected:?}") })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn measures_are_asked_for_by_names_of_their_own() {
        let names: HashSet<_> = MEASURES.iter().map(|measure| measure.name).collect();
        assert_eq!(names.len(), MEASURES.len());
    }
}
