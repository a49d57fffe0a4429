//! `outboard replay`: a recorded run once more, in a fresh sandbox, every answer from the record. With `--from` the calls
//! from there on are made anew, each through the gate, as a run of its own.

use std::sync::Arc;

use clap::Args;
use outboard_runtime::{
    RepeatRequest,
    ids::RequestId,
    journal::replay_redacted,
    run::{Progress, RunReport},
    session::Session,
};
use tokio::sync::watch;

use super::finding::{Record, Records};
use crate::{
    cli::{log, run, variable},
    report::{self, Failure, counted, escaped_lines},
    tainted, wiring,
};

/// Options of `outboard replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The run, as `outboard runs` names it; the beginning is enough if no other begins so
    run: String,
    /// Make this call and all after it anew, numbered as `outboard show` numbers them
    #[arg(long, value_name = "CALL", value_parser = clap::value_parser!(u32).range(1..))]
    from: Option<u32>,
    /// Print one JSON object, with the whole value
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        match self.from {
            Some(from) => self.repeat(&records, RequestId(from)).await,
            None => self.replay(&records).await,
        }
    }

    async fn replay(&self, records: &Records) -> Result<(), Failure> {
        log::to_stderr(log::QUIET);
        let record = records.read(&self.run).await?;
        let engines = wiring::engines(&records.context.configuration, &records.context.places)?;
        let redactor = wiring::redactor(&records.context.configuration, &variable);
        let replayed = replay_redacted(&engines, &record.folded, &redactor).await;
        let replayed = replayed.map_err(|divergence| {
            let failure = Failure::new(format_args!("the run does not replay: {divergence}"));
            match record.entry.redacted {
                true => {
                    failure.hint("something was taken out of its record (`redacted`), which it may depend on")
                }
                false => failure.hint("another version of Outboard or of the sandbox may have recorded it"),
            }
        })?;
        report::note(format_args!(
            "replayed from the record: {}, nothing was sent",
            counted(record.folded.deliveries.len(), "answer")
        ));
        match RunReport::recorded(&record.folded, replayed.console.clone()) {
            Some(report) => {
                run::tell(&report, records.context.configuration.settings.result_tokens, self.json, false)
            }
            None => self.unfinished(&record, replayed.console.iter().map(|line| line.text.as_str())),
        }
    }

    fn unfinished<'a>(&self, record: &Record, console: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        let lines: Vec<&str> = console.collect();
        if !self.json {
            lines.iter().for_each(|line| report::note(escaped_lines(line)));
        }
        Err(Failure::new("the run has not ended: its record leads no further")
            .hint(format_args!("outboard resume {} brings it to its end", record.entry.id)))
    }

    async fn repeat(&self, records: &Records, from: RequestId) -> Result<(), Failure> {
        let Record { entry, folded, .. } = records.read(&self.run).await?;
        if !folded.asked.iter().any(|request| request.id == from) {
            return Err(Failure::new(format_args!("{} has no call {from}", entry.id))
                .hint(format_args!("outboard show {} numbers them", entry.id)));
        }
        let seen =
            tainted::read(&records.context.places.state).map_err(|problem| Failure::could_not(&problem))?;
        let budget = records.context.configuration.settings.result_tokens;
        let wanted = run::names_in(&folded.opened.source);
        let done = records.context.with(&wanted, async |system, stop| {
            let session = Arc::new(Session::new());
            let progress = watch::Sender::new(Progress::default());
            session.saw(seen.taint);
            session.set_client("outboard replay".into());
            let watching = progress.subscribe();
            let request = RepeatRequest { run: entry.id.clone(), from, progress };
            let repeated = Box::pin(system.runtime.repeat(&session, request, stop.clone()));
            let report = run::watched(system, repeated, watching)
                .await
                .map_err(|problem| super::resume::refused(&problem))?;
            report::note(format_args!("repeated as {}", report.id));
            run::tell(&report, budget, self.json, stop.is_cancelled())
        });
        done.await
    }
}
