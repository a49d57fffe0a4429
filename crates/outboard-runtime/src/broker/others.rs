//! The gate for what is no tool call: resources, prompts, completions, subscriptions, and what upstreams ask. The same
//! steps in the same order. Which resources an upstream has listed is remembered here: others are not read.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Asker, Broker, Caller, Permit, denied, refused};
use crate::{
    catalogue::{Member, Snapshot, UpstreamState},
    clock::RunTime,
    ids::{Namespace, RequestId, ToolName},
    journal::Intent,
    json::Json,
    operation::{Asked, Kind, Operation, Request, Requested},
    policy::{Facts, Standing, Verdict},
    ports::{engine::Reply, upstream::SendFailure},
    reply::{FailureCode, ToolFailure},
    session::Session,
};

/// Resources of one upstream that are remembered as listed.
const LISTED: usize = 20_000;
/// Bytes of a URI, a name, a reference.
const TEXT: usize = 8 << 10;
/// Bytes of a prompt's arguments, or of what is completed.
const ARGUMENTS: usize = 1 << 20;

/// A request that is no tool call, as a script wrote it. Names and texts are hostile input.
#[derive(Clone, Debug)]
pub struct OtherRequest {
    /// The guest's number of it.
    pub id: RequestId,
    /// The namespace as written.
    pub namespace: String,
    /// What it asks for.
    pub what: Requested,
    /// The line of the script.
    pub line: Option<u32>,
    /// Whether a person may be asked; without it what would be asked is refused.
    pub may_ask: bool,
}

/// The resources that upstreams have listed, by their seats in the catalogue.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<HashMap<u64, HashSet<Box<str>>>>);

impl Broker {
    /// Carries out such a request of a run and settles it in the run's ledger. Never fails: what goes wrong is for whoever asked to
    /// see.
    pub async fn request_of_run(&self, caller: &Caller, request: OtherRequest) {
        let id = request.id;
        let reply = self.request(caller, request).await.map_or_else(Reply::Failed, Reply::Value);
        caller.settle(id, reply);
    }

    /// Carries out a request that is no tool call: the result as the upstream sent it, a JSON object.
    pub async fn request(&self, caller: &Caller, request: OtherRequest) -> Result<Json, ToolFailure> {
        // Names come first: all later steps judge a real upstream.
        let snapshot = self.catalogue.snapshot();
        let member = snapshot.member(&request.namespace).ok_or_else(|| {
            let message = format!("there is no namespace `{}`", shortened(&request.namespace));
            ToolFailure::new(FailureCode::UnknownTool, message)
        })?;
        // Before the budget, so that a mistake costs nothing.
        validate(&request.what).map_err(|why| ToolFailure::new(FailureCode::InvalidArguments, why))?;
        let mut slot = Some(caller.budget.admit().await?);
        let operation = Operation::Request(Request {
            upstream: member.upstream.clone(),
            namespace: member.namespace.clone(),
            what: request.what,
        });
        let counted = self.hours.reserve(&caller.tally, &operation);
        let facts = Facts {
            listed: operation.uri().is_none_or(|uri| self.listed.has(member, uri)),
            counts: counted.before,
            taint: self.taint(&caller.session),
            ..facts(member, &operation, &caller.session)
        };
        if !request.may_ask
            && let Verdict::Ask(reason) = self.policy().judge(&facts)
        {
            return Err(denied(format!("nobody is asked for this: {reason}")));
        }
        let asker = Asker::of(caller, request.id, request.line, &mut slot);
        let leave = self.judge(&facts, asker).await?;
        let upstream = self.upstreams.get(&member.upstream).ok_or_else(|| absent(member))?;
        upstream.ready().await.map_err(|failure| refused(&failure))?;
        let _place = member.place().await;
        // What was judged must still be what the name means.
        let now = self.catalogue.snapshot();
        if now
            .member(&request.namespace)
            .is_none_or(|now| now.seat != member.seat || now.terms != member.terms)
        {
            let message = format!("not sent: {} has just been replaced; ask again", member.namespace);
            return Err(ToolFailure::new(FailureCode::UpstreamUnavailable, message));
        }
        let is_list = operation.kind() == Kind::ListResources;
        self.check(caller, &operation, &leave)?;
        // No record, no request.
        let spending = leave.spending();
        let intent = intent(member, request.id, &operation, leave.allowed_by);
        caller.ledger.intend(intent, request.line, spending).await?;
        counted.keep();
        let deadline = member.terms.timeout.unwrap_or(caller.deadline);
        let permit = Permit::for_operation(operation);
        let sent = match tokio::time::timeout(deadline, upstream.request(permit)).await {
            Ok(answer) => answer,
            Err(_) => Err(SendFailure::Timeout { waited: deadline }),
        };
        // Before the script has it: what it says from then on may carry it.
        self.saw(&caller.session, member.terms.labels);
        let result = sent.map_err(|failure| refused(&failure))?;
        if is_list {
            self.listed.add(member.seat, &result);
        }
        Ok(result)
    }

    /// Which upstreams have listed a resource, in the order of the catalogue. Templates make nobody an owner: an upstream may
    /// have one that makes every URI, also those of others.
    pub fn owners(&self, snapshot: &Snapshot, uri: &str) -> Vec<Namespace> {
        let members = snapshot.members().iter();
        let members = members.filter(|member| self.listed.names(member, uri));
        members.map(|member| member.namespace.clone()).collect()
    }

    /// Whether what an upstream asks may be answered. Policy asks a person, unless a rule says otherwise; the permit
    /// is for exactly what was asked.
    pub async fn asked(&self, session: &Session, asked: Asked) -> Result<Permit, ToolFailure> {
        let snapshot = self.catalogue.snapshot();
        let Some(member) = snapshot.member(asked.upstream.as_str()) else {
            let message = format!("{} is not configured any more", asked.upstream);
            return Err(ToolFailure::new(FailureCode::UpstreamUnavailable, message));
        };
        if asked.parameters.as_str().len() > ARGUMENTS {
            let message = format!("{} asks with more than {} KiB", asked.namespace, ARGUMENTS >> 10);
            return Err(ToolFailure::new(FailureCode::InvalidArguments, message));
        }
        let operation = Operation::Asked(asked);
        let facts = Facts { taint: self.taint(session), ..facts(member, &operation, session) };
        self.judge(&facts, Asker::upstream(session)).await?;
        Ok(Permit::for_operation(operation))
    }
}

fn facts<'a>(member: &Member, operation: &'a Operation, session: &'a Session) -> Facts<'a> {
    let accepted = member.terms.accepted.is_some();
    Facts {
        standing: if accepted { Standing::Accepted } else { Standing::NotAccepted },
        trusted: member.terms.trusted,
        labels: member.terms.labels,
        principal: session.principal(),
        ..Facts::of(operation)
    }
}

/// What is wrong with a request's own texts.
fn validate(what: &Requested) -> Result<(), String> {
    let bounded = |what: &str, text: &str| match text.len() {
        0 => Err(format!("not sent: {what} is empty")),
        length if length > TEXT => Err(format!("not sent: {what} has more than {TEXT} bytes")),
        _ if text.chars().any(char::is_control) => {
            Err(format!("not sent: {what} has control characters in it"))
        }
        _ => Ok(()),
    };
    let object = |what: &str, json: &Json| match json.as_str() {
        text if !text.starts_with('{') => Err(format!("not sent: {what} must be an object")),
        text if text.len() > ARGUMENTS => {
            Err(format!("not sent: {what} has more than {} KiB", ARGUMENTS >> 10))
        }
        _ => Ok(()),
    };
    match what {
        Requested::ListResources => Ok(()),
        Requested::ReadResource { uri } | Requested::Subscribe { uri } | Requested::Unsubscribe { uri } => {
            bounded("the URI", uri)
        }
        Requested::GetPrompt { name, arguments } => {
            bounded("the prompt's name", name)?;
            object("the prompt's arguments", arguments)?;
            let texts: Result<HashMap<String, String>, _> = arguments.read();
            texts.map(drop).map_err(|_| "not sent: a prompt's arguments must be texts".to_owned())
        }
        Requested::Complete { reference, argument, context } => {
            object("the reference", reference)?;
            object("the argument", argument)?;
            context.as_ref().map_or(Ok(()), |context| object("the context", context))
        }
    }
}

fn intent(member: &Member, request: RequestId, operation: &Operation, allowed_by: String) -> Intent {
    let subject = operation.uri().unwrap_or(operation.name());
    let what = format!("{} {subject}", method(operation));
    Intent {
        request,
        // When it is sent, the ledger says.
        at: RunTime::default(),
        upstream: member.upstream.clone(),
        namespace: member.namespace.clone(),
        tool: ToolName::new(what.trim_end()),
        // By what the protocol says of these methods, not by what the upstream says.
        read_only: true,
        idempotent: true,
        allowed_by,
    }
}

fn method(operation: &Operation) -> &'static str {
    match operation {
        Operation::Request(request) => request.what.method(),
        Operation::CallTool(_) | Operation::Asked(_) => operation.kind().method(),
    }
}

/// What may be shown of a script's text.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

impl Listed {
    /// Whether the upstream has listed this resource, or a template that it is made of.
    fn has(&self, member: &Member, uri: &str) -> bool {
        self.names(member, uri) || member.beside().is_some_and(|beside| beside.makes(uri))
    }

    fn names(&self, member: &Member, uri: &str) -> bool {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.get(&member.seat).is_some_and(|uris| uris.contains(uri))
    }

    /// Adds what one page of a list names. An odd resource costs itself.
    fn add(&self, seat: u64, result: &Json) {
        #[derive(Deserialize)]
        struct Page<'a> {
            #[serde(borrow, default)]
            resources: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Resource {
            uri: String,
        }
        let Ok(page) = serde_json::from_str::<Page<'_>>(result.as_str()) else { return };
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let uris = listed.entry(seat).or_default();
        for resource in page.resources {
            if uris.len() >= LISTED {
                break;
            }
            if let Ok(resource) = serde_json::from_str::<Resource>(resource.get())
                && resource.uri.len() <= TEXT
            {
                uris.insert(resource.uri.into());
            }
        }
    }
}

fn absent(member: &Member) -> ToolFailure {
    let reason = match &member.state {
        UpstreamState::Failed { reason } => reason,
        _ => "it is not configured any more",
    };
    let message = format!("{} is not available: {reason}", member.namespace);
    ToolFailure::new(FailureCode::UpstreamUnavailable, message)
}
