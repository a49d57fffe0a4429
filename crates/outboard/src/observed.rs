//! What results of tools have looked like that declare none, kept for this user: one file for each upstream, by what its
//! entry reaches. What is learned of a result, and what of it may be shown, is outboard-declare's to say; here it is read,
//! written and forgotten.

mod learner;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use outboard_declare::observed::Observed;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Entry, hash},
    private_file,
    state_file::{StateFile, StateProblem},
};

pub(crate) use learner::Learner;

/// Version of the format. A newer one is read as nothing and never overwritten.
const FORMAT: u32 = 1;

/// The file that says when something was forgotten.
const FORGOTTEN: &str = "forgotten";

/// Most tools of one upstream of which something is kept.
const MOST_TOOLS: usize = 500;

/// What was learned by this user's Outboards.
#[derive(Clone, Debug)]
pub(crate) struct Observations {
    state: PathBuf,
}

/// One file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// For people who look into the file.
    upstream: String,
    /// By the names that the upstream gives its tools.
    #[serde(default)]
    tools: BTreeMap<String, Observed>,
}

/// When a person last wanted something forgotten, in milliseconds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Forgotten {
    at: u64,
}

/// Some results of one upstream's tools, in the order of the calls.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) upstream: String,
    pub(crate) results: Vec<Seen>,
}

/// One result.
#[derive(Debug)]
pub(crate) struct Seen {
    /// By the upstream's own name.
    pub(crate) tool: String,
    pub(crate) result: outboard_runtime::json::Json,
    /// When it came, in milliseconds.
    pub(crate) at: u64,
}

impl Observations {
    /// Those of this state directory.
    pub(crate) fn at(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// Where what is known of this upstream is kept.
    pub(crate) fn file(&self, name: &str, entry: &Entry) -> PathBuf {
        let key = serde_json::to_vec(&(name, entry)).unwrap_or_default();
        self.folder().join(format!("{}.json", hash(&key)))
    }

    /// Holds off other processes as long as the file is open. Where that cannot be done, what one of two learns at the same
    /// time is lost and learned again.
    fn lock(&self) -> Option<File> {
        let folder = self.folder();
        private_file::make_directory(&folder).ok()?;
        let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).ok()?;
        file.lock().ok().map(|()| file)
    }

    fn folder(&self) -> PathBuf {
        self.state.join("observed")
    }

    /// What is known of this upstream's tools.
    pub(crate) fn read(&self, file: &Path) -> Result<BTreeMap<String, Observed>, StateProblem> {
        Ok(open(file)?.content.tools)
    }

    /// Learns from results.
    pub(crate) fn learn(&self, file: &Path, from: Results) -> Result<(), StateProblem> {
        let _lock = self.lock();
        let mut stored = open(file)?;
        stored.content.upstream = from.upstream;
        let mut changed = false;
        let forgotten = self.forgotten_at();
        for Seen { tool, result, .. } in from.results.into_iter().filter(|seen| seen.at > forgotten) {
            let tools = &mut stored.content.tools;
            if tools.len() >= MOST_TOOLS && !tools.contains_key(&tool) {
                continue;
            }
            let observed = tools.entry(tool).or_default();
            match observed.learn(result.as_str()) {
                // Also what changes nothing that is shown: a name is shown once it has stood in several.
                Ok(()) => changed = true,
                Err(problem) => tracing::debug!(%problem, "nothing was learned from a result"),
            }
        }
        if changed { stored.save() } else { Ok(()) }
    }

    /// A person wants forgotten what is known of one tool of this upstream, or of all: however its entry read when it was
    /// learned, and whoever is about to learn more from results that came before. Tells of how many tools something was known.
    pub(crate) fn forget(&self, name: &str, tool: Option<&str>) -> Result<usize, StateProblem> {
        let _lock = self.lock();
        self.note_forgetting()?;
        self.remove(name, tool)
    }

    /// The upstream is private from now on: what was learned of it before goes.
    pub(crate) fn withdraw(&self, name: &str) -> Result<(), StateProblem> {
        if self.files()?.is_empty() {
            return Ok(());
        }
        let _lock = self.lock();
        self.remove(name, None).map(drop)
    }

    /// Takes out what is known of this upstream, under whatever entry.
    fn remove(&self, name: &str, tool: Option<&str>) -> Result<usize, StateProblem> {
        let mut forgotten = BTreeSet::new();
        for file in self.files()? {
            let mut stored = match open(&file) {
                Ok(stored) => stored,
                // Of a newer version: whoever wrote it can read it.
                Err(StateProblem::Newer { .. }) => continue,
                Err(problem) => return Err(problem),
            };
            if stored.content.upstream != name {
                continue;
            }
            let tools = &mut stored.content.tools;
            let before = tools.len();
            tools.retain(|known, _| {
                let stays = tool.is_some_and(|tool| tool != known);
                if !stays {
                    forgotten.insert(known.clone());
                }
                stays
            });
            match (tools.is_empty(), tools.len() < before) {
                (true, _) => remove(&file)?,
                (false, false) => {}
                (false, true) => stored.save()?,
            }
        }
        Ok(forgotten.len())
    }

    /// The files of all upstreams.
    fn files(&self) -> Result<Vec<PathBuf>, StateProblem> {
        let folder = self.folder();
        let failed = |source| StateProblem::Read { path: folder.clone(), source };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|ending| ending == "json") {
                files.push(file);
            }
        }
        Ok(files)
    }

    /// From now on nothing is learned from results that came before, in no process: they may wait to be learned from.
    fn note_forgetting(&self) -> Result<(), StateProblem> {
        let mut file = StateFile::<Forgotten>::load(&self.folder().join(FORGOTTEN), FORMAT)?;
        file.content.at = now();
        file.save()
    }

    /// When a person last wanted something forgotten. A moment that is still to come was noted before the clock was set back.
    fn forgotten_at(&self) -> u64 {
        let file = StateFile::<Forgotten>::load(&self.folder().join(FORGOTTEN), FORMAT);
        let at = file.map_or_else(
            |problem| {
                tracing::warn!(%problem, "when something was forgotten cannot be read");
                0
            },
            |file| file.content.at,
        );
        if at > now() { 0 } else { at }
    }

    /// Forgets everything, also of upstreams that are not configured any more. Tells of how many upstreams something was
    /// known.
    pub(crate) fn forget_all(&self) -> Result<usize, StateProblem> {
        let _lock = self.lock();
        self.note_forgetting()?;
        let files = self.files()?;
        files.iter().try_for_each(|file| remove(file))?;
        Ok(files.len())
    }
}

/// The time in milliseconds, as the files know it.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Opens a file. One that cannot be understood is nothing that was learned, and is replaced.
fn open(file: &Path) -> Result<StateFile<Stored>, StateProblem> {
    match StateFile::load(file, FORMAT) {
        Err(problem @ StateProblem::Content { .. }) => {
            tracing::warn!(%problem, "what was learned from results is lost and learned again");
            remove(file)?;
            StateFile::load(file, FORMAT)
        }
        opened => opened,
    }
}

fn remove(file: &Path) -> Result<(), StateProblem> {
    std::fs::remove_file(file).map_err(|source| StateProblem::Write { path: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use outboard_runtime::json::Json;
    use serde_json::json;

    use super::*;
    use crate::config::FileKind;

    fn seen(tool: &str, result: &serde_json::Value, at: u64) -> Seen {
        Seen { tool: tool.to_owned(), result: Json::from(result.clone()), at }
    }

    fn results(of: &str, results: &[serde_json::Value]) -> Results {
        let results = results.iter().map(|result| seen(of, result, now() + 1)).collect();
        Results { upstream: "a".to_owned(), results }
    }

    #[test]
    fn what_is_learned_is_kept_for_one_upstream_and_can_be_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let observations = Observations::at(state.path());
        let entry = |command: &str| Entry::parse(&json!({ "command": command }), FileKind::User).unwrap();
        let file = observations.file("a", &entry("x"));
        assert_ne!(file, observations.file("a", &entry("y")));
        assert_ne!(file, observations.file("b", &entry("x")));
        for _ in 0..3 {
            observations.learn(&file, results("one", &[json!({"id": 1})])).unwrap();
            observations.learn(&file, results("two", &[json!("text")])).unwrap();
        }
        let known = observations.read(&file).unwrap();
        assert_eq!(known["two"].schema(), Some(json!({"type": "string"})));
        assert_eq!(observations.forget("a", Some("one")).unwrap(), 1);
        assert_eq!(observations.forget("a", Some("one")).unwrap(), 0);
        assert_eq!(observations.read(&file).unwrap().keys().collect::<Vec<_>>(), ["two"]);
        assert_eq!(observations.forget("a", None).unwrap(), 1);
        assert!(!file.exists());
        observations.learn(&file, results("one", &[json!(1)])).unwrap();
        assert_eq!((observations.forget_all().unwrap(), observations.forget_all().unwrap()), (1, 0));
    }

    #[test]
    fn what_was_learned_under_an_earlier_entry_is_forgotten_too() {
        let state = tempfile::tempdir().unwrap();
        let observations = Observations::at(state.path());
        let files = ["old", "new", "other"].map(|name| observations.folder().join(format!("{name}.json")));
        for (file, upstream) in files.iter().zip(["a", "a", "b"]) {
            let one = Results { upstream: upstream.to_owned(), ..results("t", &[json!(1)]) };
            observations.learn(file, one).unwrap();
        }
        // A newer version's is left alone.
        let newer = observations.folder().join("newer.json");
        std::fs::write(&newer, "{\"format\":2,\"upstream\":\"a\"}").unwrap();
        assert_eq!(observations.forget("a", None).unwrap(), 1);
        let there: Vec<bool> = files.iter().chain([&newer]).map(|file| file.exists()).collect();
        assert_eq!(there, [false, false, true, true]);
        observations.withdraw("b").unwrap();
        assert!(!files[2].exists());
    }

    #[test]
    fn what_came_before_something_was_forgotten_is_not_learned_by_anyone() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (Observations::at(state.path()), Observations::at(state.path()));
        let file = one.folder().join("x.json");
        let before = Results { upstream: "a".to_owned(), results: vec![seen("t", &json!(1), now())] };
        other.forget("a", None).unwrap();
        one.learn(&file, before).unwrap();
        assert_eq!(one.read(&file).unwrap().len(), 0);
        one.learn(&file, results("t", &[json!(1)])).unwrap();
        assert_eq!(one.read(&file).unwrap().len(), 1);
        // A clock that was set back does not keep anybody from learning.
        std::fs::write(one.folder().join(FORGOTTEN), format!("{{\"format\":1,\"at\":{}}}", u64::MAX))
            .unwrap();
        one.learn(&file, results("u", &[json!(1)])).unwrap();
        assert_eq!(one.read(&file).unwrap().len(), 2);
    }

    #[test]
    fn what_is_new_is_learned_also_after_many_calls_one_by_one() {
        let state = tempfile::tempdir().unwrap();
        let observations = Observations::at(state.path());
        let file = state.path().join("observed/x.json");
        let old = vec![json!({"id": 1}); 12];
        observations.learn(&file, results("t", &old)).unwrap();
        let shown = || observations.read(&file).unwrap()["t"].schema().unwrap()["properties"].clone();
        for _ in 0..3 {
            assert_eq!(shown().get("title"), None);
            observations.learn(&file, results("t", &[json!({"id": 1, "title": "x"})])).unwrap();
        }
        assert_eq!(shown()["title"], json!({"type": "string"}));
    }

    #[test]
    fn a_damaged_file_is_learned_again_and_a_newer_one_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let observations = Observations::at(state.path());
        let file = state.path().join("observed/x.json");
        observations.learn(&file, results("t", &[json!(1)])).unwrap();
        for damaged in ["{", "[]", "{\"format\":1,\"tools\":{\"t\":{\"calls\":\"x\"}}}"] {
            std::fs::write(&file, damaged).unwrap();
            observations.learn(&file, results("t", &[json!(1)])).unwrap();
            assert_eq!(observations.read(&file).unwrap()["t"].calls(), 1, "{damaged}");
        }
        let newer = "{\"format\":2,\"tools\":[]}";
        std::fs::write(&file, newer).unwrap();
        assert!(observations.learn(&file, results("t", &[json!(1)])).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
    }

    #[test]
    fn a_file_has_room_for_so_many_tools() {
        let state = tempfile::tempdir().unwrap();
        let observations = Observations::at(state.path());
        let file = state.path().join("observed/x.json");
        let many = (0..2 * MOST_TOOLS).map(|n| seen(&format!("t{n}"), &json!(n), now() + 1)).collect();
        observations.learn(&file, Results { upstream: "a".to_owned(), results: many }).unwrap();
        assert_eq!(observations.read(&file).unwrap().len(), MOST_TOOLS);
    }
}
