//! The store as the runtime sees it: appends are queued, and written by whoever waits or by a thread; reading happens on
//! threads that may block. Nothing here waits for the disk.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures::{FutureExt as _, future::BoxFuture};
use outboard_runtime::{
    ids::RunId,
    journal::{Append, Event, Lease, Redactor, RunEntry, Store, StoreFailure, StoreTrouble, Which, Written},
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{
    chunk::Unreadable,
    connection,
    failure::At,
    holder::{self, Watch},
    job::{After, Job, Tell, Turn},
    options::StoreOptions,
    queue::When,
    runs, takeover,
    writing::Writing,
};

/// Journals in a database of this machine. One process may have several stores of one folder.
#[derive(Debug)]
pub struct SqliteStore {
    options: Arc<StoreOptions>,
    writing: Arc<Writing>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reader: Arc<Mutex<Reader>>,
    redactor: Arc<RwLock<Redactor>>,
    watch: Arc<Mutex<Watch>>,
    /// Something was written, or was to be.
    used: AtomicBool,
}

#[derive(Debug, Default)]
struct Reader {
    connection: Option<Connection>,
    /// Of the file that is open.
    identity: Option<(u64, u64)>,
}

impl SqliteStore {
    /// A store as the options say. The database is opened with the first use, and made with the first append.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn new(options: StoreOptions) -> std::io::Result<Self> {
        let (options, redactor, watch) = (Arc::new(options), Arc::default(), Arc::default());
        let writing = Writing::new(Arc::clone(&options), Arc::clone(&redactor), Arc::clone(&watch));
        let writing = Arc::new(writing);
        let of_thread = Arc::clone(&writing);
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self {
            options,
            writing,
            thread: Mutex::new(Some(thread)),
            reader: Arc::default(),
            redactor,
            watch,
            used: AtomicBool::new(false),
        })
    }

    /// From now on this is taken out of everything before it is recorded.
    pub fn redact(&self, redactor: Redactor) {
        *self.redactor.write().unwrap_or_else(PoisonError::into_inner) = redactor;
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// The database.
    pub fn file(&self) -> PathBuf {
        connection::file(&self.options.folder)
    }

    /// Writes what waits and ends: nothing can be appended any more. Blocks until that is done; dropping the store does
    /// the same.
    pub fn close(&self) {
        self.writing.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's writer broke");
        }
    }

    /// How long the disk takes for what each intent waits for: the median of five.
    pub async fn cost(&self) -> Result<Duration, StoreFailure> {
        let mut costs = Vec::new();
        for _ in 0..5 {
            let started = Instant::now();
            self.write(|turn| {
                holder::renew(turn.transaction, turn.holder).map_err(|error| turn.at.sql(&error))
            })
            .await?;
            costs.push(started.elapsed());
        }
        costs.sort();
        Ok(costs[costs.len() / 2])
    }

    /// Does something in a transaction of its own on the writer's thread. What it gives stands when the future is done.
    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreFailure> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreFailure>> {
        let (tell, told) = oneshot::channel();
        let work = Box::new(move |turn: Result<&mut Turn<'_>, &StoreFailure>| {
            let done = match turn {
                Ok(turn) => within_savepoint(turn, work),
                Err(failure) => Err(failure.clone()),
            };
            // Whoever does not wait any more need not be told.
            Box::new(move |stands: Result<(), StoreFailure>| drop(tell.send(stands.and(done)))) as Tell
        });
        self.push(Job::Work(work), When::Now);
        answer(told)
    }

    fn push(&self, job: Job, when: When) {
        self.used.store(true, Ordering::Release);
        self.writing.push(job, when);
    }

    /// Reads on a thread that may block, after all that was appended before; `None` if there is no database.
    pub(crate) async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &mut Watch, &StoreOptions) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<Option<T>, StoreFailure> {
        self.written().await?;
        self.reading(read).await
    }

    /// Reads what is in the database now.
    pub(crate) async fn reading<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &mut Watch, &StoreOptions) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<Option<T>, StoreFailure> {
        let (reader, options) = (Arc::clone(&self.reader), Arc::clone(&self.options));
        let watch = Arc::clone(&self.watch);
        let done = tokio::task::spawn_blocking(move || {
            let file = connection::file(&options.folder);
            let at = At { file: &file, action: "read" };
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let Reader { connection, identity } = &mut *reader;
            let now = connection::identity(&options.folder);
            if *identity != now {
                (*connection, *identity) = (None, now);
            }
            if connection.is_none() {
                *connection = connection::open_to_read(&options)?;
            }
            let Some(open) = connection else { return Ok(None) };
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            let read = read(open, &mut watch, &options).map_err(|unreadable| match unreadable {
                Unreadable::Damaged(what) => at.damaged(&what),
                Unreadable::Sql(error) => at.sql(&error),
                Unreadable::Log(error) => at.log(&error),
            });
            if read.is_err() {
                *connection = None;
            }
            read.map(Some)
        });
        done.await.unwrap_or_else(|error| {
            let reason = format!("reading broke: {error}");
            Err(StoreFailure { trouble: StoreTrouble::Other, action: "read", reason })
        })
    }

    /// Waits until all that was appended before is written or has failed.
    async fn written(&self) -> Result<(), StoreFailure> {
        if !self.used.load(Ordering::Acquire) {
            return Ok(());
        }
        let (tell, told) = oneshot::channel();
        self.writing.push(Job::Mark(tell), When::Now);
        answer(told).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl Store for SqliteStore {
    fn append(&self, lease: &Lease, append: Append) -> Written {
        let (done, told) = oneshot::channel();
        let when = append.events.iter().map(urgency).max().unwrap_or(When::Soon);
        self.push(Job::append(lease.clone(), append, done), when);
        let writing = Arc::clone(&self.writing);
        async move {
            let mut told = told;
            if let Ok(done) = told.try_recv() {
                return done;
            }
            // What others are about to append is written with it.
            once_more().await;
            if told.is_empty() {
                writing.help();
            }
            answer(told).await
        }
        .boxed()
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        let run = run.clone();
        async move {
            self.gather().await;
            let events = self
                .read_with(move |connection, _, options| takeover::read(connection, &options.folder, &run));
            let events = events.await?;
            Ok(events.unwrap_or_default())
        }
        .boxed()
    }

    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>> {
        async move {
            self.gather().await;
            let list = self.read_with(move |connection, watch, options| {
                let expired = |no| watch.expired(connection, options, no);
                Ok(runs::list(connection, &which, expired)?)
            });
            Ok(list.await?.unwrap_or_default())
        }
        .boxed()
    }

    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>> {
        let run = run.clone();
        let taken = self.write(move |turn| {
            let (transaction, at, folder) = (turn.transaction, turn.at, &turn.options.folder);
            let sql = |error: rusqlite::Error| at.sql(&error);
            let before = runs::holder_of(transaction, &run).map_err(sql)?;
            let is_free = match before {
                Some(before) if before == turn.holder => false,
                Some(before) => turn.watch.expired(transaction, turn.options, before).map_err(sql)?,
                None => true,
            };
            if let Some(before) = before.filter(|_| is_free) {
                // Its end may be among it.
                takeover::bring_in(turn, before)?;
            }
            let taken = runs::take(transaction, turn.holder, &run, is_free).map_err(sql)?;
            // What was brought in stands all the same.
            let fence = match taken {
                Ok(fence) => fence,
                Err(reason) => return Ok(Err(at.failure(StoreTrouble::NotOwner, reason))),
            };
            if let Some(before) = before {
                let buried = holder::bury(transaction, folder, before).map_err(sql)?;
                turn.after.extend(buried);
            }
            let lease = Lease { run, fence };
            turn.after.push(After::Own(lease.clone()));
            Ok(Ok(lease))
        });
        async move { taken.await? }.boxed()
    }

    fn release(&self, lease: &Lease) -> Written {
        let lease = lease.clone();
        self.write(move |turn| {
            if let Some(own) = turn.owned.get(&lease.run) {
                runs::count(turn.transaction, turn.holder, &lease.run, own.uncounted, runs::now())
                    .map_err(|error| turn.at.sql(&error))?;
            }
            turn.after.push(After::Disown(lease.clone()));
            let released = runs::release(turn.transaction, turn.holder, &lease);
            match released.map_err(|error| turn.at.sql(&error))? {
                true => Ok(()),
                false => Err(turn
                    .at
                    .failure(StoreTrouble::NotOwner, "the run has ended, or another Outboard owns it")),
            }
        })
    }
}

/// How soon an event has to be written if nobody waits for it: what was delivered would be lost with the process, what
/// was asked is asked again. Whoever waits has it written before.
fn urgency(event: &Event) -> When {
    match event {
        Event::Asked(_) => When::Along,
        Event::Opened(_) | Event::Intended(_) | Event::Delivered(_) | Event::Wrote(_) | Event::Ended(_) => {
            When::Soon
        }
        Event::Resumed(_) => When::Now,
    }
}

/// Lets other work that is ready go first.
async fn once_more() {
    let mut gone = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut gone, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Does work so that nothing of it stands if it fails.
fn within_savepoint<T>(
    turn: &mut Turn<'_>,
    work: impl FnOnce(&mut Turn<'_>) -> Result<T, StoreFailure>,
) -> Result<T, StoreFailure> {
    let at = turn.at;
    let step = |sql: &str| turn.transaction.execute_batch(sql).map_err(|error| at.sql(&error));
    step("SAVEPOINT work")?;
    let before = turn.after.len();
    let done = work(turn);
    if done.is_err() {
        turn.after.truncate(before);
    }
    let step = |sql: &str| turn.transaction.execute_batch(sql).map_err(|error| at.sql(&error));
    step(if done.is_ok() { "RELEASE work" } else { "ROLLBACK TO work; RELEASE work" })?;
    done
}

fn answer<T: Send + 'static>(
    told: oneshot::Receiver<Result<T, StoreFailure>>,
) -> BoxFuture<'static, Result<T, StoreFailure>> {
    async move {
        told.await.unwrap_or_else(|_| {
            let reason = "the journal's writer has ended".to_owned();
            Err(StoreFailure { trouble: StoreTrouble::Other, action: "written", reason })
        })
    }
    .boxed()
}
