//! The upstreams of both kinds as one set: MCP servers and HTTP APIs. A name is one of either and may change its kind.
//! What they are and how they are reached is decided elsewhere.

use std::sync::{Arc, OnceLock};

use outboard_openapi::{ApiSpec, Apis, Reach};
use outboard_runtime::{
    catalogue::Seat,
    ids::UpstreamName,
    ports::upstream::{Upstream, Upstreams},
};
use outboard_upstream::{Fleet, Transport, UpstreamSpec};

use super::meter::{Meter, Metered};

/// All upstreams of this process.
#[derive(Default)]
pub(super) struct Everyone {
    fleet: Fleet,
    apis: Apis,
    /// Measures them, once somebody wants to know.
    meter: OnceLock<Meter>,
}

/// How an upstream is reached, variables expanded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    Mcp(Transport),
    Api(Box<Reach>),
}

/// An upstream to be started.
pub(super) enum Spec {
    Mcp(UpstreamSpec),
    Api(Box<ApiSpec>),
}

impl Everyone {
    /// Takes upstreams out and others in, in one step, as [`Fleet::change`] does. `new` tells of the names that come
    /// whether each is an API.
    pub(super) fn change(
        &self,
        gone: &[UpstreamName],
        new: &[(UpstreamName, bool)],
        arrange: impl FnOnce() -> Vec<(Seat, Spec)>,
    ) {
        // What changes its kind leaves the other set.
        let leaving = |is_api: bool| -> Vec<UpstreamName> {
            let changed = new.iter().filter(|(_, api)| *api != is_api).map(|(name, _)| name);
            gone.iter().chain(changed).cloned().collect()
        };
        let (no_servers, no_apis) = (leaving(false), leaving(true));
        self.fleet.change(&no_servers, || {
            let mut servers = Vec::new();
            self.apis.change(&no_apis, || {
                let mut apis = Vec::new();
                for (seat, spec) in arrange() {
                    match spec {
                        Spec::Mcp(spec) => servers.push((seat, spec)),
                        Spec::Api(spec) => apis.push((seat, *spec)),
                    }
                }
                apis
            });
            servers
        });
    }

    /// Starts the upstream of this name if it waits for its first call.
    pub(super) fn wake(&self, name: &UpstreamName) {
        self.fleet.wake(name);
        self.apis.wake(name);
    }

    /// How long they are busy from now on.
    pub(super) fn measure(&self) -> Meter {
        self.meter.get_or_init(Meter::default).clone()
    }

    /// Ends all of them and waits until none is left.
    pub(super) async fn shutdown(&self) {
        tokio::join!(self.fleet.shutdown(), self.apis.shutdown());
    }
}

impl Upstreams for Everyone {
    fn get(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        let upstream = self.fleet.upstream(name).or_else(|| self.apis.upstream(name))?;
        Some(match self.meter.get() {
            Some(meter) => Arc::new(Metered { upstream, meter: meter.clone() }),
            None => upstream,
        })
    }
}
