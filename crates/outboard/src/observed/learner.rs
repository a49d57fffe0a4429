//! Learns from the calls of this process, beside them: a call only leaves its result in a short queue, and where that is full
//! or enough was learned of a tool, not even that. Also answers what results of a tool have looked like, by the file as it is.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use outboard_declare::observed::{LONGEST_RESULT, Observed};
use outboard_runtime::{ids::ToolName, json::Json, ports::observer::Observer};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Observations, Results, Seen};
use crate::config::Entry;

/// Calls of a tool that are learned from at once; further ones are learned from after a pause each.
const AT_ONCE: u32 = 12;
const PAUSE: Duration = Duration::from_secs(30);

/// Results that wait to be learned from.
const WAITING: usize = 32;

/// The same result again within this time is one result: what is asked for again and again is not what a tool gives.
const SAME: Duration = Duration::from_secs(600);

/// Results of a tool that are known again.
const REMEMBERED: usize = 16;

/// What the file says is taken for what it says still for this long.
const LOOK: Duration = Duration::from_millis(100);

/// How long results are gathered before they are learned from together, so that a script that makes many calls is over.
const GATHERING: Duration = Duration::from_millis(200);

/// Learns from what it is shown.
pub(crate) struct Learner {
    observations: Observations,
    queue: mpsc::Sender<Lesson>,
    places: Mutex<HashMap<u64, Place>>,
    taken: Mutex<HashMap<u64, HashMap<ToolName, Taken>>>,
    /// Makes results known again, without keeping anything that could be told from elsewhere.
    hasher: RandomState,
    look: Duration,
}

/// What waits to be learned from.
pub(crate) struct Lessons(mpsc::Receiver<Lesson>);

struct Lesson {
    seat: u64,
    tool: ToolName,
    result: Json,
    at: u64,
}

/// The upstream that has a seat.
struct Place {
    upstream: String,
    file: PathBuf,
    /// It is private: nothing is learned of it.
    closed: bool,
    known: Option<Known>,
    /// Results that came lately, by tool.
    lately: HashMap<ToolName, VecDeque<(u64, Instant)>>,
}

/// What the file says, and which file that was.
struct Known {
    looked: Instant,
    stamp: Option<(SystemTime, u64)>,
    tools: BTreeMap<String, Observed>,
    shown: HashMap<ToolName, Option<Arc<Value>>>,
}

/// How much of a tool was learned from.
#[derive(Clone, Copy)]
struct Taken {
    calls: u32,
    last: Instant,
}

impl Learner {
    /// A learner and what it has to [learn](Self::learn).
    pub(crate) fn new(observations: Observations) -> (Self, Lessons) {
        let (queue, lessons) = mpsc::channel(WAITING);
        let (places, taken, hasher) = (Mutex::default(), Mutex::default(), RandomState::new());
        (Self { observations, queue, places, taken, hasher, look: LOOK }, Lessons(lessons))
    }

    /// From now on, this seat is that of this entry.
    pub(crate) fn keep(&self, seat: u64, name: &str, entry: &Entry) {
        let file = self.observations.file(name, entry);
        let closed = entry.usage.terms.labels.private == Some(true);
        let place = Place { upstream: name.to_owned(), file, closed, known: None, lately: HashMap::new() };
        lock(&self.places).insert(seat, place);
    }

    /// These are all seats that there are: nothing is learned from whoever had another.
    pub(crate) fn keep_only(&self, seats: &[u64]) {
        lock(&self.places).retain(|seat, _| seats.contains(seat));
        lock(&self.taken).retain(|seat, _| seats.contains(seat));
    }

    /// The upstream is private from now on, or is not. If it is, what was learned of it goes, and what waits to be learned from
    /// is not.
    pub(crate) fn set_private(&self, name: &str, private: bool) {
        for place in lock(&self.places).values_mut().filter(|place| place.upstream == name) {
            place.closed = private;
            place.known = None;
        }
        if private && let Err(problem) = self.observations.withdraw(name) {
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
        let mut places = lock(&self.places);
        for Lesson { seat, tool, result, at } in batch {
            let Some(place) = places.get_mut(&seat).filter(|place| !place.closed) else { continue };
            if !place.is_new(&tool, self.hasher.hash_one(result.as_str()), Instant::now()) {
                continue;
            }
            let new = || Results { upstream: place.upstream.clone(), results: Vec::new() };
            let results = by_file.entry(place.file.clone()).or_insert_with(new);
            results.results.push(Seen { tool: tool.as_str().to_owned(), result, at });
        }
        drop(places);
        for (file, results) in by_file {
            let upstream = results.upstream.clone();
            if let Err(problem) = self.observations.learn(&file, results) {
                tracing::warn!(%problem, "nothing was learned from results");
            }
            // A label may have come while it was written, and found nothing to take out.
            if lock(&self.places).values().any(|place| place.closed && place.upstream == upstream) {
                self.set_private(&upstream, true);
            }
        }
    }

    /// Puts the result into the queue if one more call of this tool is to be learned from and there is room.
    fn queue(&self, seat: u64, tool: &ToolName, now: Instant, result: &Json) {
        let mut taken = lock(&self.taken);
        let tools = taken.entry(seat).or_default();
        let before = tools.get(tool).copied();
        if before.is_some_and(|taken| taken.calls >= AT_ONCE && now.duration_since(taken.last) < PAUSE) {
            return;
        }
        // A full queue loses a lesson, and counts none; there will be others.
        let Ok(place) = self.queue.try_reserve() else { return };
        let calls = before.map_or(0, |taken| taken.calls).saturating_add(1);
        tools.insert(tool.clone(), Taken { calls, last: now });
        drop(taken);
        place.send(Lesson { seat, tool: tool.clone(), result: result.clone(), at: super::now() });
    }
}

impl Place {
    /// Whether no result like this one came lately.
    fn is_new(&mut self, tool: &ToolName, result: u64, now: Instant) -> bool {
        let lately = self.lately.entry(tool.clone()).or_default();
        lately.retain(|(_, at)| now.duration_since(*at) < SAME);
        if lately.iter().any(|(known, _)| *known == result) {
            return false;
        }
        if lately.len() == REMEMBERED {
            lately.pop_front();
        }
        lately.push_back((result, now));
        true
    }
}

impl Observer for Learner {
    fn saw(&self, seat: u64, tool: &ToolName, value: &Json) {
        if value.as_str().len() <= LONGEST_RESULT {
            self.queue(seat, tool, Instant::now(), value);
        }
    }

    fn result_of(&self, seat: u64, tool: &ToolName) -> Option<Arc<Value>> {
        let mut places = lock(&self.places);
        let place = places.get_mut(&seat)?;
        let now = Instant::now();
        let is_recent =
            place.known.as_ref().is_some_and(|known| now.duration_since(known.looked) < self.look);
        let stamp = if is_recent { None } else { stamp(&place.file) };
        let known = match &mut place.known {
            Some(known) if is_recent => known,
            Some(known) if known.stamp == stamp => {
                known.looked = now;
                known
            }
            known => {
                let tools = self.observations.read(&place.file).unwrap_or_else(|problem| {
                    tracing::warn!(upstream = place.upstream, %problem, "what was learned of its results cannot be used");
                    BTreeMap::new()
                });
                known.insert(Known { looked: now, stamp, tools, shown: HashMap::new() })
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
        let (mut learner, lessons) = Learner::new(Observations::at(state.path()));
        learner.look = Duration::ZERO;
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
        other.observations.forget("a", None).unwrap();
        assert_eq!(learner.result_of(1, &tool), None);
    }

    fn lesson(seat: u64, result: Value) -> Lesson {
        Lesson { seat, tool: ToolName::new("t"), result: Json::from(result), at: super::super::now() + 1 }
    }

    fn calls(learner: &Learner, seat: u64) -> u32 {
        let file = lock(&learner.places)[&seat].file.clone();
        learner.observations.read(&file).unwrap().get("t").map_or(0, Observed::calls)
    }

    #[test]
    fn the_same_result_again_is_one_result() {
        let state = tempfile::tempdir().unwrap();
        let (learner, _lessons) = Learner::new(Observations::at(state.path()));
        learner.keep(1, "a", &entry());
        let same = || lesson(1, json!({"ann": 1}));
        learner.take_in(vec![same(), same(), lesson(1, json!({"ann": 2}))]);
        learner.take_in(vec![same()]);
        assert_eq!(calls(&learner, 1), 2);
        // After a while it says something again.
        let mut places = lock(&learner.places);
        let (tool, place) = (ToolName::new("t"), places.get_mut(&1).unwrap());
        let later = Instant::now() + SAME;
        assert!(!place.is_new(&tool, place.lately[&tool][0].0, Instant::now()));
        assert!(place.is_new(&tool, place.lately[&tool][0].0, later));
        assert!((0..100).all(|n| place.is_new(&tool, n, later)) && place.lately[&tool].len() == REMEMBERED);
    }

    #[test]
    fn what_waits_when_a_label_comes_is_not_learned_nor_what_comes_after() {
        let state = tempfile::tempdir().unwrap();
        let (learner, _lessons) = Learner::new(Observations::at(state.path()));
        learner.keep(1, "a", &entry());
        learner.take_in((0..3).map(|n| lesson(1, json!({ "id": n }))).collect());
        let waiting = vec![lesson(1, json!({"secret": 1}))];
        learner.set_private("a", true);
        learner.take_in(waiting);
        assert_eq!(calls(&learner, 1), 0);
        learner.set_private("a", false);
        learner.take_in(vec![lesson(1, json!({"id": 9}))]);
        assert_eq!(calls(&learner, 1), 1);
    }

    #[test]
    fn seats_of_upstreams_that_are_gone_are_dropped() {
        let state = tempfile::tempdir().unwrap();
        let (learner, _lessons) = Learner::new(Observations::at(state.path()));
        for seat in 1..=100 {
            learner.keep(seat, "a", &entry());
            learner.saw(seat, &ToolName::new("t"), &Json::from(json!(1)));
            learner.keep_only(&[seat]);
        }
        assert_eq!(lock(&learner.places).keys().collect::<Vec<_>>(), [&100]);
        assert!(lock(&learner.taken).len() <= 1);
    }

    #[test]
    fn a_tool_is_learned_from_a_dozen_times_and_then_after_pauses() {
        let state = tempfile::tempdir().unwrap();
        let (learner, mut lessons) = Learner::new(Observations::at(state.path()));
        let start = Instant::now();
        let mut takes = |seat, tool: &str, at| {
            learner.queue(seat, &ToolName::new(tool), at, &Json::from(json!(1)));
            lessons.0.try_recv().is_ok()
        };
        assert_eq!((0..1_000).filter(|_| takes(1, "t", start)).count(), AT_ONCE as usize);
        assert!(takes(1, "t", start + PAUSE) && !takes(1, "t", start + PAUSE));
        assert!(takes(2, "t", start) && takes(1, "u", start));
    }

    #[test]
    fn what_found_no_room_does_not_count() {
        let state = tempfile::tempdir().unwrap();
        let (learner, mut lessons) = Learner::new(Observations::at(state.path()));
        for number in 0..WAITING {
            learner.saw(1, &ToolName::new(format!("t{number}")), &Json::from(json!(1)));
        }
        let tool = ToolName::new("late");
        (0..100).for_each(|_| learner.saw(1, &tool, &Json::from(json!(1))));
        while lessons.0.try_recv().is_ok() {}
        (0..100).for_each(|_| learner.saw(1, &tool, &Json::from(json!(1))));
        let late = std::iter::from_fn(|| lessons.0.try_recv().ok()).filter(|lesson| lesson.tool == tool);
        assert_eq!(late.count(), AT_ONCE as usize);
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
