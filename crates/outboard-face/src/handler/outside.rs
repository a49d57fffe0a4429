//! Requests outside any script, made for a client and waited for: through the same gate as a script's, with the person behind the
//! client asked meanwhile. A client that is handed a form asks again with it; until then its request is held here.
//! What is asked for, and what becomes of the answer, is not decided here.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::future::BoxFuture;
use outboard_runtime::{
    approval::Ticket,
    ids::{Principal, RunId},
    ports::upstream::Advance,
    run::{Progress, ToolOutcome, ToolReport},
};
use rmcp::{
    RoleServer,
    model::{InputRequiredResult, InputResponses},
    service::RequestContext,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{HandBack, Handler};
use crate::{asking, progress};

/// Requests of one client that are held at most; a further one takes the place of the oldest.
const HELD: usize = 64;

/// A request under way. It is given up when this is dropped.
pub(crate) struct Call {
    id: RunId,
    report: JoinHandle<ToolReport>,
    cancel: DropGuard,
    /// What its upstream says of how far it is.
    advances: Option<mpsc::Receiver<Advance>>,
}

impl Call {
    /// The same, whose upstream says there how far it is.
    pub(super) fn advancing(self, advances: mpsc::Receiver<Advance>) -> Self {
        Self { advances: Some(advances), ..self }
    }

    /// Gives it up, and says what became of it.
    async fn give_up(self) -> Option<ToolReport> {
        drop(self.cancel);
        self.report.await.ok()
    }
}

/// Requests whose clients were handed a form.
#[derive(Default)]
pub(crate) struct Held(Mutex<VecDeque<Call>>);

impl Held {
    fn put(&self, call: Call) {
        let mut all = self.all();
        if all.len() == HELD {
            all.pop_front();
        }
        all.push_back(call);
    }

    fn take(&self, id: &RunId) -> Option<Call> {
        let mut all = self.all();
        let place = all.iter().position(|call| call.id == *id)?;
        all.remove(place)
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of waiting for a request.
pub(super) enum Attended {
    /// It is over; without a report Outboard could not make it.
    Over(Option<ToolReport>),
    /// The client is handed a form for its person.
    Form(InputRequiredResult),
    /// It was given up because nobody has allowed it. Nothing was sent.
    Unanswered(String),
}

impl Handler {
    /// Begins a request of this client's. `ask` is given its name, on whose behalf it is, and what cancels it.
    pub(super) fn begin(
        &self,
        context: &RequestContext<RoleServer>,
        ask: impl FnOnce(RunId, Principal, CancellationToken) -> BoxFuture<'static, ToolReport>,
    ) -> Call {
        let client = self.principal(context);
        self.session.set_client(client.clone());
        let (id, cancel) = (self.backend.next_call(), self.stop.child_token());
        let report = self.runs.spawn(ask(id.clone(), client, cancel.clone()));
        Call { id, report, cancel: cancel.drop_guard(), advances: None }
    }

    /// The request whose form this client brings back. What its person chose is heard first.
    pub(super) async fn held(
        &self,
        ticket: &str,
        responses: Option<&InputResponses>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Call, String> {
        let nothing = |why: &dyn std::fmt::Display| {
            format!("nothing was called: the `requestState` of this call is no good: {why}")
        };
        let approvals = self.approvals.as_ref().ok_or_else(|| nothing(&"nobody is asked anything here"))?;
        let Ticket { run, question, principal } =
            approvals.read_ticket(ticket).map_err(|bad| nothing(&bad))?;
        if principal != self.principal(context) {
            return Err(nothing(&"it belongs to another connection"));
        }
        let call =
            self.held.take(&run).ok_or_else(|| nothing(&"its call is over, and its answer was given"))?;
        self.take_form(approvals, &run, &question, responses).await;
        Ok(call)
    }

    /// Waits for a request, and has its person asked meanwhile. A client that gives up ends it.
    pub(super) async fn attend(&self, mut call: Call, context: &RequestContext<RoleServer>) -> Attended {
        // It waits for nothing else while it waits for a person.
        let (_stands, seen) = watch::channel(Progress { stands: true, ..Progress::default() });
        let id = call.id.clone();
        let asking = self.ask(&id, seen, context, true);
        let token = context.meta.get_progress_token();
        let mut advances = call.advances.take();
        let told = progress::tell_advances(&context.peer, token, advances.as_mut());
        let sheet = tokio::select! {
            biased;
            report = &mut call.report => return Attended::Over(report.ok()),
            () = context.ct.cancelled() => return Attended::Over(call.give_up().await),
            () = self.nobody_answers(&id) => return self.unanswered(call).await,
            handed_back = asking => match handed_back {
                HandBack::Form(sheet) => sheet,
                // It has the patience to wait for somebody elsewhere.
                HandBack::Waits => return self.unanswered(call).await,
            },
            never = told => match never {},
        };
        match self.approvals.as_ref().and_then(|approvals| asking::input_required(approvals, &sheet)) {
            Some(form) => {
                self.held.put(Call { advances, ..call });
                Attended::Form(form)
            }
            None => self.unanswered(call).await,
        }
    }

    /// Done when an answer is due, and a person has had the time to be asked.
    async fn nobody_answers(&self, call: &RunId) {
        let Some(approvals) = &self.approvals else { return std::future::pending().await };
        let mut open = approvals.watch();
        loop {
            open.borrow_and_update();
            if !approvals.open_of(call).is_empty() {
                tokio::time::sleep(self.options.respond_within).await;
                if !approvals.open_of(call).is_empty() {
                    return;
                }
            }
            if open.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Somebody may have allowed it in this moment, so what became of it is told as it is.
    async fn unanswered(&self, call: Call) -> Attended {
        let report = call.give_up().await;
        let sent =
            |report: &ToolReport| !matches!(report.outcome, ToolOutcome::Cancelled { effect_unknown: false });
        if report.as_ref().is_none_or(sent) {
            return Attended::Over(report);
        }
        let within = self.options.respond_within.as_secs();
        Attended::Unanswered(format!(
            "not called: nobody has allowed it within {within} s. While such a call waits, `outboard approvals` shows it in another \
             terminal and `outboard approve` allows it; `outboard policy` tells how to allow a tool for good"
        ))
    }
}

/// What is told of a request that was given up.
pub(super) fn gave_up(effect_unknown: bool) -> String {
    let sent = if effect_unknown { "it had been sent: its effect is unknown" } else { "nothing was sent" };
    format!("the call was given up: {sent}")
}
