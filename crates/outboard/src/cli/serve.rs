//! `outboard serve`: the MCP server over stdio, until the client or a signal ends it.
//! However it ends, no upstream is left behind.

use std::{io::IsTerminal as _, sync::Arc};

use clap::Args;
use outboard_face::{Face, FaceOptions};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::variable;
use crate::{
    config::{self, Places},
    report::{self, Failure, USAGE},
    trust::Trust,
    wiring::{self, INSIDE, Source, System},
};

/// Options of `outboard serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        log_to_stderr();
        if variable(INSIDE).is_some() {
            return Err(Failure::new("this Outboard was started by an Outboard")
                .hint("take `outboard` out of the servers that Outboard itself starts")
                .code(USAGE));
        }
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let directory = std::env::current_dir().map_err(|error| Failure::could_not(&error))?;
        let trust = Trust::load(&places.state).map_err(|error| Failure::could_not(&error))?;
        let program = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        let configuration = config::load(&places, &directory, &trust, program.as_deref())
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        wiring::tell(&configuration, &directory);
        if configuration.upstreams.is_empty() {
            report::warn(format_args!(
                "no upstream is configured, so there are no tools; name your servers under `mcpServers` in {}",
                places.user_file().display()
            ));
        }
        if std::io::stdin().is_terminal() {
            report::note(
                "speaking MCP over stdio; an MCP client starts this command itself. End with Ctrl-D.",
            );
        }
        let stop = CancellationToken::new();
        let signals = stop_on_signals(stop.clone())?;
        let system = System::start(&configuration, &places, &variable)?;
        let options = FaceOptions {
            declarations_budget: configuration.settings.declarations,
            result_budget: configuration.settings.result_tokens,
            respond_within: configuration.settings.respond_within,
            keeping: configuration.settings.keeping,
        };
        let face = Face::new(Arc::clone(&system.runtime), options);
        let system = system.follow(Source { places, directory, program, trust, configuration }, variable);
        let served = face.serve_stdio(stop).await;
        system.shutdown().await;
        signals.abort();
        served.map_err(|error| Failure::could_not(&error))
    }
}

/// Standard output is the protocol's; the log goes to standard error, warnings unless `OUTBOARD_LOG` says otherwise.
fn log_to_stderr() {
    // The SDK's own log would show arguments and results, which are nobody's to read here, unless it is asked for.
    let asked = variable("OUTBOARD_LOG").unwrap_or_else(|| "warn,outboard=info".to_owned());
    let filter = EnvFilter::new(if asked.contains("rmcp") { asked } else { format!("{asked},rmcp=warn") });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(
            std::io::stderr().is_terminal() && variable("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
        .init();
}

/// Interrupt, termination and hang-up all end the server in order.
fn stop_on_signals(stop: CancellationToken) -> Result<tokio::task::JoinHandle<()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::could_not(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        stop.cancel();
    }))
}
