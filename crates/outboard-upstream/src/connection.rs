//! One connection to one upstream: numbers requests, matches answers to them, and answers what the
//! upstream asks. The [`owner`] task holds the pending requests; a transport task ([`crate::stdio`],
//! [`crate::http`]) moves messages. Nothing is ever sent twice here.

mod failure;
pub(crate) mod message;
mod owner;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use outboard_runtime::{ids::UpstreamName, ports::upstream::Advance};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::{
    failure::{Failure, Refusal},
    message::{Answer, Message},
};

/// Requests waiting to be written. Further callers wait their turn.
const PLACES: usize = 1024;
/// Messages waiting to be written: the requests, and room for what must not wait.
const OUTGOING: usize = 4 * PLACES;
/// Changes of resources that are told and not yet heard; the oldest are lost beyond that.
const UPDATES: usize = 256;
/// Messages read and not yet handled; the reader waits beyond that.
const ARRIVALS: usize = 64;

/// What happens to a connection. The owner handles one after the other.
pub(crate) enum Event {
    /// A caller asks.
    Request { id: u64, request: Request, pending: Pending, place: OwnedSemaphorePermit },
    /// A caller tells.
    Notify(String),
    /// A caller no longer waits for its answer.
    Abandon { id: u64 },
    /// Both sides agreed on a protocol version.
    Agreed { version: Arc<str>, modern: bool },
    /// The upstream sent something.
    Arrived(Message),
    /// The upstream sends no more answers to new requests, but may still answer old ones.
    Stale { reason: String },
    /// The upstream is gone.
    Gone { reason: String },
}

/// Who waits for an answer.
pub(crate) struct Pending {
    pub(crate) reply: oneshot::Sender<Result<Answer, Failure>>,
    /// Where it is told how far the request is.
    pub(crate) advances: Option<mpsc::Sender<Advance>>,
}

/// A request as the transport sees it.
pub(crate) struct Request {
    pub(crate) text: String,
    pub(crate) method: &'static str,
    /// The tool's name, which some transports repeat outside the message.
    pub(crate) subject: Option<String>,
}

/// What the owner gives to the transport, in order.
pub(crate) enum Outgoing {
    /// The place is given back once the request is written.
    Request { id: u64, request: Request, place: OwnedSemaphorePermit },
    /// `notifications/cancelled` for a request.
    Abandon { id: u64, text: String },
    /// A notification or an answer.
    Other(String),
    /// From now on, speak this version.
    Agreed { version: Arc<str>, modern: bool },
}

/// The transport's ends of a connection.
pub(crate) struct Wire {
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    pub(crate) arrivals: mpsc::Sender<Event>,
}

/// A handle on a connection. When the last one is dropped, the connection is closed.
pub(crate) struct Connection {
    events: mpsc::UnboundedSender<Event>,
    places: Arc<Semaphore>,
    next_id: AtomicU64,
    ended: watch::Receiver<Option<Arc<str>>>,
    list_changes: watch::Receiver<Changes>,
    updates: broadcast::Sender<Arc<str>>,
}

/// How often an upstream has said that its lists have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Those that are kept: tools, prompts, templates.
    pub(crate) kept: u64,
    pub(crate) resources: u64,
}

impl Connection {
    /// Starts the owner, and returns the ends that the transport moves messages between. The
    /// connection ends when `stop` is cancelled.
    pub(crate) fn open(upstream: UpstreamName, tasks: &TaskTracker, stop: CancellationToken) -> (Self, Wire) {
        let (events, requests) = unfilled();
        let (arrivals, arrived) = mpsc::channel(ARRIVALS);
        let (outgoing, to_send) = mpsc::channel(OUTGOING);
        let (end, ended) = watch::channel(None);
        let (list_change, list_changes) = watch::channel(Changes::default());
        let places = Arc::new(Semaphore::new(PLACES));
        let updates = broadcast::Sender::new(UPDATES);
        let owner =
            owner::Owner::new(upstream, outgoing, Arc::clone(&places), end, list_change, updates.clone());
        tasks.spawn(owner.run(requests, arrived, stop));
        let connection = Self { events, places, next_id: AtomicU64::new(1), ended, list_changes, updates };
        (connection, Wire { outgoing: to_send, arrivals })
    }

    /// Asks and waits for the answer. Dropping the future abandons the request.
    pub(crate) async fn request(
        &self,
        method: &'static str,
        subject: Option<&str>,
        params: &impl Serialize,
    ) -> Result<Answer, Failure> {
        self.request_numbered(self.number(), method, subject, params, None).await
    }

    /// The number of the next request, which is also the token of its progress.
    pub(crate) fn number(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks under this number, and is told meanwhile how far the request is.
    pub(crate) async fn request_numbered(
        &self,
        id: u64,
        method: &'static str,
        subject: Option<&str>,
        params: &impl Serialize,
        advances: Option<mpsc::Sender<Advance>>,
    ) -> Result<Answer, Failure> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| self.unavailable())?;
        let text = message::request(id, method, params)?;
        let request = Request { text, method, subject: subject.map(str::to_owned) };
        let (reply, answer) = oneshot::channel();
        let pending = Pending { reply, advances };
        self.events.send(Event::Request { id, request, pending, place }).map_err(|_| self.unavailable())?;
        let mut abandon = Abandon { id, events: Some(&self.events) };
        let answered = answer.await;
        abandon.events = None;
        answered.unwrap_or_else(|_| Err(self.unavailable()))
    }

    /// Tells the upstream something that has no answer.
    pub(crate) fn notify(&self, method: &str) {
        // A connection that has ended is reported by the next request.
        let _ = self.events.send(Event::Notify(message::notification(method, None)));
    }

    /// Makes the transport speak what was agreed.
    pub(crate) fn agree(&self, version: Arc<str>, modern: bool) {
        let _ = self.events.send(Event::Agreed { version, modern });
    }

    /// Why the connection ended, once it has.
    pub(crate) fn end(&self) -> Option<Arc<str>> {
        self.ended.borrow().clone()
    }

    /// Waits for the end of the connection and says why it ended.
    pub(crate) async fn ended(&self) -> Arc<str> {
        let mut ended = self.ended.clone();
        let reason = ended.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| "the connection was closed".into())
    }

    /// Counts notifications that a list has changed.
    pub(crate) fn list_changes(&self) -> watch::Receiver<Changes> {
        self.list_changes.clone()
    }

    /// The resources that are told to have changed.
    pub(crate) fn updates(&self) -> broadcast::Receiver<Arc<str>> {
        self.updates.subscribe()
    }

    fn unavailable(&self) -> Failure {
        let reason = self.end().map_or_else(|| "the connection was closed".to_owned(), |end| end.to_string());
        Failure::Unavailable(reason)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "dropping a call must be able to abandon it without waiting; it stays short, because a request \
              holds a place while it is queued and each call abandons itself at most once"
)]
fn unfilled() -> (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>) {
    mpsc::unbounded_channel()
}

/// Tells the owner when a caller goes away before its answer.
struct Abandon<'a> {
    id: u64,
    events: Option<&'a mpsc::UnboundedSender<Event>>,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(events) = self.events {
            let _ = events.send(Event::Abandon { id: self.id });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures::{FutureExt, future::join_all};
    use serde_json::{Value, json};
    use tokio::time::timeout;

    use super::*;

    fn open() -> (Connection, Wire) {
        Connection::open("test".into(), &TaskTracker::new(), CancellationToken::new())
    }

    async fn ask(connection: &Connection) -> Result<String, String> {
        let answer = connection.request("m", None, &json!({})).await;
        answer.map(|answer| answer.result().to_owned()).map_err(|failure| format!("{failure:?}"))
    }

    /// What the transport is given, with the id of a request.
    async fn sent(wire: &mut Wire) -> (u64, Value) {
        match wire.outgoing.recv().await.expect("the owner runs") {
            Outgoing::Request { id, request, .. } => (id, serde_json::from_str(&request.text).unwrap()),
            Outgoing::Abandon { id, text } => (id, serde_json::from_str(&text).unwrap()),
            Outgoing::Other(text) => (0, serde_json::from_str(&text).unwrap()),
            Outgoing::Agreed { version, .. } => (0, json!(&*version)),
        }
    }

    async fn arrive(wire: &Wire, text: String) {
        for message in message::read(text).unwrap() {
            wire.arrivals.send(Event::Arrived(message)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn answers_find_their_requests_in_any_order() {
        let (connection, mut wire) = open();
        let answers = async {
            let (first, second) = (sent(&mut wire).await.0, sent(&mut wire).await.0);
            for id in [999, second, second, first] {
                arrive(&wire, json!({"id": id, "result": format!("for {id}")}).to_string()).await;
            }
        };
        let (first, second, ()) = tokio::join!(ask(&connection), ask(&connection), answers);
        assert_eq!([first, second], [Ok("\"for 1\"".to_owned()), Ok("\"for 2\"".to_owned())]);
    }

    #[tokio::test]
    async fn a_dropped_request_is_cancelled_once_and_its_late_answer_is_nobodys() {
        let (connection, mut wire) = open();
        let mut request = Box::pin(ask(&connection));
        assert!(request.as_mut().now_or_never().is_none());
        let (id, _) = sent(&mut wire).await;
        drop(request);
        let (abandoned, text) = sent(&mut wire).await;
        assert_eq!((abandoned, &text["method"]), (id, &json!("notifications/cancelled")));
        arrive(&wire, json!({"id": id, "result": 1}).to_string()).await;
        let mut next = pin!(ask(&connection));
        assert!(next.as_mut().now_or_never().is_none());
        let (next_id, _) = sent(&mut wire).await;
        arrive(&wire, json!({"id": next_id, "result": 2}).to_string()).await;
        assert_eq!(next.await, Ok("2".to_owned()));
    }

    #[tokio::test]
    async fn a_lost_transport_tells_sent_requests_that_they_are_lost() {
        let (connection, mut wire) = open();
        let loss = async {
            sent(&mut wire).await;
            wire.arrivals.send(Event::Gone { reason: "gone".to_owned() }).await.unwrap();
        };
        let (lost, ()) = tokio::join!(ask(&connection), loss);
        assert_eq!(lost, Err(r#"Lost("gone")"#.to_owned()));
        assert_eq!(ask(&connection).await, Err(r#"Unavailable("gone")"#.to_owned()));
        assert_eq!(&*connection.ended().await, "gone");
    }

    #[tokio::test]
    async fn a_stale_connection_finishes_what_it_began() {
        let (connection, mut wire) = open();
        let answers = async {
            let (id, _) = sent(&mut wire).await;
            wire.arrivals.send(Event::Stale { reason: "stale".to_owned() }).await.unwrap();
            assert_eq!(&*connection.ended().await, "stale");
            assert_eq!(ask(&connection).await, Err(r#"Unavailable("stale")"#.to_owned()));
            arrive(&wire, json!({"id": id, "result": 1}).to_string()).await;
            assert!(wire.outgoing.recv().await.is_none(), "then it ends");
        };
        let (answered, ()) = tokio::join!(ask(&connection), answers);
        assert_eq!(answered, Ok("1".to_owned()));
    }

    #[tokio::test]
    async fn a_transport_that_takes_nothing_holds_up_requests_only() {
        let (connection, wire) = open();
        let requests = join_all((0..2 * PLACES).map(|_| ask(&connection)));
        let flood = async {
            // More than every queue together holds.
            for _ in 0..2 * OUTGOING {
                arrive(&wire, json!({"id": "a", "method": "ping"}).to_string()).await;
            }
        };
        let (waiting, ()) = tokio::join!(timeout(Duration::from_millis(200), requests), async {
            timeout(Duration::from_secs(20), flood).await.expect("the owner keeps reading");
        });
        assert!(waiting.is_err());
        drop(wire);
        assert_eq!(&*connection.ended().await, "the transport ended");
    }
}
