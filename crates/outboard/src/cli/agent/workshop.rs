//! The tools of a mode, made ready before the first turn and put away after the last: the one place that knows what each mode
//! needs. What a run asks a person is asked at the terminal meanwhile.

use std::{convert::Infallible, sync::Arc, time::Duration};

use outboard_agent::{Report, Toolbox, task::Mode};
use outboard_face::{Face, FaceOptions};
use outboard_runtime::{approval::Approvals, catalogue::UpstreamState, policy::Taint, session::Session};
use tokio_util::sync::CancellationToken;

use super::{direct::Direct, faced::Faced};
use crate::{
    cli::{
        asking,
        context::Context,
        variable,
        waiting::{self, Wait},
    },
    report::{self, Failure, Terminal, escaped},
    tainted,
    wiring::{Meter, System},
    workspace,
};

/// The longest wait for lists of tools.
const LISTS: Duration = Duration::from_secs(30);
/// In mode `code` nobody gives up on an answer.
const PATIENT: Duration = Duration::from_secs(24 * 3_600);

/// What a model works with, in one mode.
pub(in crate::cli) struct Workshop {
    tools: Tools,
    /// How long upstreams are busy, and were before.
    meter: Meter,
    before: Duration,
}

enum Tools {
    Direct(Direct),
    Faced(Faced),
}

/// An agent that has ended, with where the time of its calls went.
#[derive(Debug)]
pub(in crate::cli) struct Done {
    pub(in crate::cli) report: Report,
    /// In tools.
    pub(in crate::cli) in_tools: Duration,
    /// In scripts and commands, tools apart.
    pub(in crate::cli) in_code: Duration,
}

/// Measures how long questions are open, however many at once.
async fn watch_questions(approvals: &Approvals, asked: &Meter) -> Infallible {
    let mut changes = approvals.watch();
    let mut open = None;
    loop {
        changes.borrow_and_update();
        if approvals.open().is_empty() {
            open = None;
        } else {
            open.get_or_insert_with(|| asked.begin());
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Why a mode cannot be had here, if so: `workspace` takes a wall that holds.
pub(in crate::cli) async fn available(mode: Mode, context: &Context) -> Result<(), Failure> {
    match mode {
        Mode::Direct | Mode::Code => Ok(()),
        Mode::Workspace => {
            let settings = &context.configuration.settings.workspace;
            let programs = variable("PATH").unwrap_or_default();
            let tried = workspace::try_out(settings, &programs, &context.places.state).await;
            tried.map(drop).map_err(|why| {
                Failure::new(format_args!("no workspace can be made here: {}", escaped(&why))).hint(
                    "outboard doctor tells what a workspace takes; --mode code and --mode direct take none",
                )
            })
        }
    }
}

/// What this user's sessions have seen: where every agent begins.
pub(in crate::cli) fn seen(context: &Context) -> Result<Taint, Failure> {
    let seen = tainted::read(&context.places.state).map_err(|problem| Failure::could_not(&problem))?;
    Ok(seen.taint)
}

impl Workshop {
    /// Waits for the lists of all upstreams and readies what the mode needs, for an agent that has seen this much.
    pub(in crate::cli) async fn open(
        system: &System,
        context: &Context,
        mode: Mode,
        seen: Taint,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let wait = Wait { pending: &waiting::is_unlisted, patience: LISTS };
        let snapshot = waiting::wait(system.runtime.catalogue(), wait, stop, |_| ()).await?;
        for member in snapshot.members() {
            if let UpstreamState::Failed { reason } = &member.state {
                let why = escaped(reason.lines().next().unwrap_or_default());
                report::warn(format_args!("{} is not available: {why}", escaped(member.upstream.as_str())));
            } else if waiting::is_unlisted(member) {
                report::warn(format_args!(
                    "{} has listed no tools in {} s: the model goes without them",
                    escaped(member.upstream.as_str()),
                    LISTS.as_secs()
                ));
            }
        }
        if snapshot.tool_count() == 0 {
            report::warn("there are no tools: outboard list tells what is configured");
        }
        let runtime = Arc::clone(&system.runtime);
        let tools = match mode {
            Mode::Direct => {
                let session = Arc::new(Session::new());
                session.saw(seen);
                session.set_client("outboard agent".into());
                Tools::Direct(Direct::new(runtime, session, stop.child_token()))
            }
            Mode::Code | Mode::Workspace => {
                let face = face(system, context, mode)?.having_seen(seen);
                Tools::Faced(Faced::open(face).await?)
            }
        };
        let meter = system.measure();
        Ok(Self { tools, before: meter.read(), meter })
    }

    /// The tools.
    pub(in crate::cli) fn toolbox(&self) -> &dyn Toolbox {
        match &self.tools {
            Tools::Direct(direct) => direct,
            Tools::Faced(faced) => &faced.tools,
        }
    }

    /// Does work while the person at the terminal is asked what runs ask; with how long somebody was being asked.
    pub(in crate::cli) async fn beside_a_person<T>(
        &self,
        system: &System,
        work: impl Future<Output = T>,
    ) -> (T, Duration) {
        let asked = Meter::default();
        let done = tokio::select! {
            done = work => done,
            never = asking::at_terminal(&system.approvals, Terminal::beside()) => match never {},
            never = watch_questions(&system.approvals, &asked) => match never {},
        };
        (done, asked.read())
    }

    /// Puts everything away, a workspace with all its files. What a person was asked for is neither the tools' time nor a script's.
    pub(in crate::cli) async fn close(self, (report, asked): (Report, Duration)) -> Done {
        let in_calls = report.in_calls().saturating_sub(asked);
        let in_tools = match &self.tools {
            // The gate is part of a call here: there is no code.
            Tools::Direct(_) => in_calls,
            // A program that goes on in the background may call tools while nobody waits for it.
            Tools::Faced(_) => self.meter.read().saturating_sub(self.before).min(in_calls),
        };
        if let Tools::Faced(faced) = self.tools {
            faced.close().await;
        }
        Done { in_code: in_calls.saturating_sub(in_tools), in_tools, report }
    }
}

/// What clients of `serve` meet, with `--workspace` in mode `workspace`.
fn face(system: &System, context: &Context, mode: Mode) -> Result<Face, Failure> {
    let settings = &context.configuration.settings;
    let options = FaceOptions {
        declarations_budget: settings.declarations,
        result_budget: settings.result_tokens,
        // Of `bash` a model is told how long a command may take.
        respond_within: if mode == Mode::Workspace { settings.respond_within } else { PATIENT },
        keeping: settings.keeping,
        ..FaceOptions::default()
    };
    let face = Face::new(Arc::clone(&system.runtime), options);
    match mode {
        Mode::Workspace => {
            let programs = variable("PATH").unwrap_or_default();
            workspace::offer(face, system, settings.workspace.clone(), &programs, &context.places.state)
        }
        Mode::Direct | Mode::Code => Ok(face),
    }
}
