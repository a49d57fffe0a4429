//! Asks the person behind a client, in the way that the client offers: a form that it is sent (elicitation, before
//! 2026-07-28), or one that it is handed instead of the answer (`input_required`). Anything but a choice made in the
//! form counts as nobody there: clients without a person cancel, decline or refuse such forms by themselves.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use outboard_runtime::{
    approval::{self, Approvals, Medium, Said, Sheet},
    ids::{QuestionId, RunId},
    run::Progress,
};
use rmcp::{
    Peer, RoleServer,
    model::{
        ClientResult, ElicitRequest, ElicitRequestParams, ElicitationSchema, InputRequest, InputRequests,
        InputRequiredResult, InputResponses, ProtocolVersion, RequestId, ServerRequest,
    },
    service::{OriginatingRequestId, PeerRequestOptions, RequestContext, ServiceError},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The name of the form among what a client is asked for, and of its only field.
const FORM: &str = "approval";
const FIELD: &str = "decision";
/// What a person can choose. A client that fills in the first choice by itself refuses.
const DENY: &str = "deny";
const ONCE: &str = "allow once";
const ALWAYS: &str = "always allow this tool";

/// How the person behind a client can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The client is sent a form while it waits.
    Elicit,
    /// The client is answered with a form and calls again.
    InputRequired,
    /// It shows no forms.
    None,
}

/// What a client made of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Said(Said),
    Always,
    /// Nobody is there, as far as can be told.
    Nobody,
}

/// What has to be handed back before the run is over.
#[derive(Debug)]
pub(crate) enum HandBack {
    /// A form.
    Form(Arc<Sheet>),
    /// Word that the run waits for a person who cannot be asked here.
    Waits,
}

/// What one client has been asked.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    forms: Mutex<HashMap<QuestionId, Form>>,
    changes: watch::Sender<u64>,
    /// What people are to be told of their answers with the next result.
    notes: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// It lies before the client.
    Out,
    /// It came back, and nobody had chosen.
    Vain,
}

impl Way {
    /// The way that the client of this request says it offers.
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Self {
        let elicitation = context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
        // Before there were two kinds of it the bare capability meant forms.
        let forms =
            elicitation.is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none());
        match context.protocol_version().filter(|_| forms) {
            Some(version) if !version.has_initialize() => Self::InputRequired,
            Some(version) if version >= ProtocolVersion::V_2025_06_18 => Self::Elicit,
            _ => Self::None,
        }
    }
}

impl Asked {
    /// Has the person asked whatever is open of this run, until something has to be handed back. With `patience` it waits
    /// even if nobody can be asked here: somebody may answer elsewhere.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        client: &Client<'_>,
        run: &RunId,
        mut progress: watch::Receiver<Progress>,
        patience: bool,
    ) -> HandBack {
        let (mut open, mut forms) = (client.approvals.watch(), self.changes.subscribe());
        loop {
            open.borrow_and_update();
            forms.borrow_and_update();
            let stands = progress.borrow_and_update().stands;
            self.forget_closed(client.approvals);
            let sheets = client.approvals.open_of(run);
            for sheet in &sheets {
                match client.way {
                    _ if self.form(&sheet.id).is_some() => {}
                    Way::Elicit if sheet.fits(Medium::Client) => self.send(client, sheet),
                    Way::InputRequired if sheet.fits(Medium::Client) => {
                        self.forms().insert(sheet.id.clone(), Form::Out);
                        return HandBack::Form(Arc::clone(sheet));
                    }
                    Way::Elicit | Way::InputRequired | Way::None => {
                        self.forms().insert(sheet.id.clone(), Form::Vain);
                    }
                }
            }
            let vain = |sheet: &Arc<Sheet>| self.form(&sheet.id) == Some(Form::Vain);
            if stands && !patience && !sheets.is_empty() && sheets.iter().all(vain) {
                return HandBack::Waits;
            }
            // The run ends with its own future, so a closed channel only means that nothing more will come of this one.
            tokio::select! {
                changed = open.changed() => if changed.is_err() { return std::future::pending().await },
                changed = forms.changed() => if changed.is_err() { return std::future::pending().await },
                changed = progress.changed() => if changed.is_err() { return std::future::pending().await },
            }
        }
    }

    /// What was not answered before is asked again, because somebody may be there by now. A form that was sent lies before
    /// the client still; one that was handed over need not, because that call is over.
    pub(crate) fn ask_again(&self, way: Way) {
        self.forms().retain(|_, form| way == Way::Elicit && *form == Form::Out);
    }

    /// Takes what a client made of a form that it was handed.
    pub(crate) async fn take(&self, approvals: &Approvals, id: &QuestionId, choice: Choice) {
        let answered = match choice {
            Choice::Said(said) => approvals.answer(id, said),
            Choice::Always => approvals.answer_always(id).await.map(|told| self.note(told)),
            Choice::Nobody => {
                self.forms().insert(id.clone(), Form::Vain);
                self.changes.send_modify(|changes| *changes += 1);
                return;
            }
        };
        self.forms().remove(id);
        if let Err(not_open) = answered {
            self.note(format!("could not {not_open}"));
        }
    }

    /// What people are to be told, once.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, note: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// Lays a form before the client; what comes of it is heard whatever becomes of the request.
    fn send(self: &Arc<Self>, client: &Client<'_>, sheet: &Arc<Sheet>) {
        self.forms().insert(sheet.id.clone(), Form::Out);
        let (this, approvals, peer) = (Arc::clone(self), Arc::clone(client.approvals), client.peer.clone());
        let (sheet, stop, request) = (Arc::clone(sheet), client.stop.clone(), client.request.clone());
        client.tasks.spawn(async move {
            let choice = stop.run_until_cancelled(elicit(&peer, &approvals, &sheet, request)).await.flatten();
            if let Some(choice) = choice {
                this.take(&approvals, &sheet.id, choice).await;
            }
        });
    }

    fn forget_closed(&self, approvals: &Approvals) {
        let mut forms = self.forms();
        if !forms.is_empty() {
            let open = approvals.open();
            forms.retain(|id, _| open.iter().any(|sheet| sheet.id == *id));
        }
    }

    fn form(&self, id: &QuestionId) -> Option<Form> {
        self.forms().get(id).copied()
    }

    fn forms(&self) -> MutexGuard<'_, HashMap<QuestionId, Form>> {
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client of a request, and what asking it needs.
pub(crate) struct Client<'a> {
    pub(crate) way: Way,
    /// The request that waits for the answer.
    pub(crate) request: &'a RequestId,
    pub(crate) peer: &'a Peer<RoleServer>,
    pub(crate) approvals: &'a Arc<Approvals>,
    /// Forms that lie before the client are waited for here.
    pub(crate) tasks: &'a tokio_util::task::TaskTracker,
    /// The client is gone.
    pub(crate) stop: &'a CancellationToken,
}

/// Sends the form and waits for what comes back; `None` if the question was answered elsewhere meanwhile.
async fn elicit(
    peer: &Peer<RoleServer>,
    approvals: &Approvals,
    sheet: &Sheet,
    of: RequestId,
) -> Option<Choice> {
    let Some(mut request) = form(approvals, sheet) else { return Some(Choice::Nobody) };
    // Over HTTP it takes the way of the answer that is waited for.
    request.extensions.insert(OriginatingRequestId(of));
    let request = ServerRequest::ElicitRequest(request);
    let sent = peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await;
    let mut handle = match sent {
        Ok(handle) => handle,
        Err(error) => {
            tracing::debug!(%error, "the client could not be asked");
            return Some(Choice::Nobody);
        }
    };
    tokio::select! {
        biased;
        answer = &mut handle.rx => {
            Some(chosen_in(approvals, answer.unwrap_or(Err(ServiceError::TransportClosed)), sheet))
        }
        () = approvals.closed(&sheet.id) => {
            if let Err(error) = handle.cancel(Some("the question has been answered elsewhere".to_owned())).await {
                tracing::debug!(%error, "the client could not be told that its form is of no use any more");
            }
            None
        }
    }
}

/// The answer that hands the client a form.
pub(crate) fn input_required(approvals: &Approvals, sheet: &Sheet) -> Option<InputRequiredResult> {
    let requests =
        InputRequests::from([(FORM.to_owned(), InputRequest::Elicitation(form(approvals, sheet)?))]);
    Some(InputRequiredResult::new(Some(requests), Some(approvals.ticket(sheet))))
}

/// What the client brings back of a form that it was handed.
pub(crate) fn brought(
    approvals: &Approvals,
    responses: Option<&InputResponses>,
    calls: Option<u32>,
) -> Choice {
    let answer = responses.and_then(|responses| responses.get(FORM));
    answer.map_or(Choice::Nobody, |answer| choice(answer, approvals.can_always(), calls))
}

fn form(approvals: &Approvals, sheet: &Sheet) -> Option<ElicitRequest> {
    let mut choices = vec![DENY.to_owned(), ONCE.to_owned(), in_run(sheet.calls)];
    if approvals.can_always() {
        choices.push(ALWAYS.to_owned());
    }
    let schema = json!({
        "type": "object",
        "properties": { FIELD: { "type": "string", "title": "Your decision", "enum": choices } },
        "required": [FIELD],
    });
    let requested_schema: ElicitationSchema = serde_json::from_value(schema)
        .inspect_err(|error| tracing::error!(%error, "the form of a question is no form"))
        .ok()?;
    let message = approval::render(sheet, Medium::Client);
    let params = ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema };
    Some(ElicitRequest::new(params))
}

fn in_run(calls: u32) -> String {
    format!("allow in this run, up to {calls} calls")
}

fn chosen_in(approvals: &Approvals, answer: Result<ClientResult, ServiceError>, sheet: &Sheet) -> Choice {
    match answer {
        // Which of its results rmcp took it for does not matter.
        Ok(result) => {
            let answer = serde_json::to_value(result).unwrap_or_default();
            choice(&answer, approvals.can_always(), Some(sheet.calls))
        }
        Err(error) => {
            tracing::debug!(%error, "the client shows no forms");
            Choice::Nobody
        }
    }
}

/// What was chosen: only an accepted form with one of its own choices in it is anybody's word. `always` says whether that
/// is one of them, `calls` which number the other one names.
fn choice(answer: &Value, always: bool, calls: Option<u32>) -> Choice {
    if answer["action"] != "accept" {
        return Choice::Nobody;
    }
    match answer["content"][FIELD].as_str() {
        Some(DENY) => Choice::Said(Said::No),
        Some(ONCE) => Choice::Said(Said::Once),
        Some(ALWAYS) if always => Choice::Always,
        Some(other) if calls.is_some_and(|calls| other == in_run(calls)) => Choice::Said(Said::InRun),
        _ => Choice::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_choice_made_in_the_form_is_anybodys_word() {
        let form = |action: &str, content: Value| json!({ "action": action, "content": content });
        for (answer, expected) in [
            (form("accept", json!({ FIELD: "allow once" })), Choice::Said(Said::Once)),
            (form("accept", json!({ FIELD: "allow in this run, up to 5 calls" })), Choice::Said(Said::InRun)),
            (form("accept", json!({ FIELD: "always allow this tool" })), Choice::Always),
            (form("accept", json!({ FIELD: "deny" })), Choice::Said(Said::No)),
            (form("accept", json!({ FIELD: "allow in this run, up to 500 calls" })), Choice::Nobody),
            (form("accept", json!({ FIELD: "Allow once" })), Choice::Nobody),
            (form("accept", json!({ FIELD: true })), Choice::Nobody),
            (form("accept", json!({})), Choice::Nobody),
            (form("accept", Value::Null), Choice::Nobody),
            (form("decline", json!({ FIELD: "allow once" })), Choice::Nobody),
            (form("cancel", Value::Null), Choice::Nobody),
            (json!({}), Choice::Nobody),
            (json!("accept"), Choice::Nobody),
        ] {
            assert_eq!(choice(&answer, true, Some(5)), expected, "{answer}");
        }
        let not_offered = form("accept", json!({ FIELD: "always allow this tool" }));
        assert_eq!(choice(&not_offered, false, Some(5)), Choice::Nobody);
    }
}
