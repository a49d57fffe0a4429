//! What is appended is read back: in order, whole, by others, and until it is pruned.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use outboard_runtime::{
    ids::RunId,
    journal::{Append, REDACTED, Redactor, RunState, Store as _, Which},
};
use outboard_store::{Durability, Retention, SqliteStore, StoreOptions};

use crate::events::{asked, delivered, intended, lease, opened, record, store, whole};

#[tokio::test]
async fn events_come_back_in_the_order_of_the_appends_also_those_nobody_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let large = format!("\"{}\"", "large ".repeat(10_000));
    let events = whole("r1", &large);
    for event in &events[..4] {
        drop(store.append(&lease("r1"), event.clone().into()));
    }
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), events[..4]);
    store.append(&lease("r1"), events[4].clone().into()).await.unwrap();
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), events);
    drop(store);
    let again = self::store(folder.path());
    assert_eq!(again.read(&RunId::from("r1")).await.unwrap(), events);
    assert_eq!(again.read(&RunId::from("r2")).await.unwrap(), []);
    let [entry] = &again.runs(Which::Newest(10)).await.unwrap()[..] else { panic!("one run") };
    assert_eq!((entry.title.as_str(), entry.state, entry.calls), ("// nothing", RunState::Ended, 1));
    assert!(entry.bytes < 2_000, "60 KB of the same take {}", entry.bytes);
}

#[tokio::test]
async fn what_is_stored_is_for_this_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("state");
    let store = store(&inner);
    record(&store, "r1", "1").await;
    for (path, mode) in [(inner.clone(), 0o700), (store.file(), 0o600), (inner.join("journal.db-wal"), 0o600)]
    {
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
}

#[tokio::test]
async fn many_runs_at_once_are_written_together_and_read_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let names: Vec<String> = (0..200).map(|n| format!("r{n}")).collect();
    let written = names.iter().map(|run| store.append(&lease(run), Append::from(whole(run, "[1,2]"))));
    for written in written.collect::<Vec<_>>() {
        written.await.unwrap();
    }
    for run in &names {
        assert_eq!(store.read(&RunId::from(run.as_str())).await.unwrap(), whole(run, "[1,2]"));
    }
    assert_eq!(store.runs(Which::Newest(50)).await.unwrap().len(), 50);
}

#[tokio::test]
async fn power_is_survived_at_a_cost_that_can_be_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { durability: Durability::Power, ..StoreOptions::new(folder.path()) };
    let store = SqliteStore::new(options).unwrap();
    record(&store, "r1", "1").await;
    assert!(store.cost().await.unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn secrets_are_not_in_the_database_and_the_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.redact(Redactor::new(["very-secret-word"], &["k-[0-9]+".to_owned()]).unwrap());
    record(&store, "r1", r#"{"a":"very-secret-word","b":"k-123456"}"#).await;
    record(&store, "r2", "1").await;
    let redacted = format!(r#"{{"a":"{REDACTED}","b":"{REDACTED}"}}"#);
    assert_eq!(store.read(&RunId::from("r1")).await.unwrap(), whole("r1", &redacted));
    let runs = store.runs(Which::Newest(2)).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.redacted).collect::<Vec<_>>(), [false, true]);
    drop(store);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("very-secret-word") && !text.contains("k-123456"));
    }
}

#[tokio::test]
async fn old_runs_go_and_values_that_others_hold_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let shared = format!("\"{}\"", "shared ".repeat(1_000));
    record(&store, "r1", &shared).await;
    record(&store, "r2", &shared).await;
    drop(store.append(&lease("r3"), vec![opened("r3"), asked(1, &shared)].into()));
    let nothing = Retention { age: Duration::MAX, bytes: u64::MAX };
    assert_eq!(store.prune(nothing).await.unwrap().runs, 0);
    let first = store.runs(Which::Newest(10)).await.unwrap().pop().unwrap().id;
    assert_eq!(first, RunId::from("r1"));
    // Over all that is kept, the oldest goes first, and what runs stays.
    let pruned = store.prune(Retention { age: Duration::MAX, bytes: 0 }).await.unwrap();
    assert_eq!(pruned.runs, 2);
    assert_eq!(store.read(&RunId::from("r3")).await.unwrap(), [opened("r3"), asked(1, &shared)]);
    drop(store.append(&lease("r3"), vec![intended(1), delivered(1, "1")].into()));
    assert_eq!(store.prune(Retention { age: Duration::ZERO, bytes: u64::MAX }).await.unwrap().runs, 0);
}

#[tokio::test]
async fn room_is_given_back_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let mut noise = 1u64;
    for run in 0..20 {
        let numbers: Vec<u64> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            noise
        })
        .take(5_000)
        .collect();
        record(&store, &format!("r{run}"), &serde_json::to_string(&numbers).unwrap()).await;
    }
    let pruned = store.prune(Retention { age: Duration::MAX, bytes: 200_000 }).await.unwrap();
    assert!(pruned.before > 800_000 && pruned.after <= 200_000, "{pruned:?}");
    assert!(pruned.runs > 10 && pruned.runs < 20, "{pruned:?}");
}
