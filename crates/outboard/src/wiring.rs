//! Puts the parts together: configuration becomes upstreams, a catalogue, an engine and a runtime.
//! It decides nothing about calls; it only connects what others built.

mod cache;
mod environment;
mod specs;

use std::{path::Path, sync::Arc};

use outboard_engines::{PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Parts, Runtime,
    approval::NobodyThere,
    catalogue::{Catalogue, UpstreamState},
    clock::SystemClock,
    ids::UpstreamName,
    journal::MemoryStore,
    policy::{AllowAll, Policy as _},
};
use outboard_upstream::Fleet;
use tokio::task::JoinHandle;

use crate::{
    config::{Configuration, Places},
    report::{self, Failure},
};
use cache::Cache;

/// Everything that runs for one process.
pub(crate) struct System {
    /// Runs scripts and answers searches.
    pub(crate) runtime: Arc<Runtime>,
    fleet: Arc<Fleet>,
    cache: JoinHandle<()>,
}

/// Variable that marks the children of an Outboard, so that none of them becomes an Outboard again.
pub(crate) const INSIDE: &str = "OUTBOARD_INSIDE";

impl System {
    /// Starts the upstreams and readies the runtime, without waiting for any upstream.
    pub(crate) fn start(
        configuration: &Configuration,
        places: &Places,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let settings = &configuration.settings;
        // A thread for each run, so that busy ones share the processors and hold up nobody.
        let threads = settings.runs_at_once.max(PoolOptions::default().threads);
        let pool = PoolOptions { memory: settings.limits.memory, threads, ..PoolOptions::default() };
        let engine = QuickJs::new(&pool).map_err(|error| Failure::could_not(&error))?;
        let names = configuration.upstreams.iter().map(|upstream| UpstreamName::new(upstream.name.as_str()));
        let catalogue = Catalogue::new(names);
        let cache = Cache::at(&places.state);
        let mut specs = Vec::new();
        for upstream in &configuration.upstreams {
            let name = UpstreamName::new(upstream.name.as_str());
            if let Some(listing) =
                upstream.entry.as_ref().ok().and_then(|entry| cache.read(&upstream.name, entry))
            {
                catalogue.publish(&name, listing);
            }
            match specs::spec(upstream, settings, variable) {
                Ok(spec) => specs.push(spec),
                Err(reason) => {
                    report::warn(&reason);
                    catalogue.set_state(&name, UpstreamState::Failed { reason });
                }
            }
        }
        tracing::info!("{}", AllowAll.describe());
        let fleet = Arc::new(Fleet::start(specs, &catalogue));
        let cache = tokio::spawn(cache.follow(&configuration.upstreams, catalogue.watch()));
        let runtime = Runtime::new(Parts {
            catalogue,
            upstreams: Arc::clone(&fleet) as _,
            engines: Engines::new(Arc::new(engine)),
            policy: Arc::new(AllowAll),
            approver: Arc::new(NobodyThere),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock),
            limits: configuration.settings.limits.clone(),
            runs_at_once: settings.runs_at_once,
            runs_waiting: settings.runs_waiting,
        });
        Ok(Self { runtime: Arc::new(runtime), fleet, cache })
    }

    /// Ends every upstream and waits until none is left.
    pub(crate) async fn shutdown(self) {
        self.fleet.shutdown().await;
        // The follower ends by itself only when the catalogue goes. A listing that it did not come to write is
        // written after the next start.
        self.cache.abort();
        let _ = self.cache.await;
    }
}

/// Tells a person, on standard error, what in the configuration has no effect.
pub(crate) fn tell(configuration: &Configuration, directory: &Path) {
    for note in &configuration.notes {
        report::warn(note);
    }
    for file in &configuration.untrusted {
        let state = if file.changed { "has changed since it was accepted" } else { "has not been accepted" };
        report::warn(format_args!(
            "{} {state} and has no effect; to see and accept it: cd {} && outboard trust",
            file.path.display(),
            directory.display()
        ));
    }
}
