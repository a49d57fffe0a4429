//! Full disks, locked, damaged and newer databases: appends are refused with words that say what to do, and nothing that
//! was recorded is lost.

use std::time::Duration;

use outboard_runtime::{
    ids::RunId,
    journal::{Append, Event, Store as _, StoreFailure, StoreTrouble},
};
use outboard_store::{Retention, SqliteStore, StoreOptions};
use rusqlite::Connection;

use crate::events::{asked, delivered, ended, intended, lease, opened, record, store, whole};

/// A value that cannot be compressed.
fn noise(bytes: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let digits = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state % 94).unwrap())
    });
    let text: String = digits.filter(|char| !matches!(char, '"' | '\\')).take(bytes).collect();
    format!("\"{text}\"")
}

#[tokio::test]
async fn a_full_disk_refuses_intents_and_the_record_has_no_hole_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { most_pages: Some(128), ..StoreOptions::new(folder.path()) };
    let full = SqliteStore::new(options).unwrap();
    record(&full, "r1", &noise(250_000)).await;
    let run = lease("r2");
    full.append(&run, vec![opened("r2"), asked(1, "{}"), intended(1)].into()).await.unwrap();
    let large = noise(300_000);
    let lost = full.append(&run, delivered(1, &large).into()).await.unwrap_err();
    assert_eq!(lost.trouble, StoreTrouble::Full);
    assert!(lost.to_string().contains("make room"), "{lost}");
    drop(full.append(&run, asked(2, "{}").into()));
    // A small intent is refused too, for what must stand before it. Another run that fits goes on.
    let refused = full.append(&run, intended(2).into()).await.unwrap_err();
    assert_eq!(refused.trouble, StoreTrouble::Full);
    record(&full, "r3", "1").await;
    assert_eq!(full.read(&RunId::from("r1")).await.unwrap(), whole("r1", &noise(250_000)));
    let pruned = store(folder.path()).prune(Retention { age: Duration::MAX, bytes: 0 }).await.unwrap();
    assert_eq!(pruned.runs, 2);
    full.append(&run, vec![delivered(2, "2"), ended()].into()).await.unwrap();
    let expected = [
        opened("r2"),
        asked(1, "{}"),
        intended(1),
        delivered(1, &large),
        asked(2, "{}"),
        delivered(2, "2"),
        ended(),
    ];
    assert_eq!(full.read(&RunId::from("r2")).await.unwrap(), expected);
}

#[tokio::test]
async fn a_database_that_another_process_holds_is_waited_for_and_then_refused() {
    let folder = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(50);
    let store = SqliteStore::new(StoreOptions { patience, ..StoreOptions::new(folder.path()) }).unwrap();
    record(&store, "r1", "1").await;
    let mut holder = Connection::open(store.file()).unwrap();
    let held = holder.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let refused = store.append(&lease("r2"), opened("r2").into()).await.unwrap_err();
    assert_eq!(refused.trouble, StoreTrouble::Locked);
    assert!(refused.to_string().contains("another process holds"), "{refused}");
    // Reading goes on.
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), whole("r1", "1"));
    drop(held);
    store.append(&lease("r2"), asked(1, "{}").into()).await.unwrap();
    assert_eq!(store.read(&RunId::from("r2")).await.unwrap(), [opened("r2"), asked(1, "{}")]);
}

fn is_damaged(failure: &StoreFailure) -> bool {
    failure.trouble == StoreTrouble::Damaged && failure.to_string().contains("move it away")
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.db");
    let words = "this is no database ".repeat(1_000);
    std::fs::write(&file, &words).unwrap();
    let store = store(folder.path());
    let refused = store.append(&lease("r1"), opened("r1").into()).await.unwrap_err();
    assert!(is_damaged(&refused), "{refused}");
    assert!(store.read(&RunId::from("r1")).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), words);
    // Once it is moved away, the store begins a new one without a restart and brings what was left.
    std::fs::rename(&file, folder.path().join("away")).unwrap();
    store.append(&lease("r1"), asked(1, "{}").into()).await.unwrap();
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), [opened("r1"), asked(1, "{}")]);
}

#[tokio::test]
async fn damage_within_a_database_is_told_and_other_runs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    record(&store, "r1", "1").await;
    record(&store, "r2", &noise(10_000)).await;
    let database = Connection::open(store.file()).unwrap();
    database.execute("UPDATE blobs SET body = zeroblob(10)", []).unwrap();
    let unreadable = store.read(&RunId::from("r2")).await.unwrap_err();
    assert_eq!(unreadable.trouble, StoreTrouble::Damaged, "{unreadable}");
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), whole("r1", "1"));
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    record(&store(folder.path()), "r1", "1").await;
    let file = folder.path().join("journal.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let store = store(folder.path());
    let refused = store.append(&lease("r2"), opened("r2").into()).await.unwrap_err();
    assert_eq!(refused.trouble, StoreTrouble::Newer);
    assert!(refused.to_string().contains("format 99"), "{refused}");
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap_err().trouble, StoreTrouble::Newer);
}

#[tokio::test]
async fn a_database_that_was_moved_away_is_not_read_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    record(&store, "r1", "1").await;
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap().len(), 5);
    for end in ["", "-wal", "-shm"] {
        let file = format!("{}{end}", store.file().display());
        std::fs::rename(&file, format!("{file}.away")).unwrap();
    }
    record(&store, "r2", "1").await;
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), []);
    assert_eq!(store.read(&RunId::from("r2")).await.unwrap().len(), 5);
    let pruned = store.prune(Retention { age: Duration::MAX, bytes: 0 }).await.unwrap();
    assert_eq!(pruned.runs, 1);
}

#[tokio::test]
async fn one_append_that_cannot_be_stored_does_not_take_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    record(&store, "r0", "1").await;
    // Stands for anything that is wrong with one append alone.
    let database = Connection::open(store.file()).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER no BEFORE INSERT ON runs WHEN new.id = 'r1' BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .unwrap();
    let bad = store.append(&lease("r1"), opened("r1").into());
    let good = store.append(&lease("r2"), Append::from(whole("r2", "1")));
    let events: Vec<Event> = whole("r2", "1");
    assert_eq!(bad.await.unwrap_err().trouble, StoreTrouble::Other);
    good.await.unwrap();
    assert_eq!(store.read(&RunId::from("r2")).await.unwrap(), events);
}
