//! Permits for tests. Only the broker makes them, so a broker whose upstream catches what it is given
//! stands in for the real one. It sends nothing itself.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use outboard_runtime::{
    approval::NobodyThere,
    broker::{Broker, Budget, CallRequest, Caller, Ledger, Permit, Tally},
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition, UpstreamState},
    ids::{RequestId, RunId, ToolName, UpstreamName},
    journal::MemoryStore,
    json::Json,
    limits::Limits,
    policy::AllowAll,
    ports::upstream::{SendFailure, Upstream, Upstreams},
    reply::CallReply,
    session::Session,
};
use tokio::sync::{Mutex, mpsc};

/// Gives permits to call any tool of one upstream.
pub(crate) struct Gate {
    broker: Broker,
    catalogue: Catalogue,
    upstream: UpstreamName,
    caught: Mutex<mpsc::Receiver<Permit>>,
}

struct Catch(mpsc::Sender<Permit>);

impl Gate {
    pub(crate) fn new(upstream: &UpstreamName) -> Self {
        let catalogue = Catalogue::new([upstream.clone()]);
        catalogue.set_state(upstream, UpstreamState::Ready { took: Duration::ZERO });
        let (catch, caught) = mpsc::channel(1);
        let upstreams = Arc::new(Catch(catch));
        let broker = Broker::new(catalogue.clone(), upstreams, Arc::new(AllowAll), Arc::new(NobodyThere));
        Self { broker, catalogue, upstream: upstream.clone(), caught: Mutex::new(caught) }
    }

    pub(crate) async fn permit(&self, tool: &str, arguments: &serde_json::Value) -> Permit {
        // One at a time, so that nobody gets the permit of another.
        let mut caught = self.caught.lock().await;
        let definition = ToolDefinition {
            name: ToolName::from(tool),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: Annotations::default(),
        };
        let listing = Listing { tools: vec![Arc::new(definition)], ..Listing::default() };
        self.catalogue.publish(&self.upstream, listing);
        let (owner, _settled) = unfilled();
        let caller = Caller {
            budget: Budget::new(&Limits::default()),
            ledger: Ledger::new(RunId::from("r1"), Arc::new(MemoryStore::new()), owner),
            language: outboard_runtime::Language::TypeScript,
            deadline: Duration::from_secs(10),
            session: Arc::new(Session::new()),
            tally: Tally::default(),
            run: RunId::from("r1"),
            principal: "test".into(),
            verbatim: None,
            advances: None,
            script: None,
        };
        let request = CallRequest {
            id: RequestId(1),
            namespace: self.upstream.as_str().to_owned(),
            tool: tool.to_owned(),
            arguments: Json::from(arguments.clone()),
            paged: false,
            line: None,
        };
        self.broker.call(&caller, request).await;
        caught.try_recv().expect("the gate lets everything pass")
    }
}

impl Upstreams for Catch {
    fn get(&self, _: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        Some(Arc::new(Self(self.0.clone())))
    }
}

impl Upstream for Catch {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        self.0.try_send(permit).expect("one permit at a time");
        Box::pin(async { Ok(CallReply::default()) })
    }
}

#[expect(clippy::disallowed_methods, reason = "the ledger wants one; a test settles one call")]
fn unfilled<T>() -> (mpsc::UnboundedSender<T>, mpsc::UnboundedReceiver<T>) {
    mpsc::unbounded_channel()
}
