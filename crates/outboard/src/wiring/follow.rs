//! Follows the configuration while it is in use: looks at its files again and again and applies what they say by then.
//!
//! It asks for the files' stamps and does not subscribe to their changes: files and directories may not exist yet, lie
//! behind links or on another machine, and be replaced by renaming, and looking at a handful of names once a second
//! takes microseconds. A file that cannot be used changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use outboard_runtime::{Runtime, session::Session};
use tokio_util::sync::CancellationToken;

use super::{Journal, Roster, redactor, roster::Changes, warnings};
use crate::{
    accepted::Acceptances,
    config::{self, Configuration, JournalSettings, Places, Settings},
    report, tainted,
    trust::Trust,
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks while the files change: they are read when they have stood still for so long.
const CALM: Duration = Duration::from_millis(200);
/// Looks after which files that never stand still are read all the same.
const RESTLESS: u32 = 20;
/// A file that was written less than this before it was read may be written again without another stamp, so it is
/// read once more.
const GRAIN: Duration = Duration::from_secs(2);

/// Where a configuration came from.
pub(crate) struct Source {
    /// The user's directories.
    pub(crate) places: Places,
    /// The directory that it holds for.
    pub(crate) directory: PathBuf,
    /// This program, which does not start itself.
    pub(crate) program: Option<PathBuf>,
    /// What was accepted when it was loaded.
    pub(crate) trust: Trust,
    /// The configuration as it was loaded.
    pub(crate) configuration: Configuration,
}

pub(super) struct Follower {
    pub(super) source: Source,
    pub(super) roster: Roster,
    parts: Parts,
    /// What the process was started with.
    started_with: Settings,
    /// How often a person had cleared what sessions have seen.
    cleared: u64,
    told: BTreeSet<String>,
    look: Look,
}

/// What changes are told to, besides the roster.
pub(super) struct Parts {
    pub(super) runtime: Arc<Runtime>,
    pub(super) journal: Journal,
    pub(super) variable: fn(&str) -> Option<String>,
    pub(super) followed: Followed,
}

/// Whose runs are made, as far as that is to be followed.
pub(crate) enum Followed {
    /// A client's, which sees to itself. Runs that others left behind are taken up: what is asked for the results of such runs.
    Own,
    /// Of programs of which each may make one call: their session is taken to have seen what this user's other commands see.
    Kept(Arc<Session>),
}

/// What is known of the files.
#[derive(Debug)]
struct Look {
    /// The stamps at the last reading and at the last look.
    read: Stamps,
    last: Stamps,
    restless: u32,
    /// The last reading may have missed a change.
    again: bool,
}

type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// By what a file's change is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, number and change of the file itself, which differ when another took its name.
    identity: (u64, u64, i64, i64),
}

impl Follower {
    /// Begins to follow what was loaded just now; `told` has been said to the user already.
    pub(super) fn new(source: Source, roster: Roster, parts: Parts, told: BTreeSet<String>) -> Self {
        let started_with = source.configuration.settings.clone();
        // The files may have changed since they were loaded, so they are read once more.
        let look = Look { read: Stamps::new(), last: stamps(&source), restless: 0, again: true };
        // What cannot be read now is told of at the first look.
        let cleared = tainted::read(&source.places.state).unwrap_or_default().cleared;
        Self { source, roster, parts, started_with, cleared, told, look }
    }

    /// Follows until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pause = LOOK;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                let pause = self.look();
                (self, pause)
            });
            (self, pause) = match looked.await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::error!(%error, "the configuration is not followed any more");
                    return;
                }
            };
        }
    }

    /// Looks at the files, and reads them when they have changed and stand still. Gives the time to the next look.
    fn look(&mut self) -> Duration {
        let now = stamps(&self.source);
        match self.look.see(now) {
            Seen::Nothing => LOOK,
            Seen::Changing => CALM,
            Seen::Changed => {
                self.reload();
                LOOK
            }
        }
    }

    /// Clears what sessions have seen, if a person has said so since the last look, and adds what others have seen.
    fn follow_taint(&mut self) -> Option<String> {
        match tainted::read(&self.source.places.state) {
            Ok(seen) => {
                if seen.cleared > self.cleared {
                    self.parts.runtime.clear_taint();
                }
                self.cleared = seen.cleared;
                if let Followed::Kept(session) = &self.parts.followed {
                    self.parts.runtime.notice_clearing(session);
                    session.saw(seen.taint);
                }
                None
            }
            Err(problem) => Some(format!("could not {}", report::chain(&problem))),
        }
    }

    fn reload(&mut self) {
        let mut problems: Vec<String> = self.follow_taint().into_iter().collect();
        match Trust::load(&self.source.places.state) {
            Ok(trust) => self.source.trust = trust,
            Err(problem) => problems.push(format!(
                "could not {}; what was accepted before stays accepted",
                report::chain(&problem)
            )),
        }
        let Source { places, directory, program, trust, configuration: before } = &self.source;
        match config::reload(places, directory, trust, program.as_deref(), before) {
            Ok(configuration) => {
                problems.extend(warnings(&configuration, directory));
                let changes = self.roster.apply(&configuration, &self.parts.variable);
                if let Some(store) = &self.parts.journal.kept {
                    store.redact(redactor(&configuration, &self.parts.variable));
                }
                tell(&changes);
                problems.extend(changes.problems);
                problems.extend(self.settle(&configuration.settings));
                self.source.configuration = configuration;
            }
            Err(problem) => problems
                .push(format!("could not {}; the configuration stays as it was", report::chain(&problem))),
        }
        let problems: BTreeSet<String> = problems.into_iter().collect();
        for problem in problems.difference(&self.told) {
            report::warn(problem);
        }
        self.told = problems;
    }

    /// Gives further runs their limits. Says what has to wait for the next start.
    fn settle(&self, settings: &Settings) -> Vec<String> {
        let started = &self.started_with;
        let mut limits = settings.limits.clone();
        let mut later = Vec::new();
        if limits.memory > started.limits.memory {
            limits.memory = started.limits.memory;
            later.push("limits.memoryMegabytes");
        }
        let fixed = [
            ("runsAtOnce", settings.runs_at_once != started.runs_at_once),
            ("runsWaiting", settings.runs_waiting != started.runs_waiting),
            ("python.ready", settings.python_ready != started.python_ready),
            ("learnResults", settings.learn_results != started.learn_results),
            ("declarations", settings.declarations != started.declarations),
            ("resultTokens", settings.result_tokens != started.result_tokens),
            ("respondWithinSeconds", settings.respond_within != started.respond_within),
            ("limits.toolResultBytes", settings.tool_result != started.tool_result),
            ("journal` except its `redact", without_patterns(settings) != without_patterns(started)),
            ("limits.keptResults` and `limits.keptBytes", settings.keeping != started.keeping),
        ];
        later.extend(fixed.iter().filter(|(_, changed)| *changed).map(|(key, _)| *key));
        self.parts.runtime.set_limits(limits);
        self.parts.runtime.set_policy(Arc::clone(&settings.policy) as _);
        later
            .iter()
            .map(|key| format!("the new `{key}` takes effect when Outboard is started again"))
            .collect()
    }
}

/// What holds from start to end.
fn without_patterns(settings: &Settings) -> JournalSettings {
    JournalSettings { redact: Vec::new(), ..settings.journal.clone() }
}

fn tell(changes: &Changes) {
    let Changes { added, replaced, adjusted, removed, problems: _ } = changes;
    if [added, replaced, adjusted, removed].iter().any(|names| !names.is_empty()) {
        tracing::info!(?added, ?replaced, ?adjusted, ?removed, "the configuration changed");
    }
}

enum Seen {
    Nothing,
    Changing,
    Changed,
}

impl Look {
    fn see(&mut self, now: Stamps) -> Seen {
        let still = now == self.last;
        self.last = now;
        if still && self.last == self.read && !self.again {
            return Seen::Nothing;
        }
        if !still && self.restless < RESTLESS {
            self.restless += 1;
            return Seen::Changing;
        }
        self.restless = 0;
        self.read = self.last.clone();
        let modified = self.read.values().flatten().filter_map(|stamp| stamp.modified);
        self.again = modified.max().is_some_and(|at| at.elapsed().is_ok_and(|age| age < GRAIN));
        Seen::Changed
    }
}

/// The stamps of every file that has or may come to have a say.
fn stamps(source: &Source) -> Stamps {
    let places = &source.places;
    let project = places.project_files(&source.directory).into_iter().map(|file| file.path);
    let state =
        [Trust::file(&places.state), Acceptances::folder(&places.state), tainted::file(&places.state)];
    let all = project.chain([places.user_file()]).chain(state);
    all.map(|path| (path.clone(), stamp(&path))).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let facts = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt as _;
        (facts.dev(), facts.ino(), facts.ctime(), facts.ctime_nsec())
    };
    #[cfg(not(unix))]
    let identity = Default::default();
    Some(Stamp { modified: facts.modified().ok(), length: facts.len(), identity })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(age: Duration, length: u64) -> Stamps {
        let modified = SystemTime::now().checked_sub(age);
        let stamp = Stamp { modified, length, identity: (0, 0, 0, 0) };
        Stamps::from([(PathBuf::from("a"), Some(stamp))])
    }

    #[test]
    fn files_are_read_when_they_have_changed_and_stand_still() {
        let old = at(Duration::from_secs(100), 1);
        let mut look = Look { read: old.clone(), last: old.clone(), restless: 0, again: false };
        assert!(matches!(look.see(old), Seen::Nothing));
        let changed = at(Duration::from_secs(50), 2);
        assert!(matches!(look.see(changed.clone()), Seen::Changing));
        assert!(matches!(look.see(changed.clone()), Seen::Changed));
        assert!(matches!(look.see(changed.clone()), Seen::Nothing));
        // Also one that came or went.
        assert!(matches!(look.see(Stamps::new()), Seen::Changing));
        assert!(matches!(look.see(Stamps::new()), Seen::Changed));
        assert!(matches!(look.see(Stamps::new()), Seen::Nothing));
    }

    #[test]
    fn a_file_that_was_just_written_is_read_once_more() {
        let recent = at(Duration::ZERO, 1);
        let mut look = Look { read: Stamps::new(), last: recent.clone(), restless: 0, again: false };
        assert!(matches!(look.see(recent.clone()), Seen::Changed));
        assert!(matches!(look.see(recent), Seen::Changed));
        let old = at(Duration::from_secs(9), 1);
        look.last = old.clone();
        look.read = old.clone();
        assert!(matches!(look.see(old.clone()), Seen::Changed));
        assert!(matches!(look.see(old), Seen::Nothing));
    }

    #[test]
    fn files_that_never_stand_still_are_read_all_the_same() {
        let mut look = Look { read: Stamps::new(), last: Stamps::new(), restless: 0, again: false };
        let looks = (1..100).position(|length| matches!(look.see(at(Duration::ZERO, length)), Seen::Changed));
        assert_eq!(looks, Some(RESTLESS as usize));
    }
}
