//! What waits, and who writes it: a thread of its own, or, where that takes microseconds, whoever waits. Waking a thread and
//! being woken by it takes several times as long as a write that does not wait for the disk. A write holds all that waits
//! by then, whoever makes it.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{Arc, Mutex, RwLock},
};

use outboard_runtime::journal::Redactor;

use crate::{
    holder::Watch,
    job::{Appends, Job},
    options::StoreOptions,
    queue::{Queue, When},
    writer::{LOOK, Writer},
};

/// Bytes that are written by whoever waits, in all; compressing more takes a thread that nobody waits on.
const LITTLE: usize = 256 << 10;

/// The queue and what writes it. Who takes from the queue holds the writer, so that the order of appends stays.
pub(crate) struct Writing {
    queue: Queue<Job>,
    writer: Mutex<Writer>,
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl Writing {
    pub(crate) fn new(
        options: Arc<StoreOptions>,
        redactor: Arc<RwLock<Redactor>>,
        watch: Arc<Mutex<Watch>>,
    ) -> Self {
        Self { queue: Queue::new(), writer: Mutex::new(Writer::new(options, redactor, watch)) }
    }

    /// Adds something to be written.
    pub(crate) fn push(&self, job: Job, when: When) {
        // What is much is begun at once, while nobody waits for it yet.
        let much = matches!(&job, Job::Append { bytes, .. } if *bytes > LITTLE);
        self.queue.push(job, if much { When::Now } else { when });
    }

    /// Nothing is written any more but what waits.
    pub(crate) fn close(&self) {
        self.queue.close();
    }

    /// The thread: writes until it is closed. If writing breaks, whoever waits learns it instead of waiting for good.
    pub(crate) fn run(&self) {
        let _closing = Closing(&self.queue);
        loop {
            let rests = match self.writer.lock() {
                Ok(writer) => writer.rests(),
                Err(_) => return,
            };
            self.queue.wait(rests);
            if self.turn().is_break() {
                return;
            }
        }
    }

    /// What the thread does once. What can be logged is, and the database is brought up to the log without the writer, so
    /// that whoever waits goes on logging meanwhile.
    fn turn(&self) -> ControlFlow<()> {
        let Ok(mut writer) = self.writer.lock() else { return ControlFlow::Break(()) };
        let (mut work, last) = self.queue.take();
        if is_little(&work) && writer.is_quick() {
            let left = writer.go_logging(Appends::of(work)).err().unwrap_or_default();
            work = left.into_iter().flat_map(Appends::into_jobs).collect();
        }
        let is_idle = work.is_empty() && !last;
        if !is_idle {
            writer.go(work);
            if last {
                writer.end();
                return ControlFlow::Break(());
            }
            // Runs that begin one after another leave no pause.
            if !writer.is_behind() {
                return ControlFlow::Continue(());
            }
        }
        if let Some(mut drain) = writer.lend() {
            drop(writer);
            let drained = drain.run();
            let Ok(mut writer) = self.writer.lock() else { return ControlFlow::Break(()) };
            writer.take_back(drain, drained);
        } else if is_idle {
            writer.go(VecDeque::new());
        }
        ControlFlow::Continue(())
    }

    /// Writes what waits on the caller's thread if it is little and nothing is in the way; else has the thread do it.
    pub(crate) fn help(&self) {
        if !self.write_here() {
            self.queue.wake();
        }
    }

    fn write_here(&self) -> bool {
        let Ok(mut writer) = self.writer.try_lock() else { return false };
        let taken = if writer.is_quick() { self.queue.take_if(is_little) } else { None };
        let Some(work) = taken else { return false };
        let rested = writer.rests();
        match writer.go_at_once(Appends::of(work)) {
            Ok(()) => {
                // The thread rests as it did before.
                let (looks_sooner, is_over) = (writer.rests() < rested, writer.has_logged_end());
                drop(writer);
                if looks_sooner {
                    self.queue.wake_within(LOOK);
                } else if is_over {
                    self.queue.wake_soon();
                }
                true
            }
            Err(appends) => {
                self.queue.put_back(appends.into_iter().flat_map(Appends::into_jobs).collect());
                false
            }
        }
    }
}

/// Whether this is so little that whoever waits may write it.
fn is_little(work: &VecDeque<Job>) -> bool {
    let mut all = 0_usize;
    work.iter().all(|job| match job {
        Job::Append { bytes, .. } => {
            all = all.saturating_add(*bytes);
            all <= LITTLE
        }
        Job::Work(_) | Job::Mark(_) => false,
    })
}

/// Closes the queue and drops what waits in it.
struct Closing<'a>(&'a Queue<Job>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
        drop(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use outboard_runtime::{
        ids::{ImageHash, RunId},
        journal::{
            Append, Ending, Event, FORMAT, Lease, Opened, Reading, RunState, Store as _, StoreFailure,
            StoreTrouble,
        },
        json::Json,
        limits::Limits,
        ports::engine::{GuestAsk, GuestRequest},
    };
    use rusqlite::Connection;
    use tokio::sync::oneshot::{self, Receiver};

    use super::*;
    use crate::{SqliteStore, connection, drain::Drain, holder::RENEWAL, runs};

    /// No thread writes here.
    struct Alone {
        folder: tempfile::TempDir,
        writing: Writing,
        redactor: Arc<RwLock<Redactor>>,
    }

    impl Alone {
        fn new(options: impl FnOnce(&mut StoreOptions)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut of_folder = StoreOptions::new(folder.path());
            options(&mut of_folder);
            let redactor = Arc::<RwLock<Redactor>>::default();
            let writing = Writing::new(Arc::new(of_folder), Arc::clone(&redactor), Arc::default());
            Self { folder, writing, redactor }
        }

        /// These runs have begun, and the first call of each is in the log alone.
        fn with_a_call_logged(runs: &[&str]) -> Self {
            let alone = Self::new(|_| ());
            let all = |event: &dyn Fn(&str) -> Event| {
                runs.iter().map(|run| alone.append(run, event(run))).collect::<Vec<_>>()
            };
            let _begun = all(&opened);
            alone.thread();
            let _logged = all(&|_| intended(1));
            alone.writing.help();
            alone
        }

        fn append(&self, run: &str, event: Event) -> Receiver<Result<(), StoreFailure>> {
            let (done, told) = oneshot::channel();
            let lease = Lease { run: run.into(), fence: 1 };
            self.writing.push(Job::append(lease, Append::from(event), done), When::Soon);
            told
        }

        /// What the thread does once.
        fn thread(&self) {
            assert!(self.writing.turn().is_continue());
        }

        fn log(&self) -> std::path::PathBuf {
            let mut entries =
                std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
            entries.find(|path| path.extension().is_some_and(|end| end == "log")).unwrap()
        }

        fn other(&self) -> Connection {
            Connection::open(connection::file(self.folder.path())).unwrap()
        }

        fn recorded(&self, run: &str) -> Vec<Event> {
            runs::read(&self.other(), &RunId::from(run)).unwrap_or_default()
        }
    }

    fn opened(run: &str) -> Event {
        Event::Opened(Box::new(Opened {
            format: FORMAT,
            run: run.into(),
            principal: None,
            source: "return 1".to_owned(),
            language: outboard_runtime::Language::TypeScript,
            image: ImageHash::from("image"),
            seed: [7; 32],
            started_at: outboard_runtime::clock::WallTime(0),
            limits: Limits::default(),
            namespaces: Vec::new(),
            origin: None,
            reading: Reading::default(),
        }))
    }

    fn intended(request: u32) -> Event {
        Event::Intended(outboard_runtime::journal::Intent {
            request: outboard_runtime::ids::RequestId(request),
            at: outboard_runtime::clock::RunTime::default(),
            upstream: "box".into(),
            namespace: "box".into(),
            tool: "work".into(),
            read_only: false,
            idempotent: false,
            allowed_by: String::new(),
        })
    }

    /// Asks with much.
    fn asked(text: &str) -> Event {
        Event::Asked(GuestRequest {
            id: outboard_runtime::ids::RequestId(1),
            what: GuestAsk::Call {
                namespace: "box".to_owned(),
                tool: "work".to_owned(),
                arguments: Json::string(text),
                paged: false,
            },
            position: None,
        })
    }

    fn ended(text: &str) -> Event {
        Event::Ended(Ending::Value(Some(Json::string(text))))
    }

    #[test]
    fn whoever_waits_writes_all_that_was_appended_before_once_the_database_is_open() {
        let alone = Alone::new(|_| ());
        let mut first = alone.append("r1", opened("r1"));
        alone.writing.help();
        assert!(first.try_recv().is_err(), "opening is left to the thread");
        alone.thread();
        assert_eq!(first.try_recv().unwrap(), Ok(()));
        let mut others = [alone.append("r2", opened("r2")), alone.append("r1", ended("x"))];
        alone.writing.help();
        for told in &mut others {
            assert_eq!(told.try_recv().unwrap(), Ok(()));
        }
        assert_eq!(alone.recorded("r1"), [opened("r1"), ended("x")]);
        assert_eq!(alone.recorded("r2"), [opened("r2")]);
    }

    #[test]
    fn whoever_waits_does_not_wait_for_another_that_writes_and_nothing_changes_its_place() {
        let alone = Alone::new(|options| options.patience = Duration::from_secs(3_600));
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let other = alone.other();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut second = alone.append("r2", opened("r2"));
        alone.writing.help();
        assert!(second.try_recv().is_err(), "the other one holds it");
        let mut third = alone.append("r2", ended("x"));
        other.execute_batch("ROLLBACK").unwrap();
        alone.writing.help();
        assert_eq!((second.try_recv().unwrap(), third.try_recv().unwrap()), (Ok(()), Ok(())));
        assert_eq!(alone.recorded("r2"), [opened("r2"), ended("x")]);
    }

    #[test]
    fn a_run_that_pauses_is_counted_in_its_row_and_one_that_ends_at_once() {
        let alone = Alone::new(|_| ());
        let calls = || {
            let row = alone.other().query_row("SELECT calls, bytes > 0 FROM runs", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
            });
            row.unwrap()
        };
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let _second = alone.append("r1", intended(1));
        alone.writing.help();
        assert_eq!(calls(), (0, false));
        alone.thread();
        assert_eq!(calls(), (1, true));
        let _others = [alone.append("r1", intended(2)), alone.append("r1", ended("x"))];
        alone.writing.help();
        assert_eq!(calls(), (1, true), "it is logged");
        alone.thread();
        assert_eq!(calls(), (2, true));
    }

    #[test]
    fn what_is_logged_is_in_the_database_when_nobody_waits_and_once() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        for request in 1..4 {
            let mut told = alone.append("r1", intended(request));
            alone.writing.help();
            assert_eq!(told.try_recv().unwrap(), Ok(()));
        }
        assert_eq!(alone.recorded("r1"), [opened("r1")]);
        let logged = std::fs::metadata(alone.log()).unwrap();
        assert!(logged.len() > 0);
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&logged.permissions()) & 0o777, 0o600);
        alone.thread();
        alone.thread();
        assert_eq!(alone.recorded("r1"), [opened("r1"), intended(1), intended(2), intended(3)]);
        assert_eq!(std::fs::metadata(alone.log()).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_run_begins_before_what_others_have_logged_is_brought_in() {
        for is_killed in [false, true] {
            let alone = Alone::new(|_| ());
            let _first = alone.append("r1", opened("r1"));
            alone.thread();
            let _logged = alone.append("r1", intended(1));
            alone.writing.help();
            let mut second = alone.append("r2", opened("r2"));
            alone.writing.help();
            assert_eq!(second.try_recv().unwrap(), Ok(()));
            assert_eq!(
                (alone.recorded("r1"), alone.recorded("r2")),
                (vec![opened("r1")], vec![opened("r2")])
            );
            let _others = [alone.append("r2", intended(1)), alone.append("r1", intended(2))];
            alone.writing.help();
            let Alone { folder, writing, .. } = alone;
            if !is_killed {
                writing.writer.lock().unwrap().go(writing.queue.take().0);
            }
            drop(writing);
            let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
            let all = [opened("r1"), intended(1), intended(2)];
            assert_eq!(other.read(&"r1".into()).await.unwrap(), all, "{is_killed}");
            assert_eq!(other.read(&"r2".into()).await.unwrap(), [opened("r2"), intended(1)], "{is_killed}");
        }
    }

    impl Alone {
        /// Has what it takes to bring the database up to the log lent out, as the thread does.
        fn lend(&self) -> Drain {
            self.writing.writer.lock().unwrap().lend().unwrap()
        }

        fn drain(&self, mut drain: Drain) {
            let drained = drain.run();
            self.writing.writer.lock().unwrap().take_back(drain, drained);
        }
    }

    #[tokio::test]
    async fn calls_are_logged_while_the_database_is_brought_up_to_the_log() {
        for is_killed in [false, true] {
            let alone = Alone::with_a_call_logged(&["r1", "r2"]);
            let drain = alone.lend();
            let mut meanwhile = [alone.append("r1", intended(2)), alone.append("r2", ended("x"))];
            alone.writing.help();
            for told in &mut meanwhile {
                assert_eq!(told.try_recv().unwrap(), Ok(()));
            }
            alone.drain(drain);
            let first = [opened("r1"), intended(1)];
            assert_eq!(alone.recorded("r1"), first, "what is newer is in the log alone");
            let mut later = alone.append("r1", intended(3));
            alone.writing.help();
            assert_eq!(later.try_recv().unwrap(), Ok(()));
            if !is_killed {
                alone.thread();
                assert_eq!(std::fs::metadata(alone.log()).unwrap().len(), 0);
                assert!(alone.writing.writer.lock().unwrap().rests() < RENEWAL, "one of the runs goes on");
            }
            let Alone { folder, writing, .. } = alone;
            drop(writing);
            let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
            let all = [opened("r1"), intended(1), intended(2), intended(3)];
            assert_eq!(other.read(&"r1".into()).await.unwrap(), all, "{is_killed}");
            let ended = [opened("r2"), intended(1), ended("x")];
            assert_eq!(other.read(&"r2".into()).await.unwrap(), ended, "{is_killed}");
            let states = other.runs(outboard_runtime::journal::Which::Newest(2)).await.unwrap();
            assert_eq!(states.iter().map(|run| run.calls).sum::<u64>(), 4, "{is_killed}");
        }
    }

    #[test]
    fn runs_that_begin_one_after_another_do_not_keep_the_database_behind() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        for (run, age, is_there) in [("r2", LOOK / 2, false), ("r3", LOOK, true)] {
            let _logged = alone.append("r1", intended(1));
            alone.writing.help();
            alone.writing.writer.lock().unwrap().age(age);
            let mut begun = alone.append(run, opened(run));
            alone.thread();
            assert_eq!(begun.try_recv().unwrap(), Ok(()));
            assert_eq!(alone.recorded("r1").len() > 1, is_there, "{run}");
        }
    }

    #[test]
    fn what_needs_the_database_waits_while_it_is_brought_up_to_the_log_and_keeps_its_place() {
        let alone = Alone::with_a_call_logged(&["r1"]);
        let drain = alone.lend();
        let mut begun = alone.append("r2", opened("r2"));
        alone.writing.help();
        let mut behind = [alone.append("r2", intended(1)), alone.append("r1", intended(2))];
        alone.writing.help();
        assert!(begun.try_recv().is_err() && behind.iter_mut().all(|told| told.try_recv().is_err()));
        alone.drain(drain);
        alone.thread();
        assert_eq!(begun.try_recv().unwrap(), Ok(()));
        for told in &mut behind {
            assert_eq!(told.try_recv().unwrap(), Ok(()));
        }
        assert_eq!(alone.recorded("r1"), [opened("r1"), intended(1), intended(2)]);
        assert_eq!(alone.recorded("r2"), [opened("r2"), intended(1)]);
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_brought_up_to_the_log_is_later() {
        let alone = Alone::with_a_call_logged(&["r1"]);
        let drain = alone.lend();
        let other = alone.other();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let _meanwhile = alone.append("r1", intended(2));
        alone.writing.help();
        alone.drain(drain);
        other.execute_batch("ROLLBACK").unwrap();
        let mut later = alone.append("r1", intended(3));
        alone.writing.help();
        assert_eq!(later.try_recv().unwrap(), Ok(()));
        alone.thread();
        assert_eq!(alone.recorded("r1"), [opened("r1"), intended(1), intended(2), intended(3)]);
    }

    #[tokio::test]
    async fn a_run_that_is_taken_over_around_a_drain_is_the_other_ones() {
        // Before its transaction, and between that and when the writer has everything again.
        for is_before in [true, false] {
            let alone = Alone::with_a_call_logged(&["r1", "r2"]);
            let other = hasty(alone.folder.path());
            assert!(other.take(&"r1".into()).await.is_err());
            let mut drain = alone.lend();
            let mut drained = if is_before { None } else { Some(drain.run()) };
            other.take(&"r1".into()).await.unwrap();
            let mut meanwhile = [alone.append("r1", intended(2)), alone.append("r2", intended(2))];
            alone.writing.help();
            assert!(meanwhile.iter_mut().all(|told| told.try_recv().is_err()), "the fence was seen");
            let drained = drained.take().unwrap_or_else(|| drain.run());
            alone.writing.writer.lock().unwrap().take_back(drain, drained);
            alone.thread();
            let [stale, live] = &mut meanwhile;
            assert_eq!(stale.try_recv().unwrap().unwrap_err().trouble, StoreTrouble::NotOwner, "{is_before}");
            assert_eq!(live.try_recv().unwrap(), Ok(()), "{is_before}");
            let mut later = [alone.append("r1", intended(3)), alone.append("r2", intended(3))];
            alone.writing.help();
            alone.thread();
            let [stale, live] = &mut later;
            assert_eq!(stale.try_recv().unwrap().unwrap_err().trouble, StoreTrouble::NotOwner, "{is_before}");
            assert_eq!(live.try_recv().unwrap(), Ok(()), "{is_before}");
            assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
            let of_other = [opened("r2"), intended(1), intended(2), intended(3)];
            assert_eq!(other.read(&"r2".into()).await.unwrap(), of_other, "{is_before}");
        }
    }

    #[tokio::test]
    async fn a_run_that_begins_hides_no_fence() {
        let alone = Alone::with_a_call_logged(&["r1"]);
        let other = hasty(alone.folder.path());
        assert!(other.take(&"r1".into()).await.is_err());
        other.take(&"r1".into()).await.unwrap();
        let mut second = alone.append("r2", opened("r2"));
        let mut stale = alone.append("r1", intended(2));
        alone.writing.help();
        alone.thread();
        assert_eq!(second.try_recv().unwrap(), Ok(()));
        assert_eq!(stale.try_recv().unwrap().unwrap_err().trouble, StoreTrouble::NotOwner);
        let mut later = alone.append("r2", intended(1));
        alone.writing.help();
        assert_eq!(later.try_recv().unwrap(), Ok(()));
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
        assert_eq!(other.read(&"r2".into()).await.unwrap(), [opened("r2"), intended(1)]);
    }

    #[tokio::test]
    async fn what_was_logged_by_one_that_was_killed_is_seen_by_all() {
        let alone = Alone::new(|_| ());
        let _begun = [alone.append("r1", opened("r1")), alone.append("r2", opened("r2"))];
        alone.thread();
        let _logged = [
            alone.append("r1", intended(1)),
            alone.append("r2", intended(1)),
            alone.append("r2", ended("x")),
        ];
        alone.writing.help();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
        assert_eq!(other.read(&"r2".into()).await.unwrap(), [opened("r2"), intended(1), ended("x")]);
        let states = other.runs(outboard_runtime::journal::Which::Newest(2)).await.unwrap();
        let states: Vec<_> = states.iter().map(|run| (run.state, run.calls)).collect();
        assert_eq!(states, [(RunState::Ended, 1), (RunState::Interrupted, 1)]);
        let lease = other.take(&"r1".into()).await.unwrap();
        other.append(&lease, ended("y").into()).await.unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1), ended("y")]);
        other.close();
        let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("owner-")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn one_that_was_killed_before_it_emptied_its_log_has_recorded_nothing_twice() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let _second = alone.append("r1", intended(1));
        alone.writing.help();
        let logged = std::fs::read(alone.log()).unwrap();
        alone.thread();
        std::fs::write(alone.log(), logged).unwrap();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
        other.take(&"r1".into()).await.unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
    }

    /// A store for which an owner that does not count between two looks is gone.
    fn hasty(folder: &std::path::Path) -> SqliteStore {
        SqliteStore::new(StoreOptions { lease: Duration::ZERO, ..StoreOptions::new(folder) }).unwrap()
    }

    #[tokio::test]
    async fn an_owner_that_hung_makes_no_call_whatever_else_it_writes_first() {
        // With what its thread of control begins again when it is back: an intent of the run that was taken, and of
        // another run an end, nothing, or an intent.
        for beside in [ended("x"), intended(2), intended(3)] {
            let alone = Alone::with_a_call_logged(&["r1", "r2"]);
            let other = hasty(alone.folder.path());
            assert!(other.take(&"r1".into()).await.is_err());
            other.take(&"r1".into()).await.unwrap();
            let mut others = alone.append("r2", beside.clone());
            let mut stale = alone.append("r1", intended(2));
            alone.writing.help();
            alone.thread();
            assert_eq!(others.try_recv().unwrap(), Ok(()), "{beside:?}");
            let refused = stale.try_recv().unwrap().unwrap_err();
            assert_eq!(refused.trouble, StoreTrouble::NotOwner, "{beside:?}");
            // Nor later, nor after an append of nothing.
            let (done, mut nothing) = oneshot::channel();
            let lease = Lease { run: "r1".into(), fence: 1 };
            alone.writing.push(Job::append(lease, Append::default(), done), When::Soon);
            alone.writing.help();
            let mut stale = alone.append("r1", intended(4));
            alone.writing.help();
            alone.thread();
            assert!(nothing.try_recv().unwrap().is_err());
            assert_eq!(stale.try_recv().unwrap().unwrap_err().trouble, StoreTrouble::NotOwner, "{beside:?}");
            assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
            let of_other = [opened("r2"), intended(1), beside];
            assert_eq!(other.read(&"r2".into()).await.unwrap(), of_other);
        }
    }

    #[tokio::test]
    async fn a_takeover_that_does_not_stand_loses_nothing() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let _second = alone.append("r1", intended(1));
        alone.writing.help();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        // The disk is full at the commit, which is the last that can go wrong.
        let pages = Connection::open(connection::file(folder.path())).unwrap();
        let used: u32 = pages.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let fill = "CREATE TABLE filling (body BLOB); INSERT INTO filling VALUES (zeroblob(3000))";
        pages.execute_batch(fill).unwrap();
        let most_pages = Some(used);
        let full = SqliteStore::new(StoreOptions { most_pages, ..StoreOptions::new(folder.path()) }).unwrap();
        let _ = full.take(&"r1".into()).await;
        drop(full);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1"), intended(1)]);
    }

    #[test]
    fn what_a_process_owned_in_a_database_that_was_moved_away_it_does_not_own_in_a_new_one() {
        let alone = Alone::new(|_| ());
        let _begun = [alone.append("r1", opened("r1")), alone.append("r2", opened("r2"))];
        alone.thread();
        for end in ["", "-wal", "-shm"] {
            let file = format!("{}{end}", connection::file(alone.folder.path()).display());
            std::fs::rename(&file, format!("{file}.away")).unwrap();
        }
        // It looks before it rests.
        alone.thread();
        for run in ["r1", "r2"] {
            let mut told = alone.append(run, intended(1));
            alone.writing.help();
            alone.thread();
            assert_eq!(told.try_recv().unwrap().unwrap_err().trouble, StoreTrouble::NotOwner);
        }
    }

    #[tokio::test]
    async fn what_is_taken_out_is_not_in_the_log_and_is_taken_out_once() {
        let alone = Alone::new(|_| ());
        let patterns = Redactor::new([], &["[a-z]{8,}".to_owned()]).unwrap();
        *alone.redactor.write().unwrap() = patterns;
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let _second = alone.append("r1", asked("a verysecretword in it"));
        alone.writing.help();
        let logged = std::fs::read(alone.log()).unwrap();
        let logged = String::from_utf8_lossy(&logged);
        assert!(logged.contains("[redacted]") && !logged.contains("verysecretword"), "{logged}");
        alone.thread();
        assert_eq!(alone.recorded("r1")[1], asked("a [redacted] in it"));
    }

    #[tokio::test]
    async fn a_run_that_is_brought_in_is_as_old_as_it_was() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let _second = alone.append("r1", intended(1));
        alone.writing.help();
        let log = std::fs::File::options().write(true).open(alone.log()).unwrap();
        let then = std::time::SystemTime::now() - Duration::from_secs(100_000);
        log.set_modified(then).unwrap();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        let runs = other.runs(outboard_runtime::journal::Which::Unfinished).await.unwrap();
        let then = then.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        assert_eq!(u128::from(runs[0].changed.0), then);
        assert_eq!(runs[0].calls, 1);
    }

    #[tokio::test]
    async fn what_went_to_the_database_itself_has_a_number_too() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        // As if the system had written out the log and not this.
        let before: i64 = drained(&alone);
        let _direct = alone.append("r1", intended(1));
        alone.thread();
        let _logged = alone.append("r1", intended(2));
        alone.writing.help();
        let without =
            format!("UPDATE owners SET drained = {before}; DELETE FROM chunks WHERE key % (1 << 32) = 1");
        alone.other().execute_batch(&without).unwrap();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1")]);
    }

    fn drained(alone: &Alone) -> i64 {
        alone.other().query_row("SELECT drained FROM owners", [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn nothing_of_a_log_counts_behind_a_hole() {
        let alone = Alone::new(|_| ());
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let before = drained(&alone);
        let _second = alone.append("r1", intended(1));
        alone.writing.help();
        alone.thread();
        let _third = alone.append("r1", intended(2));
        alone.writing.help();
        // The power went, and the system had written out the log and not the database.
        let without =
            format!("UPDATE owners SET drained = {before}; DELETE FROM chunks WHERE key % (1 << 32) = 1");
        alone.other().execute_batch(&without).unwrap();
        let Alone { folder, writing, .. } = alone;
        drop(writing);
        let other = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
        assert_eq!(other.read(&"r1".into()).await.unwrap(), [opened("r1")]);
    }

    #[test]
    fn the_log_takes_what_a_held_database_cannot_up_to_a_bound() {
        let alone = Alone::new(|options| options.patience = Duration::ZERO);
        let _first = alone.append("r1", opened("r1"));
        alone.thread();
        let other = alone.other();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut accepted = vec![opened("r1")];
        let refused = loop {
            let event = asked(&format!("{}{}", accepted.len(), "x".repeat(LITTLE / 2)));
            let mut told = alone.append("r1", event.clone());
            alone.writing.help();
            alone.thread();
            match told.try_recv().unwrap() {
                Ok(()) => accepted.push(event),
                Err(failure) => break failure,
            }
        };
        assert_eq!(refused.trouble, StoreTrouble::Locked);
        assert!((5..20).contains(&accepted.len()), "{}", accepted.len());
        other.execute_batch("ROLLBACK").unwrap();
        alone.thread();
        assert_eq!(alone.recorded("r1")[..accepted.len()], accepted);
    }

    #[test]
    fn much_and_what_waits_for_the_disk_is_left_to_the_thread() {
        for (durability, text) in
            [(crate::Durability::Crash, "x".repeat(LITTLE)), (crate::Durability::Power, "x".to_owned())]
        {
            let alone = Alone::new(|options| options.durability = durability);
            let _first = alone.append("r1", opened("r1"));
            alone.thread();
            let mut told = alone.append("r1", ended(&text));
            alone.writing.help();
            assert!(told.try_recv().is_err(), "{durability:?}");
            alone.thread();
            assert_eq!(told.try_recv().unwrap(), Ok(()));
        }
    }
}
