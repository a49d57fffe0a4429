//! `outboard resume`: takes over a run whose Outboard has gone, or that waits for somebody, and brings it to its end here.
//! What its record answers is not asked again.

use std::sync::Arc;

use clap::Args;
use outboard_runtime::{NotResumed, journal::RunState, run::Progress, session::Session};
use tokio::sync::watch;

use super::finding::{Record, Records};
use crate::{
    cli::run,
    report::{Failure, chain},
    tainted,
};

/// Options of `outboard resume`.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The run, as `outboard runs` names it; the beginning is enough if no other begins so
    run: String,
    /// Print one JSON object, with the whole value
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        let Record { entry, folded, .. } = records.read(&self.run).await?;
        match entry.state {
            RunState::Interrupted | RunState::Waiting => {}
            RunState::Running => {
                return Err(Failure::new(format_args!("{} is under way in another Outboard", entry.id))
                    .hint("its client gets its result; outboard show tells how far it is"));
            }
            RunState::Ended | RunState::Failed => {
                return Err(Failure::new(format_args!("{} has ended", entry.id))
                    .hint(format_args!("outboard show {} prints what came of it", entry.id)));
            }
        }
        let here = records.context.directory.to_string_lossy();
        if entry.place != here {
            return Err(Failure::new(format_args!("{} was begun under another configuration", entry.id))
                .hint(format_args!(
                    "cd {} && outboard resume {}",
                    crate::report::quoted(&entry.place),
                    entry.id
                )));
        }
        // What its session had seen is not in its record: what all of this user's have seen covers that.
        let seen =
            tainted::read(&records.context.places.state).map_err(|problem| Failure::could_not(&problem))?;
        let budget = records.context.configuration.settings.result_tokens;
        let wanted = run::names_in(&folded.opened.source);
        let done = records.context.with(&wanted, async |system, stop| {
            let taken = system.runtime.take(&entry.id).await.map_err(|problem| refused(&problem))?;
            let (session, progress) = (Arc::new(Session::new()), watch::Sender::new(Progress::default()));
            session.saw(seen.taint);
            session.set_client("outboard resume".into());
            let watching = progress.subscribe();
            let resumed = Box::pin(system.runtime.go_on(&session, taken, progress, stop.clone()));
            let report = run::watched(system, resumed, watching).await;
            run::tell(&report, budget, self.json, stop.is_cancelled())
        });
        done.await
    }
}

/// A run cannot go on from its record.
pub(super) fn refused(problem: &NotResumed) -> Failure {
    Failure::new(chain(problem))
}
