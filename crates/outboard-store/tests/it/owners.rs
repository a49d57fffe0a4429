//! A run has one owner. Several stores of one folder stand for several processes.

use std::{path::Path, time::Duration};

use outboard_runtime::{
    approval::Spending,
    ids::RunId,
    journal::{Append, RunState, Store as _, StoreTrouble, Which},
};
use outboard_store::{SqliteStore, StoreOptions};
use rusqlite::Connection;

use crate::events::{asked, delivered, ended, intended, lease, opened, record, store};

#[tokio::test]
async fn only_a_run_whose_owner_is_gone_can_be_taken_and_then_the_old_one_cannot_append() {
    let folder = tempfile::tempdir().unwrap();
    let (run, first) = (RunId::from("r1"), lease("r1"));
    let (one, other) = (store(folder.path()), store(folder.path()));
    one.append(&first, vec![opened("r1"), asked(1, "{}")].into()).await.unwrap();
    let refused = other.take(&run).await.unwrap_err();
    assert_eq!(refused.trouble, StoreTrouble::NotOwner, "{refused}");
    assert_eq!(other.runs(Which::Newest(1)).await.unwrap()[0].state, RunState::Running);
    // Nobody appends without the lease, whoever says to have it.
    let forged = other.append(&first, intended(1).into()).await.unwrap_err();
    assert_eq!(forged.trouble, StoreTrouble::NotOwner);
    drop(one);
    assert_eq!(other.runs(Which::Newest(1)).await.unwrap()[0].state, RunState::Interrupted);
    let second = other.take(&run).await.unwrap();
    assert_eq!(second.fence, 2);
    let back = store(folder.path());
    assert_eq!(back.append(&first, intended(1).into()).await.unwrap_err().trouble, StoreTrouble::NotOwner);
    other.append(&second, vec![intended(1), delivered(1, "1"), ended()].into()).await.unwrap();
    assert_eq!(back.read(&run).await.unwrap().len(), 5);
    assert_eq!(back.take(&run).await.unwrap_err().trouble, StoreTrouble::NotOwner);
    assert_eq!(other.append(&second, intended(1).into()).await.unwrap_err().trouble, StoreTrouble::NotOwner);
}

#[tokio::test]
async fn a_run_that_was_let_go_is_anyones_and_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let (run, first) = (RunId::from("r1"), lease("r1"));
    let stores = [store(folder.path()), store(folder.path()), store(folder.path())];
    stores[0].append(&first, opened("r1").into()).await.unwrap();
    stores[0].release(&first).await.unwrap();
    assert_eq!(stores[1].runs(Which::Newest(1)).await.unwrap()[0].state, RunState::Waiting);
    let taken = futures::future::join_all(stores.iter().map(|store| store.take(&run))).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1, "{taken:?}");
    assert_eq!(stores[0].release(&first).await.unwrap_err().trouble, StoreTrouble::NotOwner);
}

#[tokio::test]
async fn the_name_of_a_run_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (store(folder.path()), store(folder.path()));
    record(&one, "r1", "1").await;
    for store in [&one, &other] {
        let again = store.append(&lease("r1"), opened("r1").into()).await.unwrap_err();
        assert_eq!(again.trouble, StoreTrouble::NotOwner, "{again}");
    }
    assert_eq!(one.read(&RunId::from("r1")).await.unwrap().len(), 5);
}

#[tokio::test]
async fn an_append_that_rests_on_a_used_approval_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.append(&lease("r1"), vec![opened("r1"), asked(1, "{}")].into()).await.unwrap();
    let append =
        Append { events: vec![intended(1)], spends: vec![Spending { key: "none".to_owned(), uses: 0 }] };
    assert_eq!(store.append(&lease("r1"), append).await.unwrap_err().trouble, StoreTrouble::Spent);
    store.append(&lease("r1"), delivered(1, "1").into()).await.unwrap();
    assert_eq!(
        store.read(&RunId::from("r1")).await.unwrap(),
        [opened("r1"), asked(1, "{}"), delivered(1, "1")]
    );
}

#[tokio::test]
async fn many_stores_write_one_database_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let stores: Vec<_> = (0..4).map(|_| store(folder.path())).collect();
    let all = stores.iter().enumerate().map(|(number, store)| async move {
        for n in 0..20 {
            record(store, &format!("r{n}-{number}"), "1").await;
        }
    });
    futures::future::join_all(all).await;
    assert_eq!(stores[0].runs(Which::Newest(100)).await.unwrap().len(), 80);
}

#[tokio::test]
async fn an_owner_counts_in_the_step_that_gives_it_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    // Whoever saw this owner long ago must see now that it is there.
    let beat = || {
        let database = Connection::open(store.file()).unwrap();
        database.query_row("SELECT beat FROM owners", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    record(&store, "r1", "1").await;
    let idle = beat();
    store.append(&lease("r2"), opened("r2").into()).await.unwrap();
    let began = beat();
    store.release(&lease("r2")).await.unwrap();
    let released = beat();
    store.take(&RunId::from("r2")).await.unwrap();
    assert!(idle < began && began <= released && released < beat());
}

/// A store for which an owner that does not count between two looks is gone.
fn hasty(folder: &Path) -> SqliteStore {
    SqliteStore::new(StoreOptions { lease: Duration::ZERO, ..StoreOptions::new(folder) }).unwrap()
}

#[tokio::test]
async fn an_owner_that_only_seemed_gone_writes_nothing_to_a_run_that_was_taken_and_all_of_its_others_once() {
    let folder = tempfile::tempdir().unwrap();
    let (slow, other) = (store(folder.path()), hasty(folder.path()));
    let (taken, kept) = (lease("r1"), lease("r2"));
    for run in ["r1", "r2"] {
        slow.append(&lease(run), vec![opened(run), asked(1, "{}"), intended(1)].into()).await.unwrap();
        slow.append(&lease(run), vec![delivered(1, "1"), asked(2, "{}"), intended(2)].into()).await.unwrap();
    }
    assert_eq!(other.take(&taken.run).await.unwrap_err().trouble, StoreTrouble::NotOwner);
    let second = other.take(&taken.run).await.unwrap();
    let until = |run: &str| {
        vec![opened(run), asked(1, "{}"), intended(1), delivered(1, "1"), asked(2, "{}"), intended(2)]
    };
    assert_eq!(other.read(&taken.run).await.unwrap(), until("r1"));
    let refused = slow.append(&taken, vec![delivered(2, "2"), intended(3)].into()).await.unwrap_err();
    assert_eq!(refused.trouble, StoreTrouble::NotOwner);
    slow.append(&kept, vec![delivered(2, "2"), asked(3, "{}"), intended(3)].into()).await.unwrap();
    slow.append(&kept, vec![delivered(3, "3"), ended()].into()).await.unwrap();
    other.append(&second, vec![delivered(2, "0"), ended()].into()).await.unwrap();
    drop((slow, other));
    let last = store(folder.path());
    let of_kept = [delivered(2, "2"), asked(3, "{}"), intended(3), delivered(3, "3"), ended()];
    assert_eq!(last.read(&kept.run).await.unwrap(), [until("r2"), of_kept.to_vec()].concat());
    let of_taken = [delivered(2, "0"), ended()];
    assert_eq!(last.read(&taken.run).await.unwrap(), [until("r1"), of_taken.to_vec()].concat());
}

#[tokio::test]
async fn what_an_owner_logs_while_others_take_its_runs_is_either_seen_by_them_or_refused() {
    for round in 0..30 {
        let folder = tempfile::tempdir().unwrap();
        let slow = store(folder.path());
        let run = lease("r1");
        slow.append(&run, opened("r1").into()).await.unwrap();
        let other = hasty(folder.path());
        assert!(other.take(&run.run).await.is_err());
        let sends = async {
            let mut sent = Vec::new();
            for id in 1.. {
                match slow.append(&run, vec![asked(id, "{}"), intended(id)].into()).await {
                    Ok(()) => sent.push(intended(id)),
                    Err(failure) => {
                        assert_eq!(failure.trouble, StoreTrouble::NotOwner);
                        break;
                    }
                }
                tokio::task::yield_now().await;
            }
            sent
        };
        let takes = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            other.take(&run.run).await.unwrap();
            other.read(&run.run).await.unwrap()
        };
        let (sent, seen) = tokio::join!(sends, takes);
        let seen = seen.iter().filter(|event| sent.contains(event)).count();
        assert_eq!(seen, sent.len(), "each call that was sent is known to whoever took the run, once");
    }
}
