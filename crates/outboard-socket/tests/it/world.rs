//! A socket that is served, with one upstream `box`: `echo` gives back its arguments, `wait` never answers, `fail` fails, `ask` and
//! `no` are for the policy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    Engines, Parts, Runtime,
    approval::{Approvals, Reach, SigningKey},
    broker::Permit,
    catalogue::{Catalogue, Listing, ToolDefinition, UpstreamState},
    clock::SystemClock,
    ids::{ImageHash, UpstreamName},
    journal::{MemoryStore, Reader},
    json::Json,
    limits::Limits,
    operation::Operation,
    policy::{Decider, Facts, Policy, Reason, Verdict},
    ports::{
        engine::{Engine, EngineRefused, Guest, GuestWorld},
        upstream::{SendFailure, Upstream, Upstreams},
    },
    reply::CallReply,
    session::Session,
};
use outboard_socket::{Door, Private, Service, Traffic, open, serve};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::peer::Peer;

/// No script is run here.
struct NoEngine(ImageHash);

impl Engine for NoEngine {
    fn image(&self) -> &ImageHash {
        &self.0
    }

    fn open(&self, _: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        Err(EngineRefused { reason: "there is none".to_owned() })
    }
}

/// Counts what it was sent, and what of it was abandoned.
#[derive(Default)]
pub(crate) struct Upstreamed {
    pub(crate) sent: AtomicUsize,
    pub(crate) abandoned: AtomicUsize,
}

struct Abandoned<'a>(&'a Upstreamed);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.abandoned.fetch_add(1, Ordering::SeqCst);
    }
}

impl Upstream for Upstreamed {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        let Operation::CallTool(call) = permit.operation().clone() else { panic!("only tools") };
        self.sent.fetch_add(1, Ordering::SeqCst);
        async move {
            let reply = |structured: Json| CallReply { structured: Some(structured), ..CallReply::default() };
            match call.tool.as_str() {
                "wait" => {
                    let _abandoned = Abandoned(self);
                    std::future::pending().await
                }
                "fail" => Ok(CallReply {
                    content: vec![Json::from(json!({"type": "text", "text": "no such thing"}))],
                    is_error: true,
                    ..CallReply::default()
                }),
                "big" => Ok(reply(Json::from(json!({"text": "x".repeat(8 << 20)})))),
                _ => Ok(reply(call.arguments)),
            }
        }
        .boxed()
    }
}

struct Only(Arc<Upstreamed>);

impl Upstreams for Only {
    fn get(&self, _: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        Some(Arc::clone(&self.0) as _)
    }
}

struct ByName;

impl Policy for ByName {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let because = |text: &str| Reason::new(Decider::Otherwise, text);
        match facts.identifier {
            "no" => Verdict::Deny(because("not here")),
            "ask" => Verdict::Ask(because("a person decides")),
            _ => Verdict::Allow(because("all else")),
        }
    }

    fn describe(&self) -> String {
        "by name".to_owned()
    }
}

pub(crate) struct World {
    pub(crate) upstream: Arc<Upstreamed>,
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) traffic: watch::Receiver<Traffic>,
    pub(crate) stop: CancellationToken,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) serving: JoinHandle<()>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::behind(|door| door)
    }

    pub(crate) fn behind(make: impl FnOnce(Door) -> Door) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let door = make(open(&Private::folder(&folder.path().join("private")).unwrap(), "socket").unwrap());
        let upstream = Arc::new(Upstreamed::default());
        let approvals =
            Arc::new(Approvals::new(SigningKey::random(), Arc::new(SystemClock), Reach::Somebody));
        let runtime = Runtime::new(Parts {
            catalogue: catalogue(),
            upstreams: Arc::new(Only(Arc::clone(&upstream))),
            engines: Engines::new(Arc::new(NoEngine(ImageHash::from("none")))),
            policy: Arc::new(ByName),
            approver: Arc::clone(&approvals) as _,
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            runs_at_once: 4,
            runs_waiting: 4,
        });
        let session = Session::new();
        session.set_client("a test".into());
        let service = Service {
            runtime: Arc::new(runtime),
            session: Arc::new(session),
            reader: Reader::Unknown,
            approvals: Arc::clone(&approvals),
        };
        let (told, traffic) = watch::channel(Traffic::default());
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(door, service, told, stop.clone()));
        Self { upstream, approvals, traffic, stop, folder, serving }
    }

    /// A program that has not said anything.
    pub(crate) async fn connect(&self) -> Peer {
        Peer::connect(&self.folder.path().join("private/socket")).await
    }

    /// A program that is served.
    pub(crate) async fn program(&self) -> Peer {
        let mut peer = self.connect().await;
        peer.say(&json!({"hello": {"version": 1}})).await;
        assert_eq!(peer.hear().await, Some(json!({"welcome": {"version": 1}})));
        peer
    }
}

/// Waits until it is so; a test that waits for ever ends by its time limit.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let waited = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waited).await.is_ok(), "{what}");
}

fn catalogue() -> Catalogue {
    let name = UpstreamName::from("box");
    let catalogue = Catalogue::new([name.clone()]);
    let tools = ["echo", "wait", "fail", "ask", "no", "big"];
    let tools = tools.map(|name| {
        let tool: Value = json!({"name": name, "inputSchema": {"type": "object"}});
        Arc::new(serde_json::from_value::<ToolDefinition>(tool).unwrap())
    });
    catalogue.publish(&name, Listing { tools: tools.into(), ..Listing::default() });
    catalogue.set_state(&name, UpstreamState::Ready { took: Duration::ZERO });
    catalogue
}
