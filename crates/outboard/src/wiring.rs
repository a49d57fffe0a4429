//! Puts the parts together: configuration becomes upstreams, a catalogue, an engine and a runtime.
//! It decides nothing about calls; it only connects what others built.

mod cache;
mod environment;
mod follow;
mod journal;
mod meter;
mod recovery;
mod roster;
mod specs;
mod upstreams;

use std::{path::Path, sync::Arc};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Language, Parts, Runtime,
    approval::{Approvals, Reach, SigningKey},
    catalogue::{Catalogue, Member},
    clock::SystemClock,
    policy::Policy as _,
    ports::{
        engine::{Engine, EngineRefused},
        types::TypeChecks,
    },
};
use outboard_typecheck::{Bounds, Checkers, find};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    accepted::Acceptances,
    asking::{Board, UserRules},
    config::{Configuration, Places, TypeCheck},
    observed::{Learner, Observations},
    report::{self, Failure},
    tainted,
};
use cache::Cache;
use follow::Follower;
pub(crate) use follow::{Followed, Source};
pub(crate) use journal::{Journal, Purpose, folder as journal_folder, redactor};
pub(crate) use meter::Meter;
use roster::Roster;
pub(crate) use specs::{reach_of, sessions};
use upstreams::Everyone;

/// Everything that runs for one process.
pub(crate) struct System {
    /// Runs scripts and answers searches.
    pub(crate) runtime: Arc<Runtime>,
    /// What its runs ask people.
    pub(crate) approvals: Arc<Approvals>,
    /// Where its runs are recorded.
    pub(crate) journal: Journal,
    upstreams: Arc<Everyone>,
    cache: JoinHandle<()>,
    /// Learns what results look like.
    learning: JoinHandle<()>,
    /// Shows the questions to other processes.
    board: JoinHandle<()>,
    ended: CancellationToken,
    types: Arc<Checkers>,
    /// Loads Python, if that is wanted at the start.
    readying: Option<JoinHandle<()>>,
    upkeep: Upkeep,
}

/// Which upstreams are started at once.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Those whose tools are not known well enough, and those whose entries say so. What cannot be used is told.
    AsConfigured,
    /// These and no others: all that a command needs.
    Those(&'a dyn Fn(&Member) -> bool),
}

/// Who keeps the upstreams in line with the configuration.
enum Upkeep {
    /// Nobody: it stays as it was at the start. What of it cannot be used has been told.
    Nobody { roster: Box<Roster>, problems: Vec<String> },
    /// Tasks, until they are stopped: they also look after journals.
    Tasks { tasks: JoinSet<()>, stop: CancellationToken },
}

/// The folder in the state directory in which checkers of types find what they look at.
pub(crate) const TYPE_CHECKS: &str = "typecheck";

/// Variable that marks the children of an Outboard, so that none of them becomes an Outboard again.
pub(crate) const INSIDE: &str = "OUTBOARD_INSIDE";

impl System {
    /// Readies the runtime and starts the upstreams that are wanted, without waiting for any. The others start when they
    /// are used.
    pub(crate) fn start(
        configuration: &Configuration,
        places: &Places,
        purpose: Purpose<'_>,
        variable: &dyn Fn(&str) -> Option<String>,
        wanted: Wanted<'_>,
    ) -> Result<Self, Failure> {
        let settings = &configuration.settings;
        let journal = Journal::open(configuration, places, purpose, variable)?;
        let engines = engines(configuration, places)?;
        let catalogue = Catalogue::new([]);
        let upstreams = Arc::new(Everyone::default());
        let cache = Cache::at(&places.state);
        let lazy = matches!(wanted, Wanted::Those(_));
        let (learner, lessons) = Learner::new(Observations::at(&places.state));
        let learner = Arc::new(learner);
        if settings.learn_results {
            catalogue.set_observer(Arc::clone(&learner) as _);
        }
        let mut roster = Roster::new(
            catalogue.clone(),
            Arc::clone(&upstreams),
            cache.clone(),
            Acceptances::at(&places.state),
            Arc::clone(&learner),
            roster::Options {
                lazy,
                longest_message: settings.tool_result,
                documents: places.state.join("openapi"),
                sessions: sessions(&places.state),
            },
        );
        let problems = roster.apply(configuration, variable).problems;
        match wanted {
            Wanted::AsConfigured => problems.iter().for_each(report::warn),
            Wanted::Those(are_wanted) => {
                let snapshot = catalogue.snapshot();
                let those = snapshot.members().iter().filter(|member| are_wanted(member));
                those.for_each(|member| upstreams.wake(&member.upstream));
            }
        }
        tracing::info!("{}", settings.policy.describe());
        let ended = CancellationToken::new();
        let cache = tokio::spawn(cache.follow(catalogue.watch(), ended.clone()));
        let learning = tokio::spawn(learner.learn(lessons, ended.clone()));
        let reach = if lazy { at_terminal() } else { Reach::Somebody };
        let approvals = Approvals::new(SigningKey::random(), Arc::new(SystemClock), reach);
        let approvals = Arc::new(approvals.with_rules(Arc::new(UserRules(places.clone()))));
        let board = Board::new(Arc::clone(&approvals), places.state.clone(), journal.kept.clone());
        let board = tokio::spawn(board.keep(ended.clone()));
        let runtime = Runtime::new(Parts {
            catalogue,
            upstreams: Arc::clone(&upstreams) as _,
            engines,
            policy: Arc::clone(&settings.policy) as _,
            approver: Arc::clone(&approvals) as _,
            store: Arc::clone(&journal.store),
            clock: Arc::new(SystemClock),
            limits: configuration.settings.limits.clone(),
            runs_at_once: settings.runs_at_once,
            runs_waiting: settings.runs_waiting,
        });
        let (types, checks) = types(settings.type_check, lazy, places, variable);
        let runtime = match checks {
            Some(checks) => runtime.with_types(checks),
            None => runtime,
        };
        runtime.set_witness(Arc::new(tainted::Keeper(places.state.clone())));
        let readying =
            (settings.python_ready && !lazy).then(|| tokio::spawn(ready(runtime.engines().clone())));
        let upkeep = Upkeep::Nobody { roster: Box::new(roster), problems };
        let runtime = Arc::new(runtime);
        Ok(Self {
            runtime,
            approvals,
            journal,
            upstreams,
            cache,
            learning,
            board,
            ended,
            types,
            readying,
            upkeep,
        })
    }

    /// Measures from now on how long upstreams are busy.
    pub(crate) fn measure(&self) -> Meter {
        self.upstreams.measure()
    }

    /// From now on the upstreams, and the limits of further runs, are what the files say by then.
    pub(crate) fn follow(
        mut self,
        source: Source,
        variable: fn(&str) -> Option<String>,
        followed: Followed,
    ) -> Self {
        if let Upkeep::Nobody { roster, problems } = self.upkeep {
            let told =
                warnings(&source.configuration, &source.directory).into_iter().chain(problems).collect();
            let stop = CancellationToken::new();
            let mut tasks = JoinSet::new();
            let journal = self.journal.clone();
            tasks.spawn(journal.keep_within_bounds(source.configuration.settings.journal.keep, stop.clone()));
            if matches!(followed, Followed::Own) && source.configuration.settings.journal.resume {
                tasks.spawn(recovery::recover(
                    Arc::clone(&self.runtime),
                    self.journal.clone(),
                    (source.directory.to_string_lossy().into_owned(), source.places.state.clone()),
                    stop.clone(),
                ));
            }
            let parts = follow::Parts {
                runtime: Arc::clone(&self.runtime),
                journal: self.journal.clone(),
                variable,
                followed,
            };
            tasks.spawn(Follower::new(source, *roster, parts, told).run(stop.clone()));
            self.upkeep = Upkeep::Tasks { tasks, stop };
        }
        self
    }

    /// Ends every upstream and waits until none is left.
    pub(crate) async fn shutdown(self) {
        if let Upkeep::Tasks { mut tasks, stop } = self.upkeep {
            stop.cancel();
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "the configuration or the journal was not looked after to the end");
                }
            }
        }
        if let Some(readying) = self.readying
            && let Err(error) = readying.await
        {
            tracing::error!(%error, "loading Python broke");
        }
        self.types.shutdown().await;
        self.upstreams.shutdown().await;
        // The follower of listings keeps what was listed last and ends.
        self.ended.cancel();
        if let Err(error) = self.cache.await {
            tracing::warn!(%error, "the lists of tools may not be kept for the next start");
        }
        if let Err(error) = self.learning.await {
            tracing::warn!(%error, "what was learned from the last results may not be kept");
        }
        if let Err(error) = self.board.await {
            tracing::warn!(%error, "questions may be shown to others for a while");
        }
        self.journal.close().await;
    }
}

/// Who can be asked by a command: the person at its terminal.
fn at_terminal() -> Reach {
    match report::Terminal::beside() {
        Some(_) => Reach::Somebody,
        None => Reach::Nobody("this command has no terminal; run it at one".to_owned()),
    }
}

/// The checkers of types that are asked here, and how. A command that runs one script does not wait for a checker to
/// start unless it must.
fn types(
    setting: TypeCheck,
    lazy: bool,
    places: &Places,
    variable: &dyn Fn(&str) -> Option<String>,
) -> (Arc<Checkers>, Option<TypeChecks>) {
    let required = setting == TypeCheck::Required;
    let asked = required || setting == TypeCheck::Beside && !lazy;
    let programs = if asked { find(variable("PATH").unwrap_or_default().as_ref()) } else { Vec::new() };
    let worth_asking = required || !programs.is_empty();
    let checkers = Arc::new(Checkers::new(programs, &places.state.join(TYPE_CHECKS), Bounds::default()));
    if required {
        checkers.begin();
    }
    let checks = worth_asking.then(|| TypeChecks { checker: Arc::clone(&checkers) as _, required });
    (checkers, checks)
}

/// What runs scripts, by itself.
pub(crate) fn engines(configuration: &Configuration, places: &Places) -> Result<Engines, Failure> {
    let pool = PoolOptions { memory: configuration.settings.limits.memory, ..PoolOptions::default() };
    let engine = QuickJs::new(&pool).map_err(|error| Failure::could_not(&error))?;
    Ok(Engines::new(Arc::new(engine)).with_python(python(pool, places)))
}

/// Loads Python when it is first needed; unpacked, it is kept beside what else Outboard remembers.
fn python(
    pool: PoolOptions,
    places: &Places,
) -> impl Fn() -> Result<Arc<dyn Engine>, EngineRefused> + Send + Sync + 'static {
    let store = places.state.join("engines");
    move || match CPython::load(&pool, &store) {
        Ok(engine) => Ok(Arc::new(engine)),
        Err(error) => Err(EngineRefused { reason: report::chain(&error) }),
    }
}

/// Loads Python. If that fails, the first script that needs it tries again and says so too.
async fn ready(engines: Engines) {
    match engines.of(Language::Python).await {
        Ok(_) => tracing::info!("Python is ready"),
        Err(refused) => report::warn(format_args!("could not {refused}")),
    }
}

/// Tells a person, on standard error, what in the configuration has no effect.
pub(crate) fn tell(configuration: &Configuration, directory: &Path) {
    warnings(configuration, directory).iter().for_each(report::warn);
}

/// What in the configuration has no effect.
fn warnings(configuration: &Configuration, directory: &Path) -> Vec<String> {
    let untrusted = configuration.untrusted.iter().map(|file| {
        let state = if file.changed { "has changed since it was accepted" } else { "has not been accepted" };
        format!(
            "{} {state} and has no effect; to see and accept it: cd {} && outboard trust",
            file.path.display(),
            directory.display()
        )
    });
    configuration.notes.iter().cloned().chain(untrusted).collect()
}
