//! The tools of a mode, made ready before the first turn and put away after the last: the one place that knows what each mode
//! needs. What a run asks a person is asked at the terminal meanwhile.

use std::{sync::Arc, time::Duration};

use outboard_agent::{Report, Toolbox, task::Mode};
use outboard_face::FaceOptions;
use outboard_runtime::{catalogue::UpstreamState, session::Session};
use tokio_util::sync::CancellationToken;

use super::{code::Code, direct::Direct};
use crate::{
    cli::{
        asking,
        context::Context,
        waiting::{self, Wait},
    },
    report::{self, Failure, Terminal, USAGE, escaped},
    tainted,
    wiring::System,
};

/// The longest wait for lists of tools.
const LISTS: Duration = Duration::from_secs(30);

/// What a model works with.
pub(in crate::cli) enum Workshop {
    Direct(Direct),
    Code(Code),
}

/// An agent that has ended, with where the time of its calls went.
#[derive(Debug)]
pub(in crate::cli) struct Done {
    pub(in crate::cli) report: Report,
    /// In tools.
    pub(in crate::cli) in_tools: Duration,
    /// In scripts, tools apart.
    pub(in crate::cli) in_code: Duration,
}

/// Whether this Outboard has a mode.
pub(in crate::cli) fn available(mode: Mode) -> Result<(), Failure> {
    match mode {
        Mode::Direct | Mode::Code => Ok(()),
        Mode::Workspace => {
            Err(Failure::new(NO_WORKSPACE).hint("--mode code and --mode direct work").code(USAGE))
        }
    }
}

/// Why there is no mode `workspace`.
pub(in crate::cli) const NO_WORKSPACE: &str =
    "mode `workspace` needs a `bash` tool, and this version of Outboard has no workspace yet";

impl Workshop {
    /// Waits for the lists of all upstreams and readies what the mode needs.
    pub(in crate::cli) async fn open(
        system: &System,
        context: &Context,
        mode: Mode,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        available(mode)?;
        let wait = Wait { pending: &waiting::is_unlisted, patience: LISTS };
        let snapshot = waiting::wait(system.runtime.catalogue(), wait, stop, |_| ()).await?;
        for member in snapshot.members() {
            if let UpstreamState::Failed { reason } = &member.state {
                let why = escaped(reason.lines().next().unwrap_or_default());
                report::warn(format_args!("{} is not available: {why}", escaped(member.upstream.as_str())));
            }
        }
        if snapshot.tool_count() == 0 {
            report::warn("there are no tools: outboard list tells what is configured");
        }
        let runtime = Arc::clone(&system.runtime);
        match mode {
            Mode::Direct => {
                let session = Arc::new(Session::new());
                let seen =
                    tainted::read(&context.places.state).map_err(|problem| Failure::could_not(&problem))?;
                session.saw(seen.taint);
                session.set_client("outboard agent".into());
                Ok(Self::Direct(Direct::new(runtime, session, stop.child_token())))
            }
            Mode::Code | Mode::Workspace => {
                let settings = &context.configuration.settings;
                let options = FaceOptions {
                    declarations_budget: settings.declarations,
                    result_budget: settings.result_tokens,
                    keeping: settings.keeping,
                    ..FaceOptions::default()
                };
                Ok(Self::Code(Code::open(runtime, options, stop.child_token()).await?))
            }
        }
    }

    /// The tools.
    pub(in crate::cli) fn toolbox(&self) -> &dyn Toolbox {
        match self {
            Self::Direct(direct) => direct,
            Self::Code(code) => &code.tools,
        }
    }

    /// Does work while the person at the terminal is asked what runs ask.
    pub(in crate::cli) async fn beside_a_person<T>(
        &self,
        system: &System,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            done = work => done,
            never = asking::at_terminal(&system.approvals, Terminal::beside()) => match never {},
        }
    }

    /// Puts everything away.
    pub(in crate::cli) async fn close(self, report: Report) -> Done {
        let in_calls = report.in_calls();
        let in_tools = match self {
            Self::Direct(_) => in_calls,
            // The run's clock and ours differ by little.
            Self::Code(code) => code.close().await.min(in_calls),
        };
        Done { in_code: in_calls.saturating_sub(in_tools), in_tools, report }
    }
}
