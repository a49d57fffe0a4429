//! The gate: the one function through which every operation passes, as named steps.
//!
//! Resolve, validate, budget, policy, approval, place, journal the intent, send, journal the outcome. It talks to
//! the catalogue, policy, approver, journal and upstreams through their ports and keeps no state of a run.

mod budget;
mod ledger;
mod normalise;
mod others;
mod pages;
mod permit;
mod resolve;
mod tally;
mod validate;

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use outboard_script::Language;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::Instant,
};

pub use budget::Budget;
pub use ledger::{Ledger, Settled, Told};
pub use normalise::value_of;
pub use others::OtherRequest;
pub use permit::Permit;
pub use tally::Tally;

use crate::{
    approval::{Answer, Approval, Approver, Question, Scope, Spending},
    catalogue::Catalogue,
    ids::{Principal, RequestId, RunId, UpstreamName},
    json::Json,
    operation::Operation,
    policy::{Decider, Facts, Labels, Policy, Reason, Taint, Verdict},
    ports::{
        engine::Reply,
        upstream::{Advance, SendFailure, Upstream, Upstreams},
    },
    reply::{CallReply, FailureCode, ToolFailure},
    session::Session,
};
use others::Listed;
use resolve::Target;
use tally::{Hours, Reserved};
use validate::Validators;

pub(crate) use others::shortened;
pub(crate) use validate::judges_arguments_of;

/// A call as a script wrote it. Names and arguments are hostile input.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The guest's number of it.
    pub id: RequestId,
    /// The namespace as written.
    pub namespace: String,
    /// The tool as written.
    pub tool: String,
    /// A JSON object, unless the script got it wrong.
    pub arguments: Json,
    /// Whether the answer is to say what comes after it.
    pub paged: bool,
    /// The line of the script.
    pub line: Option<u32>,
}

/// What a run brings to the gate.
#[derive(Debug)]
pub struct Caller {
    /// What it may still spend.
    pub budget: Budget,
    /// Where its calls are recorded.
    pub ledger: Ledger,
    /// How long one call may take once sent.
    pub deadline: Duration,
    /// The language of its script, in which messages declare a tool.
    pub language: Language,
    /// The conversation that it belongs to: what that has seen counts, and what the run sees is added.
    pub session: Arc<Session>,
    /// What it has done so far.
    pub tally: Tally,
    /// The run.
    pub run: RunId,
    /// On whose behalf, from the run's beginning to its end, whoever the conversation is with by then.
    pub principal: Principal,
    /// The script; `None` for a call outside any script.
    pub script: Option<Arc<str>>,
    /// Where the upstream's own words of one answer are put, if somebody wants them beside the value.
    pub verbatim: Option<Arc<OnceLock<CallReply>>>,
    /// Where it is told how far a call is, if somebody wants to know.
    pub advances: Option<mpsc::Sender<Advance>>,
}

impl Caller {
    /// Passes an answer to the run's owner, counted until the script has it.
    pub(crate) fn settle(&self, request: RequestId, reply: Reply) {
        let held = self.budget.hold(&reply);
        self.ledger.settle(request, reply, held);
    }
}

/// Words on how far a call is that wait to be heard; further ones are dropped.
const ADVANCES: usize = 64;

/// How often the tool behind a name may change while one call waits.
const CHANGES: usize = 4;

/// A call that has passed everything before its record.
struct Cleared {
    target: Target,
    leave: Leave,
    counted: Reserved,
    upstream: Arc<dyn Upstream>,
    place: Option<OwnedSemaphorePermit>,
}

/// Why a call may be sent.
struct Leave {
    allowed_by: String,
    /// A person's yes, which is used up by the record of the call.
    approval: Option<Approval>,
}

/// The gate, shared by all runs.
pub struct Broker {
    catalogue: Catalogue,
    upstreams: Arc<dyn Upstreams>,
    policy: RwLock<Arc<dyn Policy>>,
    approver: Arc<dyn Approver>,
    validators: Validators,
    hours: Hours,
    listed: Listed,
    witness: OnceLock<Arc<dyn Witness>>,
    /// How often a person has said that what sessions have seen may leave.
    cleared: AtomicU64,
}

/// Is told when a session has seen something of a kind that it had not seen before.
pub trait Witness: Send + Sync + 'static {
    /// A session has seen this by now, in all. It is called within the gate and must not wait.
    fn saw(&self, taint: Taint);
}

impl Broker {
    /// A gate to these upstreams under this policy.
    pub fn new(
        catalogue: Catalogue,
        upstreams: Arc<dyn Upstreams>,
        policy: Arc<dyn Policy>,
        approver: Arc<dyn Approver>,
    ) -> Self {
        let policy = RwLock::new(policy);
        let (validators, hours) = (Validators::default(), Hours::default());
        Self {
            catalogue,
            upstreams,
            policy,
            approver,
            validators,
            hours,
            listed: Listed::default(),
            witness: OnceLock::new(),
            cleared: AtomicU64::new(0),
        }
    }

    /// Tells this witness from now on. There is one at most: a second is not told.
    pub fn set_witness(&self, witness: Arc<dyn Witness>) {
        let _ = self.witness.set(witness);
    }

    /// A person said that what sessions have seen so far may leave.
    pub fn clear_taint(&self) {
        self.cleared.fetch_add(1, Ordering::AcqRel);
    }

    /// Clears for this session what a person has cleared until now. What it sees again afterwards counts.
    pub(crate) fn notice_clearing(&self, session: &Session) {
        session.cleared(self.cleared.load(Ordering::Acquire));
    }

    /// What a session has seen and nobody has cleared.
    fn taint(&self, session: &Session) -> Taint {
        self.notice_clearing(session);
        session.taint()
    }

    /// A session is about to be given something from an upstream with these labels.
    fn saw(&self, session: &Session, labels: Labels) {
        self.brought(session, labels.taint());
    }

    /// A session is about to see this, from wherever it comes.
    pub(crate) fn brought(&self, session: &Session, taint: Taint) {
        self.notice_clearing(session);
        if session.saw(taint)
            && let Some(witness) = self.witness.get()
        {
            witness.saw(session.taint());
        }
    }

    /// A session is about to be given again what these upstreams gave at an earlier time.
    pub(crate) fn recall<'a>(&self, session: &Session, upstreams: impl Iterator<Item = &'a UpstreamName>) {
        let snapshot = self.catalogue.snapshot();
        for upstream in upstreams {
            // Of one that is not configured any more nothing better is known than of one without labels.
            let labels = snapshot.member(upstream.as_str()).map(|member| member.terms.labels);
            self.saw(session, labels.unwrap_or_default());
        }
    }

    /// Judges by this policy from now on. Operations that passed before are not judged again.
    pub fn set_policy(&self, policy: Arc<dyn Policy>) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<dyn Policy> {
        Arc::clone(&self.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Carries out one call of a run and settles it in the run's ledger. Never fails: what goes
    /// wrong is the script's to see.
    pub async fn call(&self, caller: &Caller, request: CallRequest) {
        let id = request.id;
        let reply = self.pass(caller, request).await.unwrap_or_else(Reply::Failed);
        caller.settle(id, reply);
    }

    /// The steps of the gate, in the order in which they protect one another.
    async fn pass(&self, caller: &Caller, request: CallRequest) -> Result<Reply, ToolFailure> {
        // Names come first: all later steps judge a real tool, never the text that a script wrote.
        let target = resolve::resolve(&self.catalogue, &*self.upstreams, &request, caller.deadline).await?;
        // Before the budget, so that a mistake costs nothing.
        self.validators.check(&target, &request.arguments, caller.language)?;
        // Held until the answer is there; waiting for it is what queues concurrent calls.
        let mut slot = Some(caller.budget.admit().await?);
        let Cleared { target, leave, counted, upstream, place: _place } =
            self.clear(caller, &request, target, &mut slot).await?;
        let of_page = request.paged.then(|| request.arguments.clone());
        let (tell, advances) = mpsc::channel(ADVANCES);
        let permit = Permit::for_operation(target.operation(request.arguments)).telling(tell);
        // No record, no call. What a person allowed is used up by the same record.
        let spending = leave.spending();
        caller.ledger.intend(target.intent(request.id, leave.allowed_by), request.line, spending).await?;
        counted.keep();
        let deadline = target.timeout.unwrap_or(caller.deadline);
        let mut sent = within(deadline, upstream.send(permit), advances, caller.advances.as_ref()).await;
        // Before the script has it: what it says from then on may carry it.
        self.saw(&caller.session, target.labels);
        let next = sent.as_mut().ok().and_then(|reply| reply.next.take());
        if let (Some(verbatim), Ok(reply)) = (&caller.verbatim, &sent) {
            // One call has one answer.
            let _ = verbatim.set(reply.clone());
        }
        let reply = outcome(&target, sent)?;
        self.observe(&target, &reply);
        match (reply, of_page) {
            (Reply::Value(value), Some(arguments)) => {
                Ok(Reply::Value(pages::page(&target, &arguments, &value, next)))
            }
            (reply, _) => Ok(reply),
        }
    }

    /// Shows a result to whoever learns from results: never private data, and only where nothing is declared.
    fn observe(&self, target: &Target, reply: &Reply) {
        if let (Reply::Value(value), Some(observer)) = (reply, self.catalogue.observing().get())
            && target.labels.private != Some(true)
            && !target.tool.declares_result()
        {
            observer.saw(target.seat, &target.tool.name, value);
        }
    }

    /// Judges the call, then wakes its upstream and waits for a place there. The tool that was judged must still be the
    /// one that the names mean when the waiting is over; otherwise all is done again with what they mean by then.
    async fn clear(
        &self,
        caller: &Caller,
        request: &CallRequest,
        mut target: Target,
        slot: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<Cleared, ToolFailure> {
        for _ in 0..CHANGES {
            let operation = target.operation(request.arguments.clone());
            let counted = self.hours.reserve(&caller.tally, &operation);
            let facts = Facts {
                principal: caller.session.principal(),
                counts: counted.before,
                taint: self.taint(&caller.session),
                ..target.facts(&operation)
            };
            let asker = Asker::of(caller, request.id, request.line, slot);
            let leave = self.judge(&facts, asker).await?;
            let upstream = self.upstreams.get(&target.upstream);
            // Neither the start of the upstream nor the queue before it counts as time of the call.
            let ready = match &upstream {
                Some(upstream) => upstream.ready().await,
                None => Ok(()),
            };
            let place = target.place().await;
            let now = resolve::resolve_now(&self.catalogue, request)?;
            if now.is(&target) {
                let upstream = upstream.ok_or_else(|| absent(&now))?;
                ready.map_err(|failure| refused(&failure))?;
                self.check(caller, &now.operation(request.arguments.clone()), &leave)?;
                return Ok(Cleared { target: now, leave, counted, upstream, place });
            }
            target = now;
            self.validators.check(&target, &request.arguments, caller.language)?;
        }
        let message = format!("not sent: {} changes its tools again and again", target.namespace);
        Err(ToolFailure::new(FailureCode::UpstreamUnavailable, message))
    }

    /// Policy's verdict, and a person's where policy asks. What waits for a person takes no slot from others.
    async fn judge(&self, facts: &Facts<'_>, mut asker: Asker<'_>) -> Result<Leave, ToolFailure> {
        match self.policy().judge(facts) {
            Verdict::Allow(reason) => Ok(Leave { allowed_by: reason.text, approval: None }),
            Verdict::Deny(reason) => Err(denied(format!("denied by policy: {reason}"))),
            Verdict::Ask(reason) => {
                let remedy = reason.remedy.as_ref().map(|command| format!("; a person can run: {command}"));
                let text = reason.text.clone();
                let question = asker.question(facts, reason);
                let answer = match &mut asker.held {
                    Some((caller, slot)) => {
                        **slot = None;
                        caller.ledger.written().await;
                        let asking = caller.ledger.asking(asker.request);
                        let answer = self.approver.ask(question).await;
                        asking.over().await;
                        answer
                    }
                    None => self.approver.ask(question).await,
                };
                let approval = match answer {
                    Answer::Allowed(approval) => approval,
                    Answer::Refused(refusal) => {
                        return Err(denied(format!("not approved: {refusal} ({text})")));
                    }
                    Answer::Nobody(why) => {
                        let remedy = remedy.unwrap_or_default();
                        return Err(denied(format!(
                            "not approved: nobody could be asked: {why} ({text}{remedy})"
                        )));
                    }
                };
                if let Some((caller, slot)) = asker.held {
                    *slot = Some(caller.budget.slot().await?);
                }
                Ok(Leave { allowed_by: approval.told(), approval: Some(approval) })
            }
        }
    }

    /// Whether what a person allowed is still exactly what is about to be sent.
    fn check(&self, caller: &Caller, operation: &Operation, leave: &Leave) -> Result<(), ToolFailure> {
        match &leave.approval {
            Some(approval) if !self.approver.holds(approval, &caller.scope(), operation) => {
                let why = "not approved: what a person allowed is not this call, or is too long ago";
                Err(denied(why.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl Leave {
    /// What is used up with the record.
    fn spending(&self) -> Option<Spending> {
        self.approval.as_ref().map(Approval::spending)
    }
}

impl Caller {
    /// For which run, and on whose behalf.
    fn scope(&self) -> Scope {
        Scope { run: self.run.clone(), principal: self.principal.clone() }
    }
}

/// Who wants an operation.
struct Asker<'a> {
    scope: Scope,
    request: RequestId,
    line: Option<u32>,
    /// The run, and its place among the calls under way, if a run wants it.
    held: Option<(&'a Caller, &'a mut Option<OwnedSemaphorePermit>)>,
}

impl<'a> Asker<'a> {
    fn of(
        caller: &'a Caller,
        request: RequestId,
        line: Option<u32>,
        slot: &'a mut Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { scope: caller.scope(), request, line, held: Some((caller, slot)) }
    }

    /// An upstream that asks something of the client.
    fn upstream(session: &Session) -> Self {
        let scope = Scope { run: RunId::from("upstream"), principal: session.client() };
        Self { scope, request: RequestId(0), line: None, held: None }
    }

    /// What a person is asked about this operation.
    fn question(&self, facts: &Facts<'_>, reason: Reason) -> Question {
        let caller = self.held.as_ref().map(|(caller, _)| *caller);
        Question {
            operation: facts.operation.clone(),
            annotations: facts.claims,
            vouched: facts.vouched(),
            rule: match reason.by {
                Decider::Rule(place) => Some(place),
                _ => None,
            },
            reason: reason.text,
            remedy: reason.remedy,
            run: self.scope.run.clone(),
            request: self.request,
            line: self.line,
            script: caller.and_then(|caller| caller.script.clone()),
            so_far: caller.map(|caller| caller.ledger.so_far()).unwrap_or_default(),
            principal: self.scope.principal.clone(),
            proved: facts.principal.is_some(),
        }
    }
}

fn denied(message: String) -> ToolFailure {
    ToolFailure::new(FailureCode::Denied, message)
}

/// The answer to a call, unless nothing is heard of it for so long: that it goes on is as good as an answer. The run's own time
/// ends it all the same.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, SendFailure>>,
    mut advances: mpsc::Receiver<Advance>,
    told: Option<&mpsc::Sender<Advance>>,
) -> Result<T, SendFailure> {
    let mut answer = pin!(answer);
    let mut silence = pin!(tokio::time::sleep(patience));
    let mut listens = true;
    loop {
        tokio::select! {
            biased;
            advance = advances.recv(), if listens => {
                let Some(advance) = advance else {
                    listens = false;
                    continue;
                };
                silence.as_mut().reset(Instant::now() + patience);
                if let Some(told) = told {
                    // Whoever listens too slowly misses some.
                    let _ = told.try_send(advance);
                }
            }
            answer = &mut answer => return answer,
            () = &mut silence => return Err(SendFailure::Timeout { waited: patience }),
        }
    }
}

/// What the script gets for an upstream's answer, or for the lack of one.
fn outcome(target: &Target, sent: Result<CallReply, SendFailure>) -> Result<Reply, ToolFailure> {
    match sent {
        Ok(reply) => normalise::reply(target, reply),
        Err(failure) => Err(refused(&failure)),
    }
}

fn refused(failure: &SendFailure) -> ToolFailure {
    let code = match failure {
        SendFailure::Unavailable { .. } => FailureCode::UpstreamUnavailable,
        SendFailure::Unsendable { .. } => FailureCode::InvalidArguments,
        SendFailure::Lost { .. } => FailureCode::UpstreamLost,
        SendFailure::Refused { code: -32700 | -32602..=-32600, .. } => FailureCode::UpstreamRefused,
        SendFailure::Refused { .. } | SendFailure::Unreadable { .. } => FailureCode::UpstreamError,
        SendFailure::Timeout { .. } => FailureCode::Timeout,
    };
    let refusal = match failure {
        SendFailure::Refused { code, .. } => Some(*code),
        _ => None,
    };
    ToolFailure { refusal, ..ToolFailure::new(code, failure.to_string()) }
}

fn absent(target: &Target) -> ToolFailure {
    let reason = target.failed.as_deref().unwrap_or("it is not configured any more");
    let message = format!("{} is not available: {reason}", target.namespace);
    ToolFailure::new(FailureCode::UpstreamUnavailable, message)
}
