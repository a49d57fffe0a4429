//! Runs the demo: every way and variant in turn, then the workplace whose post waits for a yes; one report.
//!
//! It leaves printing and the exit code to its caller, and it touches no state of the user.

use std::path::PathBuf;

use crate::{
    report::DemoReport,
    tool_server::ServerFailure,
    ways::{self, Connect, Progress, VARIANTS, WAYS, Way, WayFailure, connect::Processes},
    workplace,
};

/// What to run the demo with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// The `outboard` executable: it is started as `demo-upstream` and as `serve`.
    pub exe: PathBuf,
    /// Whether the upstream answers as slowly as a service behind a network.
    pub latency: bool,
}

/// The demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No place for the demo's own configuration and state.
    #[error("make a temporary directory for the demo")]
    Scratch(#[source] std::io::Error),
    /// One of the ways failed.
    #[error("do the task the way `{way}`: {reason}")]
    Way {
        /// The way, for people.
        way: &'static str,
        /// What happened.
        reason: String,
    },
    /// The second part failed.
    #[error("show a post that waits for a yes: {reason}")]
    Workplace {
        /// What happened.
        reason: String,
    },
}

/// Does the task all ways, telling `progress` of every turn before it is taken; then lets a script ask.
pub async fn run(
    options: DemoOptions,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<DemoReport, DemoError> {
    let processes = Processes::prepare(&options).map_err(DemoError::Scratch)?;
    let mut report = run_with(&processes, options.latency, &progress).await?;
    let workplace = workplace::run(&options, &progress).await;
    let failed = |failure: ServerFailure| DemoError::Workplace { reason: failure.to_string() };
    report.workplace = Some(workplace.map_err(failed)?);
    Ok(report)
}

pub(crate) async fn run_with<C: Connect>(
    connect: &C,
    latency: bool,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<DemoReport, DemoError> {
    // One after the other, so that no way slows another down.
    let mut report = DemoReport::new(latency);
    for way in &WAYS {
        report.ways.push(ways::take(way, connect, progress).await.map_err(|failure| failed(way, &failure))?);
    }
    for way in &VARIANTS {
        report
            .variants
            .push(ways::take(way, connect, progress).await.map_err(|failure| failed(way, &failure))?);
    }
    Ok(report)
}

fn failed(way: &Way, failure: &WayFailure) -> DemoError {
    DemoError::Way { way: way.label, reason: failure.to_string() }
}
