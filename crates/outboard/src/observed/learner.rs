//! Learns from the calls of this process, beside them: a call only leaves its result in a short queue, and where that is full
//! or enough was learned of a tool, not even that. Also answers what results of a tool have looked like, by the file as it is.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use outboard_declare::observed::{LONGEST_RESULT, Observed};
use outboard_runtime::{ids::ToolName, json::Json, ports::observer::Observer};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Observations, Results};
use crate::config::Entry;

/// Calls of a tool that are learned from at once; further ones are learned from after a pause each.
const AT_ONCE: u32 = 12;
const PAUSE: Duration = Duration::from_secs(30);

/// Results that wait to be learned from.
const WAITING: usize = 32;

/// How long results are gathered before they are learned from together, so that a script that makes many calls is over.
const GATHERING: Duration = Duration::from_millis(200);

/// Learns from what it is shown.
pub(crate) struct Learner {
    observations: Observations,
    queue: mpsc::Sender<Lesson>,
    places: Mutex<HashMap<u64, Place>>,
    taken: Mutex<HashMap<u64, HashMap<ToolName, Taken>>>,
}

/// What waits to be learned from.
pub(crate) struct Lessons(mpsc::Receiver<Lesson>);

struct Lesson {
    seat: u64,
    tool: ToolName,
    result: Json,
}

/// The upstream that has a seat.
struct Place {
    upstream: String,
    file: PathBuf,
    known: Option<Known>,
}

/// What the file says, and which file that was.
struct Known {
    stamp: Option<(SystemTime, u64)>,
    tools: BTreeMap<String, Observed>,
    shown: HashMap<ToolName, Option<Arc<Value>>>,
}

/// How much of a tool was learned from.
struct Taken {
    calls: u32,
    last: Instant,
}

impl Learner {
    /// A learner and what it has to [learn](Self::learn).
    pub(crate) fn new(observations: Observations) -> (Self, Lessons) {
        let (queue, lessons) = mpsc::channel(WAITING);
        let (places, taken) = (Mutex::default(), Mutex::default());
        (Self { observations, queue, places, taken }, Lessons(lessons))
    }

    /// From now on, this seat is that of this entry.
    pub(crate) fn keep(&self, seat: u64, name: &str, entry: &Entry) {
        let file = self.observations.file(name, entry);
        lock(&self.places).insert(seat, Place { upstream: name.to_owned(), file, known: None });
    }

    /// Forgets what was learned of an entry.
    pub(crate) fn forget(&self, name: &str, entry: &Entry) {
        if let Err(problem) = self.observations.forget(name, entry, None) {
            tracing::warn!(upstream = name, %problem, "what was learned of its results is not forgotten");
        }
    }

    /// Learns from what comes until told that this was all.
    pub(crate) async fn learn(self: Arc<Self>, lessons: Lessons, ended: CancellationToken) {
        let mut lessons = lessons.0;
        loop {
            let first = tokio::select! {
                lesson = lessons.recv() => lesson,
                () = ended.cancelled() => None,
            };
            let mut batch = Vec::from_iter(first);
            if !batch.is_empty() {
                // Ended or not, what is there by then is learned from.
                let _ = tokio::time::timeout(GATHERING, ended.cancelled()).await;
            }
            while let Ok(lesson) = lessons.try_recv() {
                batch.push(lesson);
            }
            if batch.is_empty() {
                return;
            }
            let learner = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || learner.take_in(batch)).await {
                tracing::error!(%error, "learning from results broke");
            }
        }
    }

    fn take_in(&self, batch: Vec<Lesson>) {
        let mut by_file: BTreeMap<PathBuf, Results> = BTreeMap::new();
        for Lesson { seat, tool, result } in batch {
            let places = lock(&self.places);
            let Some(place) = places.get(&seat) else { continue };
            let new = || Results { upstream: place.upstream.clone(), results: Vec::new() };
            let results = by_file.entry(place.file.clone()).or_insert_with(new);
            results.results.push((tool.as_str().to_owned(), result));
        }
        for (file, results) in by_file {
            if let Err(problem) = self.observations.learn(&file, results) {
                tracing::warn!(%problem, "nothing was learned from results");
            }
        }
    }

    /// Whether one more call of this tool is to be learned from.
    fn wants(&self, seat: u64, tool: &ToolName, now: Instant) -> bool {
        let mut taken = lock(&self.taken);
        let tools = taken.entry(seat).or_default();
        match tools.get_mut(tool) {
            None => {
                tools.insert(tool.clone(), Taken { calls: 1, last: now });
                true
            }
            Some(taken) => {
                let wanted = taken.calls < AT_ONCE || now.duration_since(taken.last) >= PAUSE;
                if wanted {
                    *taken = Taken { calls: taken.calls.saturating_add(1), last: now };
                }
                wanted
            }
        }
    }
}

impl Observer for Learner {
    fn saw(&self, seat: u64, tool: &ToolName, value: &Json) {
        if value.as_str().len() > LONGEST_RESULT || !self.wants(seat, tool, Instant::now()) {
            return;
        }
        // A full queue loses a lesson; there will be others.
        let _ = self.queue.try_send(Lesson { seat, tool: tool.clone(), result: value.clone() });
    }

    fn result_of(&self, seat: u64, tool: &ToolName) -> Option<Arc<Value>> {
        let mut places = lock(&self.places);
        let place = places.get_mut(&seat)?;
        let stamp = stamp(&place.file);
        let known = match &mut place.known {
            Some(known) if known.stamp == stamp => known,
            known => {
                let tools = self.observations.read(&place.file).unwrap_or_else(|problem| {
                    tracing::warn!(upstream = place.upstream, %problem, "what was learned of its results cannot be used");
                    BTreeMap::new()
                });
                known.insert(Known { stamp, tools, shown: HashMap::new() })
            }
        };
        let Known { tools, shown, .. } = known;
        let schema = || tools.get(tool.as_str()).and_then(Observed::schema).map(Arc::new);
        shown.entry(tool.clone()).or_insert_with(schema).clone()
    }
}

/// What tells one content of a file from another.
fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let facts = std::fs::metadata(file).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::FileKind;

    fn entry() -> Entry {
        Entry::parse(&json!({ "command": "x" }), FileKind::User).unwrap()
    }

    #[tokio::test]
    async fn what_a_process_sees_is_learned_and_shown_also_to_another() {
        let state = tempfile::tempdir().unwrap();
        let (learner, lessons) = Learner::new(Observations::at(state.path()));
        let (learner, tool, ended) = (Arc::new(learner), ToolName::new("t"), CancellationToken::new());
        learner.keep(1, "a", &entry());
        assert_eq!(learner.result_of(1, &tool), None);
        for number in 0..3 {
            learner.saw(1, &tool, &Json::from(json!({ "id": number })));
        }
        // Of a seat that nobody has nothing is learned.
        learner.saw(7, &tool, &Json::from(json!(1)));
        ended.cancel();
        Arc::clone(&learner).learn(lessons, ended).await;
        let shown = learner.result_of(1, &tool).unwrap();
        assert_eq!(shown["properties"], json!({"id": {"type": "integer"}}));
        let (other, _lessons) = Learner::new(Observations::at(state.path()));
        other.keep(5, "a", &entry());
        assert_eq!(other.result_of(5, &tool), Some(shown));
        other.forget("a", &entry());
        assert_eq!(learner.result_of(1, &tool), None);
    }

    #[test]
    fn a_tool_is_learned_from_a_dozen_times_and_then_after_pauses() {
        let state = tempfile::tempdir().unwrap();
        let (learner, _lessons) = Learner::new(Observations::at(state.path()));
        let (tool, start) = (ToolName::new("t"), Instant::now());
        let wanted = (0..1_000).filter(|_| learner.wants(1, &tool, start)).count();
        assert_eq!(wanted, AT_ONCE as usize);
        assert!(learner.wants(1, &tool, start + PAUSE) && !learner.wants(1, &tool, start + PAUSE));
        assert!(learner.wants(2, &tool, start) && learner.wants(1, &ToolName::new("u"), start));
    }

    #[test]
    fn a_full_queue_and_a_long_result_cost_a_call_nothing() {
        let state = tempfile::tempdir().unwrap();
        let (learner, mut lessons) = Learner::new(Observations::at(state.path()));
        for number in 0..100 {
            learner.saw(1, &ToolName::new(format!("t{number}")), &Json::from(json!(1)));
        }
        let mut waiting = 0;
        while lessons.0.try_recv().is_ok() {
            waiting += 1;
        }
        assert_eq!(waiting, WAITING);
        learner.saw(1, &ToolName::new("long"), &Json::from(json!("x".repeat(LONGEST_RESULT))));
        assert!(lessons.0.try_recv().is_err());
    }
}
