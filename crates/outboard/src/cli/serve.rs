//! `outboard serve`: the MCP server over stdio or HTTP, until the client or a signal ends it.
//! However it ends, no upstream is left behind.

mod http;

use std::{io::IsTerminal as _, sync::Arc};

use clap::Args;
use outboard_face::{Face, FaceOptions};
use outboard_runtime::catalogue::Member;
use tokio_util::sync::CancellationToken;

use super::{context::Context, doctor::advice, log, signals, variable};
use crate::{
    config::{Configuration, Wall},
    report::{self, Failure, escaped},
    wiring::{Followed, Purpose, Source, System, Wanted},
    workspace,
};

/// Options of `outboard serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Offer `bash` too: a shell in a workspace of its own for each client, behind the wall that is named, else the one that
    /// the setting `workspace.runtime` names
    #[arg(long, value_name = "RUNTIME", num_args = 0..=1, require_equals = true)]
    workspace: Option<Option<Wall>>,
    /// Offer the tools of your servers as they are, instead of scripts; each call is checked and recorded all the same
    #[arg(long, conflicts_with = "workspace")]
    passthrough: bool,
    #[command(flatten)]
    http: http::Http,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        log::to_stderr("warn,outboard=info");
        // What is refused of the command line is refused before anything starts.
        let endpoint = self.http.endpoint(&variable)?;
        let Context { places, directory, program, trust, configuration } = Context::load()?;
        if configuration.upstreams.is_empty() {
            report::warn(format_args!(
                "no upstream is configured in {}, so there are no tools",
                places.user_file().display()
            ));
            report::hint(advice::NO_UPSTREAM);
        }
        if endpoint.is_none() && std::io::stdin().is_terminal() {
            report::note(
                "speaking MCP over stdio; an MCP client starts this command itself. End with Ctrl-D.",
            );
        }
        let stop = CancellationToken::new();
        let signals = signals::cancel(stop.clone())?;
        let system = System::start(
            &configuration,
            &places,
            Purpose { command: "serve", directory: &directory },
            &variable,
            Wanted::AsConfigured,
        )?;
        let (journal, durability) = (system.journal.clone(), configuration.settings.journal.durability);
        tell_unaccepted(&system, &configuration);
        let options = FaceOptions {
            declarations_budget: configuration.settings.declarations,
            result_budget: configuration.settings.result_tokens,
            respond_within: configuration.settings.respond_within,
            keeping: configuration.settings.keeping,
            workspace: false,
            passthrough: self.passthrough,
        };
        let face = Face::new(Arc::clone(&system.runtime), options).asking(Arc::clone(&system.approvals));
        let mut settings = configuration.settings.workspace.clone();
        settings.on = self.workspace.is_some() || settings.on && !self.passthrough;
        settings.wall = self.workspace.flatten().unwrap_or(settings.wall);
        let face = if settings.on {
            let programs = variable("PATH").unwrap_or_default();
            workspace::offer(face, &system, settings, &programs, &places.state)?
        } else {
            face
        };
        let system = system.follow(
            Source { places, directory, program, trust, configuration },
            variable,
            Followed::Own,
        );
        // The client does not wait for the disk to be tried.
        let serve = async {
            match endpoint {
                Some(endpoint) => endpoint.serve(face, stop).await,
                None => face.serve_stdio(stop).await.map_err(|error| Failure::could_not(&error)),
            }
        };
        let (served, ()) = tokio::join!(serve, journal.tell_cost(durability));
        system.shutdown().await;
        signals.abort();
        served
    }
}

/// Says whose calls will ask because nobody has vouched for them.
pub(super) fn tell_unaccepted(system: &System, configuration: &Configuration) {
    if configuration.settings.policy.text().otherwise.is_some() {
        return;
    }
    let snapshot = system.runtime.catalogue().snapshot();
    let unknown = |member: &&Arc<Member>| member.terms.accepted.is_none() && !member.terms.trusted;
    let names: Vec<String> =
        snapshot.members().iter().filter(unknown).map(|member| escaped(member.upstream.as_str())).collect();
    if !names.is_empty() {
        report::warn(format_args!("nobody has accepted {} yet: calls ask first", names.join(", ")));
        report::hint("outboard accept shows what they declare, and accepts it");
    }
}
