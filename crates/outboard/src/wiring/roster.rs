//! The upstreams that a configuration names, in catalogue, fleet and cache alike. A changed configuration is compared
//! entry by entry: what is the same is not touched. It reads kept listings, so it runs where files may be waited for.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use outboard_oauth::Store;
use outboard_openapi::ApiSpec;
use outboard_runtime::{
    catalogue::{Catalogue, Occupant, Placing, Seat, Terms, UpstreamState},
    ids::UpstreamName,
};
use outboard_upstream::{Start, UpstreamSpec};

use super::{
    cache::Cache,
    specs,
    upstreams::{Everyone, Spec, Way},
};
use crate::{
    accepted::Acceptances,
    config::{Configuration, Configured, Entry, Transport},
    observed::Learner,
};

/// A kept listing older than this is read again at once.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the calls of an API may still take once it is replaced or removed.
const LAST_CALLS: Duration = Duration::from_secs(60);

/// The upstreams of this process.
pub(super) struct Roster {
    catalogue: Catalogue,
    upstreams: Arc<Everyone>,
    cache: Cache,
    acceptances: Acceptances,
    learner: Arc<Learner>,
    options: Options,
    listed: BTreeMap<String, Listed>,
}

/// What holds for all of them.
pub(super) struct Options {
    /// Whether every upstream waits until it is wanted, whatever is known of it and written about it.
    pub(super) lazy: bool,
    /// Bytes of one message of an upstream.
    pub(super) longest_message: usize,
    /// Where documents of APIs are kept that came over the network.
    pub(super) documents: PathBuf,
    /// Where what comes of sign-ins is kept.
    pub(super) sessions: Store,
}

/// One upstream as it is now.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    file: PathBuf,
    is: Is,
}

#[derive(Clone, Debug, PartialEq)]
enum Is {
    /// Its entry, and what that means with variables expanded.
    Good(Box<Reached>),
    /// Its entry cannot be used, for this reason.
    Bad(String),
}

#[derive(Clone, Debug, PartialEq)]
struct Reached {
    entry: Entry,
    way: Way,
}

/// What a configuration changed, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) added: Vec<String>,
    /// Reached in another way than before: another upstream under the same name.
    pub(super) replaced: Vec<String>,
    /// The same upstream, used in another way.
    pub(super) adjusted: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Entries that cannot be used.
    pub(super) problems: Vec<String>,
}

/// An upstream that is to take a seat.
struct New {
    name: String,
    entry: Option<Entry>,
    spec: Option<Spec>,
}

impl Roster {
    pub(super) fn new(
        catalogue: Catalogue,
        upstreams: Arc<Everyone>,
        cache: Cache,
        acceptances: Acceptances,
        learner: Arc<Learner>,
        options: Options,
    ) -> Self {
        Self { catalogue, upstreams, cache, acceptances, learner, options, listed: BTreeMap::new() }
    }

    /// Makes the upstreams those of this configuration. An entry that could be used before and cannot be now leaves
    /// its upstream as it was.
    pub(super) fn apply(
        &mut self,
        configuration: &Configuration,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Changes {
        let mut changes = Changes::default();
        let mut wanted = BTreeMap::new();
        let (mut placings, mut new) = (Vec::new(), Vec::new());
        for configured in &configuration.upstreams {
            let name = configured.name.clone();
            let before = self.listed.get(&name);
            let listed = match wanted_of(configured, variable, &self.options.sessions) {
                Err(reason) => {
                    let earlier =
                        before.filter(|it| it.file == configured.file && matches!(it.is, Is::Good(_)));
                    changes.problems.push(match earlier {
                        Some(_) => format!("{reason}; the server goes on as it was"),
                        None => reason.clone(),
                    });
                    let is = Is::Bad(reason);
                    earlier.cloned().unwrap_or_else(|| Listed { file: configured.file.clone(), is })
                }
                Ok(is) => Listed { file: configured.file.clone(), is },
            };
            placings.push(self.placing(&name, before, &listed, &mut new, &mut changes));
            wanted.insert(name, listed);
        }
        changes.removed = self.listed.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        self.listed = wanted;
        self.change(placings, new, &changes);
        changes
    }

    /// The seat that an upstream is to have, and what there is to be started for it.
    fn placing(
        &self,
        name: &str,
        before: Option<&Listed>,
        now: &Listed,
        new: &mut Vec<New>,
        changes: &mut Changes,
    ) -> Placing {
        let upstream = UpstreamName::new(name);
        let terms = match &now.is {
            Is::Good(reached) => {
                let accepted = self.acceptances.pins(name, &reached.entry).map(Arc::new);
                self.learner.set_private(name, reached.entry.usage.terms.labels.private == Some(true));
                Terms { accepted, ..reached.entry.usage.terms.clone() }
            }
            Is::Bad(_) => Terms::default(),
        };
        let occupant = match (before.map(|before| &before.is), &now.is) {
            (Some(before), now) if before.reaches(now) => {
                if before != now {
                    changes.adjusted.push(name.to_owned());
                }
                Occupant::Same
            }
            (before, now) => {
                match before {
                    Some(_) => changes.replaced.push(name.to_owned()),
                    None => changes.added.push(name.to_owned()),
                }
                let (occupant, start) = self.newcomer(name, now);
                new.push(New::of(name, now, start, &self.options));
                occupant
            }
        };
        Placing { upstream, terms, occupant }
    }

    /// How an upstream begins, and when it is started.
    fn newcomer(&self, name: &str, is: &Is) -> (Occupant, Start) {
        let (entry, state) = match is {
            Is::Good(reached) => (&reached.entry, UpstreamState::Starting),
            Is::Bad(reason) => {
                let state = UpstreamState::Failed { reason: reason.clone() };
                return (Occupant::New { kept: None, state }, Start::AtOnce);
            }
        };
        let is_api = matches!(entry.transport, Transport::OpenApi(_));
        // An API's document is read anew in less time than what was listed of it.
        let kept = if is_api { None } else { self.cache.read(name, entry) };
        let fresh = kept.as_ref().is_some_and(|kept| kept.age.is_some_and(|age| age < STALE));
        let (start, state) = match self.options.lazy || (fresh && !entry.usage.eager) {
            true => (Start::WhenUsed, UpstreamState::Asleep),
            false => (Start::AtOnce, state),
        };
        (Occupant::New { kept: kept.map(|kept| kept.listing), state }, start)
    }

    fn change(&self, placings: Vec<Placing>, new: Vec<New>, changes: &Changes) {
        let name = |name: &String| UpstreamName::new(name.as_str());
        // What is replaced by something that cannot be started has to go as well.
        let stopped = new.iter().filter(|new| new.spec.is_none()).map(|new| &new.name);
        let gone: Vec<UpstreamName> = changes.removed.iter().chain(stopped).map(name).collect();
        let coming: Vec<(UpstreamName, bool)> = new
            .iter()
            .filter_map(|new| Some((name(&new.name), matches!(new.spec.as_ref()?, Spec::Api(_)))))
            .collect();
        self.upstreams.change(&gone, &coming, || {
            let seats = self.catalogue.arrange(placings);
            self.learner.keep_only(&seats.iter().map(Seat::number).collect::<Vec<_>>());
            let snapshot = self.catalogue.snapshot();
            let seated = |New { name, entry, spec }: New| {
                let seat: &Seat = seats.iter().find(|seat| seat.upstream().as_str() == name)?;
                let member = snapshot.members().iter().find(|member| member.seat == seat.number())?;
                let whole = member.whole.clone();
                if let Some(entry) = &entry {
                    self.learner.keep(seat.number(), &name, entry);
                }
                if matches!(spec, Some(Spec::Mcp(_))) {
                    self.cache.keep(seat.number(), &name, entry.as_ref()?, whole);
                }
                Some((seat.clone(), spec?))
            };
            new.into_iter().filter_map(seated).collect()
        });
        for adjusted in &changes.adjusted {
            if matches!(&self.listed[adjusted].is, Is::Good(reached) if reached.entry.usage.eager) {
                self.upstreams.wake(&name(adjusted));
            }
        }
    }
}

impl New {
    fn of(name: &str, is: &Is, start: Start, options: &Options) -> Self {
        let (entry, spec) = match is {
            Is::Good(reached) => {
                let Reached { entry, way } = &**reached;
                (Some(entry.clone()), Some(Spec::of(UpstreamName::new(name), way.clone(), start, options)))
            }
            Is::Bad(_) => (None, None),
        };
        Self { name: name.to_owned(), entry, spec }
    }
}

impl Spec {
    fn of(name: UpstreamName, way: Way, start: Start, options: &Options) -> Self {
        let max_message_bytes = options.longest_message;
        match way {
            Way::Mcp(transport) => {
                let spec = UpstreamSpec::new(name, transport);
                Self::Mcp(UpstreamSpec { start, max_message_bytes, ..spec })
            }
            Way::Api(reach) => Self::Api(Box::new(ApiSpec {
                name,
                reach: *reach,
                start: match start {
                    Start::AtOnce => outboard_openapi::Start::AtOnce,
                    Start::WhenUsed => outboard_openapi::Start::WhenUsed,
                },
                last_calls: LAST_CALLS,
                max_response_bytes: max_message_bytes,
                store: options.documents.clone(),
            })),
        }
    }
}

impl Is {
    /// Whether both reach the same upstream in the same way.
    fn reaches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Good(one), Self::Good(other)) => {
                one.entry.transport == other.entry.transport && one.way == other.way
            }
            (Self::Bad(reason), Self::Bad(other)) => reason == other,
            _ => false,
        }
    }
}

fn wanted_of(
    configured: &Configured,
    variable: &dyn Fn(&str) -> Option<String>,
    sessions: &Store,
) -> Result<Is, String> {
    let way = specs::way(configured, variable, sessions)?;
    let entry = configured.entry.clone().map_err(|wrong| wrong.to_string())?;
    Ok(Is::Good(Box::new(Reached { entry, way })))
}
