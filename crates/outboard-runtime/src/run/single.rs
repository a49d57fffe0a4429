//! A tool call outside any script, or another request: a run without a guest. It takes the same gate, budget and journal as
//! a script's call. What may be sent is the broker's matter; nothing here sends.

use std::sync::{Arc, OnceLock};

use outboard_script::Language;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::clock::RunClock;
use crate::{
    broker::{Broker, Budget, CallRequest, Caller, Ledger, OtherRequest, Tally, Told},
    clock::{Clock, RunTime},
    ids::{ImageHash, Principal, RequestId, RunId},
    journal::{Ending, Event, FORMAT, Lease, Opened, Reader, Reading, Store, StoreFailure},
    json::Json,
    limits::{Limit, Limits},
    operation::Requested,
    ports::{
        engine::{Delivered, Delivery, GuestAsk, GuestRequest, Reply, Stopped, Thrown, ThrownTool},
        upstream::Advance,
    },
    reply::{CallReply, FailureCode, ToolFailure},
    session::Session,
};

/// A tool call as a person or a program asks for it. Names and arguments are checked like a script's.
#[derive(Clone, Debug)]
pub struct ToolRequest {
    /// Its id, if the caller has taken the [next one](crate::Runtime::next_call) already.
    pub id: Option<RunId>,
    /// The namespace or the upstream's configured name.
    pub namespace: String,
    /// The tool's identifier or original name.
    pub tool: String,
    /// A JSON object.
    pub arguments: Json,
    /// On whose behalf it is, where several share the session; without it, the session's client.
    pub client: Option<Principal>,
    /// Who reads its answer.
    pub reader: Reader,
    /// Where it is told how far the call is, if somebody wants to know.
    pub advances: Option<mpsc::Sender<Advance>>,
}

/// Something else than a tool call, as a client asks an upstream for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRequest {
    /// Its id, if the caller has taken the [next one](crate::Runtime::next_call) already.
    pub id: Option<RunId>,
    /// The namespace or the upstream's configured name.
    pub namespace: String,
    /// What it asks for.
    pub what: Requested,
    /// On whose behalf it is; without it, the session's client.
    pub client: Option<Principal>,
    /// Who reads its answer.
    pub reader: Reader,
    /// Whether a person may be asked; without it what would be asked is refused.
    pub may_ask: bool,
}

/// What became of a tool call or another request outside any script.
#[derive(Clone, Debug)]
pub struct ToolReport {
    /// The run that it was, by itself.
    pub id: RunId,
    /// How it ended.
    pub outcome: ToolOutcome,
    /// What the upstream answered, in its own words, if it did.
    pub reply: Option<CallReply>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolOutcome {
    /// With the value that a script would have got.
    Value(Json),
    /// Without a value.
    Failed(ToolFailure),
    /// It was cancelled.
    Cancelled {
        /// Whether something had been sent that may have an effect.
        effect_unknown: bool,
    },
}

/// The one thing that is asked for.
pub(crate) enum Single {
    Call(ToolRequest),
    Request(OutsideRequest),
}

/// What a single call works with.
pub(crate) struct SingleParts {
    pub(crate) id: RunId,
    pub(crate) single: Single,
    pub(crate) session: Arc<Session>,
    pub(crate) limits: Limits,
    pub(crate) broker: Arc<Broker>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cancel: CancellationToken,
    /// Its turn among all runs, which it gives back while it waits for a person.
    pub(crate) turn: Option<OwnedSemaphorePermit>,
}

/// The number of the only request.
const ONLY: RequestId = RequestId(1);

/// Makes the call and reports. Cancelling abandons it.
pub(crate) async fn execute(mut parts: SingleParts) -> ToolReport {
    let mut turn = parts.turn.take();
    #[expect(clippy::disallowed_methods, reason = "there is one request and it is answered once")]
    let (owner, mut answers) = mpsc::unbounded_channel();
    let clock = Arc::new(RunClock::showing(RunTime::default()));
    let verbatim = Arc::<OnceLock<CallReply>>::default();
    let caller = Caller {
        budget: Budget::new(&parts.limits),
        ledger: Ledger::new(parts.id.clone(), Arc::clone(&parts.store), owner).by(Arc::clone(&clock)),
        deadline: parts.limits.call,
        language: Language::default(),
        session: Arc::clone(&parts.session),
        tally: Tally::default(),
        script: None,
        verbatim: Some(Arc::clone(&verbatim)),
        advances: parts.advances(),
        run: parts.id.clone(),
        principal: parts.principal(),
    };
    let lease = Lease::first(parts.id.clone());
    let (stopped, reply) = match parts.store.append(&lease, parts.opening().into()).await {
        Ok(()) => parts.carry_out(&caller, &mut answers, &clock, &mut turn).await,
        Err(failure) => return ToolReport { outcome: unrecorded(&failure), id: parts.id, reply: None },
    };
    let mut last = Vec::new();
    if let Some(reply) = &reply {
        let what = Delivered::Settled { request: ONLY, reply: reply.clone() };
        last.push(Event::Delivered(Delivery { at: clock.now(), what }));
    }
    let effect_unknown = caller.ledger.effects_so_far().iter().any(|effect| !effect.certain);
    let outcome = match (reply, stopped) {
        (Some(Reply::Value(value)), _) => ToolOutcome::Value(value),
        (Some(Reply::Failed(failure)), _) => ToolOutcome::Failed(failure),
        (None, Stopped::Limit(_)) => {
            let waited = parts.limits.wall;
            let why = format!("the call has not come to its end within {waited:?} (limit `wall`)");
            ToolOutcome::Failed(ToolFailure::new(FailureCode::Timeout, why))
        }
        (None, Stopped::Cancelled | Stopped::Broken) => ToolOutcome::Cancelled { effect_unknown },
    };
    last.push(Event::Ended(parts.ending(&outcome, stopped)));
    // The call is over either way; a record that cannot be closed is found unfinished later.
    if let Err(failure) = parts.store.append(&lease, last.into()).await {
        tracing::error!(run = %parts.id, %failure, "the end of the call is not recorded");
    }
    ToolReport { id: parts.id, outcome, reply: verbatim.get().cloned() }
}

impl SingleParts {
    fn principal(&self) -> Principal {
        let (Single::Call(ToolRequest { client, .. }) | Single::Request(OutsideRequest { client, .. })) =
            &self.single;
        client.clone().unwrap_or_else(|| self.session.client())
    }

    fn advances(&self) -> Option<mpsc::Sender<Advance>> {
        match &self.single {
            Single::Call(call) => call.advances.clone(),
            Single::Request(_) => None,
        }
    }

    /// The events before anything is asked of the gate.
    fn opening(&self) -> Vec<Event> {
        let (reader, what) = match &self.single {
            Single::Call(ToolRequest { namespace, tool, arguments, reader, .. }) => {
                let (namespace, tool, arguments) = (namespace.clone(), tool.clone(), arguments.clone());
                (*reader, GuestAsk::Call { namespace, tool, arguments, paged: false })
            }
            Single::Request(OutsideRequest { namespace, what, reader, .. }) => {
                let (method, arguments) = (what.method().to_owned(), what.parameters());
                (*reader, GuestAsk::Request { namespace: namespace.clone(), method, arguments })
            }
        };
        let opened = Opened {
            format: FORMAT,
            run: self.id.clone(),
            source: String::new(),
            language: Language::default(),
            image: ImageHash::new(""),
            seed: [0; 32],
            started_at: self.clock.wall(),
            limits: self.limits.clone(),
            namespaces: Vec::new(),
            origin: None,
            principal: Some(self.principal()),
            reading: Reading { reader: Some(reader), ..Reading::default() },
        };
        vec![Event::Opened(Box::new(opened)), Event::Asked(GuestRequest { id: ONLY, what, position: None })]
    }

    /// Passes the gate. Gives the answer, or says what stopped it if nothing settles the call.
    async fn carry_out(
        &self,
        caller: &Caller,
        told: &mut mpsc::UnboundedReceiver<Told>,
        clock: &RunClock,
        turn: &mut Option<OwnedSemaphorePermit>,
    ) -> (Stopped, Option<Reply>) {
        let mut call = std::pin::pin!(self.send(caller));
        let mut over = false;
        loop {
            let end = clock.moment(RunTime(self.limits.wall));
            tokio::select! {
                biased;
                Some(told) = told.recv() => match told {
                    Told::Settled(settled) => return (Stopped::Broken, Some(settled.reply)),
                    Told::Asks(_) => {
                        clock.stand(true);
                        // People take their time. What they allow goes on beside those that have a turn by then.
                        *turn = None;
                    }
                    Told::Asked(_) => {
                        clock.stand(false);
                    }
                },
                () = self.cancel.cancelled() => return (Stopped::Cancelled, None),
                () = &mut call, if !over => over = true,
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {
                    return (Stopped::Limit(Limit::Wall), None);
                }
                else => return (Stopped::Broken, None),
            }
        }
    }

    async fn send(&self, caller: &Caller) {
        match &self.single {
            Single::Call(ToolRequest { namespace, tool, arguments, .. }) => {
                let (namespace, tool, arguments) = (namespace.clone(), tool.clone(), arguments.clone());
                let call = CallRequest { id: ONLY, namespace, tool, arguments, paged: false, line: None };
                self.broker.call(caller, call).await;
            }
            Single::Request(OutsideRequest { namespace, what, may_ask, .. }) => {
                let (namespace, what) = (namespace.clone(), what.clone());
                let request = OtherRequest { id: ONLY, namespace, what, line: None, may_ask: *may_ask };
                self.broker.request_of_run(caller, request).await;
            }
        }
    }

    fn name(&self) -> String {
        match &self.single {
            Single::Call(call) => format!("{}.{}", call.namespace, call.tool),
            Single::Request(request) => format!("{} {}", request.namespace, request.what.method()),
        }
    }

    fn ending(&self, outcome: &ToolOutcome, stopped: Stopped) -> Ending {
        match outcome {
            ToolOutcome::Value(value) => Ending::Value(Some(value.clone())),
            ToolOutcome::Failed(failure) => Ending::Threw(Thrown {
                name: "ToolError".to_owned(),
                message: failure.message.clone(),
                tool: Some(ThrownTool { name: self.name(), code: Some(failure.code) }),
                frames: Vec::new(),
            }),
            ToolOutcome::Cancelled { .. } => Ending::Stopped(stopped),
        }
    }
}

fn unrecorded(failure: &StoreFailure) -> ToolOutcome {
    ToolOutcome::Failed(ToolFailure::new(FailureCode::Unrecorded, format!("not sent: {failure}")))
}
