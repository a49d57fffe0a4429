//! What one call waits for: an intent appended behind the answer before it and the question of it, as runs do it, by each
//! durability. `cargo run --package outboard-store --example latency`; what others do on the machine moves it.

use std::time::{Duration, Instant};

use outboard_runtime::{
    Language,
    clock::{RunTime, WallTime},
    ids::{ImageHash, RequestId, RunId},
    journal::{Event, FORMAT, Intent, Lease, Opened, Reading, Store as _},
    json::Json,
    limits::Limits,
    ports::engine::{Delivered, Delivery, GuestAsk, GuestRequest, Reply},
};
use outboard_store::{Durability, SqliteStore, StoreOptions};

const CALLS: u32 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut out = std::io::stdout();
    for durability in [Durability::Crash, Durability::Power] {
        let folder = tempfile::tempdir()?;
        let store = SqliteStore::new(StoreOptions { durability, ..StoreOptions::new(folder.path()) })?;
        let mut waits = tokio.block_on(measure(&store))?;
        waits.sort_unstable();
        let at = |share: usize| waits[waits.len() * share / 100];
        let line = format!("{durability:?}: p10 {:?}, median {:?}, p90 {:?}\n", at(10), at(50), at(90));
        std::io::Write::write_all(&mut out, line.as_bytes())?;
    }
    Ok(())
}

async fn measure(store: &SqliteStore) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let lease = Lease::first(RunId::from("r1"));
    drop(store.append(&lease, opened().into()));
    let mut waits = Vec::new();
    for call in 1..=CALLS {
        let what = GuestAsk::Call {
            namespace: "bench".to_owned(),
            tool: "page".to_owned(),
            arguments: Json::parse(format!("{{\"page\":{call}}}"))?,
            paged: false,
        };
        let request = RequestId(call);
        drop(store.append(&lease, Event::Asked(GuestRequest { id: request, what, position: None }).into()));
        let started = Instant::now();
        store.append(&lease, Event::Intended(intent(request)).into()).await?;
        waits.push(started.elapsed());
        // Some time for the call itself.
        tokio::time::sleep(Duration::from_micros(100)).await;
        let reply = Reply::Value(Json::string(&"record ".repeat(200)));
        let delivery = Delivery { at: RunTime::default(), what: Delivered::Settled { request, reply } };
        drop(store.append(&lease, Event::Delivered(delivery).into()));
    }
    Ok(waits)
}

fn opened() -> Event {
    Event::Opened(Box::new(Opened {
        format: FORMAT,
        run: "r1".into(),
        source: "return 1".to_owned(),
        language: Language::TypeScript,
        image: ImageHash::from("image"),
        seed: [7; 32],
        started_at: WallTime(0),
        limits: Limits::default(),
        namespaces: Vec::new(),
        origin: None,
        principal: None,
        reading: Reading::default(),
    }))
}

fn intent(request: RequestId) -> Intent {
    Intent {
        request,
        at: RunTime::default(),
        upstream: "bench".into(),
        namespace: "bench".into(),
        tool: "page".into(),
        read_only: true,
        idempotent: true,
        allowed_by: "a measure".to_owned(),
    }
}
