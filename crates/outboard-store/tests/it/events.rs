//! Events for tests, and stores to put them into.

use std::path::Path;

use outboard_runtime::{
    Language,
    clock::{RunTime, WallTime},
    ids::{ImageHash, RequestId, RunId},
    journal::{Append, Ending, Event, FORMAT, Intent, Lease, Opened, Reading, Store},
    json::Json,
    limits::Limits,
    ports::engine::{Delivered, Delivery, GuestAsk, GuestRequest, Reply},
};
use outboard_store::{SqliteStore, StoreOptions};

pub(crate) fn store(folder: &Path) -> SqliteStore {
    SqliteStore::new(StoreOptions::new(folder)).unwrap()
}

pub(crate) fn opened(run: &str) -> Event {
    Event::Opened(Box::new(Opened {
        format: FORMAT,
        run: run.into(),
        source: "// nothing\nreturn 1".to_owned(),
        language: Language::TypeScript,
        image: ImageHash::from("image"),
        seed: [7; 32],
        started_at: WallTime(1_700_000_000_000),
        limits: Limits::default(),
        namespaces: Vec::new(),
        origin: None,
        principal: None,
        reading: Reading::default(),
    }))
}

pub(crate) fn asked(id: u32, arguments: &str) -> Event {
    let what = GuestAsk::Call {
        namespace: "box".to_owned(),
        tool: "work".to_owned(),
        arguments: Json::parse(arguments).unwrap(),
        paged: false,
    };
    Event::Asked(GuestRequest { id: RequestId(id), what, position: None })
}

pub(crate) fn intended(id: u32) -> Event {
    Event::Intended(Intent {
        request: RequestId(id),
        at: RunTime::default(),
        upstream: "box".into(),
        namespace: "box".into(),
        tool: "work".into(),
        read_only: false,
        idempotent: false,
        allowed_by: "a test".to_owned(),
    })
}

pub(crate) fn delivered(id: u32, value: &str) -> Event {
    let reply = Reply::Value(Json::parse(value).unwrap());
    Event::Delivered(Delivery {
        at: RunTime::default(),
        what: Delivered::Settled { request: RequestId(id), reply },
    })
}

pub(crate) fn ended() -> Event {
    Event::Ended(Ending::Value(None))
}

pub(crate) fn lease(run: &str) -> Lease {
    Lease::first(RunId::from(run))
}

/// A whole run with one call that had this answer.
pub(crate) fn whole(run: &str, answer: &str) -> Vec<Event> {
    vec![opened(run), asked(1, "{}"), intended(1), delivered(1, answer), ended()]
}

/// Records a whole run.
pub(crate) async fn record(store: &SqliteStore, run: &str, answer: &str) {
    store.append(&lease(run), Append::from(whole(run, answer))).await.unwrap();
}
