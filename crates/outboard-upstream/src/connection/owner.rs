//! The task that owns a connection's pending requests. It never waits for the transport: what cannot
//! be queued is dropped and logged, so an upstream that does not read cannot hold up its own answers.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use outboard_runtime::ids::UpstreamName;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, trace};

use super::{
    Changes, Event, Failure, Message, Outgoing, Pending,
    message::{Notice, answer, cancelled},
};

pub(super) struct Owner {
    upstream: UpstreamName,
    pending: HashMap<u64, Pending>,
    outgoing: mpsc::Sender<Outgoing>,
    places: Arc<Semaphore>,
    end: watch::Sender<Option<Arc<str>>>,
    list_change: watch::Sender<Changes>,
    updates: broadcast::Sender<Arc<str>>,
}

impl Owner {
    pub(super) fn new(
        upstream: UpstreamName,
        outgoing: mpsc::Sender<Outgoing>,
        places: Arc<Semaphore>,
        end: watch::Sender<Option<Arc<str>>>,
        list_change: watch::Sender<Changes>,
        updates: broadcast::Sender<Arc<str>>,
    ) -> Self {
        Self { upstream, pending: HashMap::new(), outgoing, places, end, list_change, updates }
    }

    pub(super) async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Event>,
        mut arrivals: mpsc::Receiver<Event>,
        stop: CancellationToken,
    ) {
        let reason = loop {
            let event = tokio::select! {
                () = stop.cancelled() => break "Outboard ended the connection".to_owned(),
                arrival = arrivals.recv() => arrival.unwrap_or_else(transport_ended),
                request = requests.recv() => match request {
                    Some(request) => request,
                    None => break "the connection was closed".to_owned(),
                },
            };
            if let ControlFlow::Break(reason) = self.handle(event) {
                break reason;
            }
        };
        self.finish(&reason, requests);
    }

    fn handle(&mut self, event: Event) -> ControlFlow<String> {
        match event {
            Event::Request { id, request, pending, place } => {
                if let Some(reason) = self.end.borrow().as_deref() {
                    let _ = pending.reply.send(Err(Failure::Unavailable(reason.to_owned())));
                    return ControlFlow::Continue(());
                }
                self.pending.insert(id, pending);
                self.send(Outgoing::Request { id, request, place });
            }
            Event::Notify(text) => self.send(Outgoing::Other(text)),
            Event::Abandon { id } => {
                // Without a pending entry the answer has just arrived, and there is nothing to cancel.
                if self.pending.remove(&id).is_some() {
                    self.send(Outgoing::Abandon { id, text: cancelled(id) });
                }
            }
            Event::Agreed { version, modern } => self.send(Outgoing::Agreed { version, modern }),
            Event::Arrived(message) => self.arrived(message),
            Event::Stale { reason } => self.close(&reason),
            Event::Gone { reason } => return ControlFlow::Break(reason),
        }
        let stale = self.end.borrow().as_deref().map(str::to_owned);
        match stale {
            Some(reason) if self.pending.is_empty() => ControlFlow::Break(reason),
            _ => ControlFlow::Continue(()),
        }
    }

    fn arrived(&mut self, message: Message) {
        match message {
            Message::Answer { id, answer } => match self.pending.remove(&id) {
                // Its caller may have gone in this moment; then nobody wants the answer.
                Some(pending) => drop(pending.reply.send(answer)),
                None => trace!(upstream = %self.upstream, id, "answer to no pending request"),
            },
            Message::Request { id, method } => {
                debug!(upstream = %self.upstream, method, "the upstream asks");
                self.send(Outgoing::Other(answer(&id, &method)));
            }
            Message::Notification(notice) => self.noticed(notice),
        }
    }

    fn noticed(&self, notice: Notice) {
        match notice {
            Notice::Changed => self.list_change.send_modify(|changes| changes.kept += 1),
            // Templates change with it.
            Notice::ResourcesChanged => self.list_change.send_modify(|changes| {
                changes.kept += 1;
                changes.resources += 1;
            }),
            // Nobody may listen.
            Notice::Updated(uri) => drop(self.updates.send(uri)),
            Notice::Advance { id, advance } => {
                let advances = self.pending.get(&id).and_then(|pending| pending.advances.as_ref());
                if let Some(advances) = advances {
                    // What finds no room is not told: the next one says more.
                    let _ = advances.try_send(advance);
                }
            }
            Notice::Other(method) => trace!(upstream = %self.upstream, method, "notification"),
        }
    }

    fn send(&self, outgoing: Outgoing) {
        if let Err(error) = self.outgoing.try_send(outgoing) {
            // A request has a place, so this is a cancellation or an answer to an upstream that reads
            // nothing, or the transport has just ended and says so itself.
            debug!(upstream = %self.upstream, %error, "a message was not sent");
        }
    }

    /// Takes no further requests.
    fn close(&self, reason: &str) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            end.get_or_insert_with(|| reason.into());
            first
        });
        self.places.close();
    }

    fn finish(mut self, reason: &str, mut requests: mpsc::UnboundedReceiver<Event>) {
        // Closed first, so that whoever learns of the loss finds the connection ended.
        self.close(reason);
        for (_, pending) in self.pending.drain() {
            let _ = pending.reply.send(Err(Failure::Lost(reason.to_owned())));
        }
        requests.close();
        while let Ok(event) = requests.try_recv() {
            if let Event::Request { pending, .. } = event {
                let _ = pending.reply.send(Err(Failure::Unavailable(reason.to_owned())));
            }
        }
    }
}

fn transport_ended() -> Event {
    Event::Gone { reason: "the transport ended".to_owned() }
}
