//! How often what was done: per run, per tool in a run, per tool in the last hour. An operation is counted before it
//! is judged and given back if it does not come to be sent, so that operations side by side see each other.
//! What the numbers mean is the policy's matter.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    ids::UpstreamName,
    journal::Intent,
    operation::{Kind, Operation},
    policy::Counts,
};

/// An hour is counted in so many parts: what is older than an hour is forgotten within a part.
const PARTS: usize = 60;
const PART: Duration = Duration::from_secs(60);
/// Tools of which the last hour is remembered; beyond that, those that were not used in it are forgotten.
const REMEMBERED: usize = 10_000;

/// What is counted together: a tool of an upstream, or a kind of operation there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counted {
    upstream: UpstreamName,
    kind: Kind,
    name: Box<str>,
}

impl Counted {
    fn of(operation: &Operation) -> Self {
        Self {
            upstream: operation.upstream().clone(),
            kind: operation.kind(),
            name: operation.tool().map_or("", |tool| tool.as_str()).into(),
        }
    }
}

/// The operations of one run.
#[derive(Debug, Default)]
pub struct Tally(Arc<Mutex<Run>>);

#[derive(Debug, Default)]
struct Run {
    all: u32,
    tools: HashMap<Counted, u32>,
}

/// The operations of all runs in the last hour.
#[derive(Debug)]
pub(super) struct Hours {
    begun: Instant,
    tools: Arc<Mutex<HashMap<Counted, Window>>>,
}

#[derive(Debug)]
struct Window {
    parts: [u32; PARTS],
    /// The newest part, counted from the beginning.
    newest: u64,
}

/// One operation that is counted. Dropped before it is kept, it never happened.
#[derive(Debug)]
pub(super) struct Reserved {
    /// What was counted before it.
    pub(super) before: Counts,
    what: Counted,
    part: u64,
    run: Arc<Mutex<Run>>,
    hours: Arc<Mutex<HashMap<Counted, Window>>>,
    kept: bool,
}

impl Default for Hours {
    fn default() -> Self {
        Self { begun: Instant::now(), tools: Arc::default() }
    }
}

impl Hours {
    /// Counts an operation of a run.
    pub(super) fn reserve(&self, tally: &Tally, operation: &Operation) -> Reserved {
        let what = Counted::of(operation);
        let part = self.begun.elapsed().as_secs() / PART.as_secs();
        let mut run = lock(&tally.0);
        let tool = run.tools.entry(what.clone()).or_default();
        let in_run = *tool;
        *tool = tool.saturating_add(1);
        let all = run.all;
        run.all = all.saturating_add(1);
        drop(run);
        let mut tools = lock(&self.tools);
        if tools.len() >= REMEMBERED {
            tools.retain(|_, window| window.sum(part) > 0);
        }
        let window = tools.entry(what.clone()).or_insert_with(|| Window { parts: [0; PARTS], newest: part });
        let hour = window.sum(part);
        window.add(part);
        drop(tools);
        Reserved {
            before: Counts { run: all, tool: in_run, hour },
            what,
            part,
            run: Arc::clone(&tally.0),
            hours: Arc::clone(&self.tools),
            kept: false,
        }
    }
}

impl Tally {
    /// Counts a call that was sent before the run was interrupted. What was no tool call counts for the run alone.
    pub(crate) fn recall(&self, intent: &Intent) {
        let what = Counted {
            upstream: intent.upstream.clone(),
            kind: Kind::CallTool,
            name: intent.tool.as_str().into(),
        };
        let mut run = lock(&self.0);
        run.all = run.all.saturating_add(1);
        let tool = run.tools.entry(what).or_default();
        *tool = tool.saturating_add(1);
    }
}

impl Reserved {
    /// It is going to happen.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let mut run = lock(&self.run);
        run.all = run.all.saturating_sub(1);
        if let Some(tool) = run.tools.get_mut(&self.what) {
            *tool = tool.saturating_sub(1);
        }
        drop(run);
        if let Some(window) = lock(&self.hours).get_mut(&self.what) {
            window.take(self.part);
        }
    }
}

impl Window {
    fn advance(&mut self, part: u64) {
        // What is a whole hour behind is empty.
        for gone in self.newest + 1..=part.min(self.newest + PARTS as u64) {
            self.parts[place(gone)] = 0;
        }
        self.newest = self.newest.max(part);
    }

    fn sum(&mut self, part: u64) -> u32 {
        self.advance(part);
        self.parts.iter().fold(0, |sum: u32, part| sum.saturating_add(*part))
    }

    fn add(&mut self, part: u64) {
        self.advance(part);
        let count = &mut self.parts[place(part)];
        *count = count.saturating_add(1);
    }

    fn take(&mut self, part: u64) {
        if self.newest < part + PARTS as u64 {
            let count = &mut self.parts[place(part)];
            *count = count.saturating_sub(1);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is less than the number of parts")]
fn place(part: u64) -> usize {
    (part % PARTS as u64) as usize
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::RunTime, ids::RequestId, json::Json, operation::ToolCall};

    fn call(tool: &str) -> Operation {
        Operation::CallTool(ToolCall {
            upstream: "u".into(),
            namespace: "u".into(),
            tool: tool.into(),
            arguments: Json::null(),
        })
    }

    fn counts(run: u32, tool: u32, hour: u32) -> Counts {
        Counts { run, tool, hour }
    }

    #[tokio::test(start_paused = true)]
    async fn operations_side_by_side_see_each_other_and_what_is_given_back_does_not_count() {
        let (hours, tally) = (Hours::default(), Tally::default());
        let first = hours.reserve(&tally, &call("a"));
        let second = hours.reserve(&tally, &call("a"));
        let other = hours.reserve(&tally, &call("b"));
        assert_eq!(
            [first.before, second.before, other.before],
            [counts(0, 0, 0), counts(1, 1, 1), counts(2, 0, 0)]
        );
        first.keep();
        drop(second);
        other.keep();
        assert_eq!(hours.reserve(&tally, &call("a")).before, counts(2, 1, 1));
        assert_eq!(hours.reserve(&Tally::default(), &call("a")).before, counts(0, 0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_run_sent_before_it_was_interrupted_counts_for_it() {
        let (hours, tally) = (Hours::default(), Tally::default());
        tally.recall(&Intent {
            request: RequestId(1),
            at: RunTime::default(),
            upstream: "u".into(),
            namespace: "u".into(),
            tool: "a".into(),
            read_only: false,
            idempotent: false,
            allowed_by: String::new(),
        });
        assert_eq!(hours.reserve(&tally, &call("a")).before, counts(1, 1, 0));
        assert_eq!(hours.reserve(&tally, &call("b")).before, counts(1, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_an_hour_is_forgotten() {
        let hours = Hours::default();
        let hour = || hours.reserve(&Tally::default(), &call("a")).before.hour;
        for minute in 0..3 {
            hours.reserve(&Tally::default(), &call("a")).keep();
            assert_eq!(hour(), minute + 1);
            tokio::time::advance(PART).await;
        }
        tokio::time::advance(PART * 56).await;
        assert_eq!(hour(), 3);
        tokio::time::advance(PART).await;
        assert_eq!(hour(), 2);
        tokio::time::advance(PART * 1_000).await;
        assert_eq!(hour(), 0);
    }
}
