//! What a measure is. Which there are stands in `rows`, how each is taken in the modules beside it.
//! It judges nothing.

mod calls;
mod cancel;
mod catalogue;
mod guest;
mod journal;
mod learning;
mod memory;
mod policy;
mod preflight;
mod processor;
mod program;
pub(crate) mod python;
mod rows;
mod settings;
mod start;
mod stop;
mod workspace;
mod wrapper;

pub(crate) use rows::MEASURES;

use std::{io, path::PathBuf, time::Instant};

use crate::{
    floor, gateway,
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
    /// Something that the machine lacks; the other measures can be taken.
    #[error("{0}")]
    Absent(String),
    #[error("hear from python3")]
    Deaf,
}

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

    /// Samples of both sides, taken round by round after one that does not count.
    fn by_turns(
        &self,
        measure: &Measure,
        mut round: impl FnMut(&mut Pair) -> Result<(), BenchFailure>,
    ) -> Result<Pair, BenchFailure> {
        round(&mut Pair::default())?;
        let mut pair = Pair::default();
        for _ in self.rounds(measure, usize::MAX) {
            round(&mut pair)?;
        }
        Ok(pair)
    }

    /// Counts the rounds of a measure.
    fn rounds<'b>(&'b self, measure: &'b Measure, most: usize) -> impl Iterator<Item = usize> + 'b {
        let rounds = self.rounds.min(most);
        (0..rounds).inspect(move |round| self.progress.round(measure.name, *round, rounds))
    }
}

/// Seconds that one of `count` echoes takes the raw client, one after another.
fn echo_seconds(upstream: &mut Peer, count: u16) -> Result<f64, BenchFailure> {
    let (seconds, ()) = timed(|| {
        for _ in 0..count {
            expect("the raw client", &floor::echo(upstream)?.as_str(), &floor::HELLO)?;
        }
        Ok::<(), BenchFailure>(())
    })?;
    Ok(seconds / f64::from(count))
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
