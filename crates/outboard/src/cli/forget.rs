//! `outboard forget`: what was learned of results goes, of one tool, of one upstream, or of all. It starts no upstream, and
//! what a server declares it leaves alone.

use clap::Args;
use outboard_runtime::catalogue::Snapshot;
use serde_json::json;

use super::{context::Context, names};
use crate::{
    observed::Observations,
    report::{self, Failure, USAGE, counted, escaped},
};

/// Options of `outboard forget`.
#[derive(Debug, Args)]
pub(super) struct Forget {
    /// A tool (`namespace.tool`) or a namespace, by the names of scripts or the original ones
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// Everything, also of servers that are not configured any more
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Forget {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let observations = Observations::at(&context.places.state);
        let Some(name) = &self.name else {
            let servers = observations.forget_all().map_err(|problem| Failure::could_not(&problem))?;
            return self.told(servers, "server");
        };
        let snapshot =
            context.with(&|_| false, async |system, _| Ok(system.runtime.catalogue().snapshot())).await?;
        let (upstream, tool) = meant(&snapshot, name)?;
        let forgotten = observations
            .forget(&upstream, tool.as_deref())
            .map_err(|problem| Failure::could_not(&problem))?;
        self.told(forgotten, "tool")
    }

    fn told(&self, forgotten: usize, what: &str) -> Result<(), Failure> {
        if self.json {
            return report::json(&json!({"forgotten": forgotten, "of": format!("{what}s")}));
        }
        match forgotten {
            0 => report::line("nothing was known"),
            some => {
                report::line(format_args!("what results look like is forgotten of {}", counted(some, what)));
            }
        }
        Ok(())
    }
}

/// The upstream that a name means, and the tool by its upstream's own name, which need not be listed any more.
fn meant(snapshot: &Snapshot, name: &str) -> Result<(String, Option<String>), Failure> {
    if let Some(tool) = snapshot.resolve_full(name) {
        return Ok((tool.member.upstream.to_string(), Some(tool.tool.name.to_string())));
    }
    if let Some(member) = snapshot.member(name.trim()) {
        return Ok((member.upstream.to_string(), None));
    }
    let (namespace, tool) = names::split(snapshot, name.trim());
    match snapshot.member(namespace) {
        Some(member) if !tool.is_empty() => Ok((member.upstream.to_string(), Some(tool.to_owned()))),
        _ => Err(Failure::new(format_args!("there is no server `{}`", escaped(name)))
            .hint("outboard list shows the servers")
            .code(USAGE)),
    }
}
