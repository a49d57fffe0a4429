//! A runtime that runs nothing: the script says what comes of it.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_face::Backend;
use outboard_runtime::{
    RunRequest,
    approval::{Answer, Approvals, Approver as _, Question, Reach, Rules, Sheet, SigningKey, SoFar},
    catalogue::{Annotations, Catalogue, Listing, SearchRequest, ToolDefinition},
    clock::SystemClock,
    ids::{Namespace, RequestId, RunId, ToolName, UpstreamName},
    json::Json,
    limits::Limits,
    operation::{Operation, Requested, ToolCall},
    reply::{CallReply, FailureCode, ToolFailure},
    run::{
        Failure, FailureKind, Outcome, OutsideRequest, Progress, RunReport, ToolOutcome, ToolReport,
        ToolRequest,
    },
    session::Session,
};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) struct Fake {
    pub(crate) catalogue: Catalogue,
    /// One permit for each run that has begun, and for each that was cancelled.
    pub(crate) begun: Semaphore,
    pub(crate) cancelled: Semaphore,
    pub(crate) ended: AtomicUsize,
    pub(crate) approvals: Arc<Approvals>,
    /// Runs of an Outboard before this one.
    pub(crate) recovered: Arc<Session>,
    calls: Session,
    /// Namespaces whose resources somebody has listed.
    listed: Mutex<HashSet<String>>,
}

/// Writes rules nowhere.
struct NoFile;

impl Rules for NoFile {
    fn allow(&self, sheet: &Sheet) -> Result<String, String> {
        Ok(format!("{} runs without asking from now on", sheet.subject()))
    }
}

impl Fake {
    pub(crate) fn new(catalogue: Catalogue) -> Arc<Self> {
        let (begun, cancelled) = (Semaphore::new(0), Semaphore::new(0));
        let approvals = Approvals::new(SigningKey::random(), Arc::new(SystemClock), Reach::Somebody);
        let approvals = Arc::new(approvals.with_rules(Arc::new(NoFile)));
        let (ended, recovered) = (AtomicUsize::new(0), Arc::default());
        let (calls, listed) = (Session::default(), Mutex::default());
        Arc::new(Self { catalogue, begun, cancelled, ended, approvals, recovered, calls, listed })
    }

    /// What becomes of a call say its arguments: `reply` is answered, `ask` asks first, once it has waited for so many seconds as
    /// `after` says, `hang` hangs, anything else fails. One with `sent` may have had an effect when it is given up.
    async fn answer(
        &self,
        session: &Session,
        request: ToolRequest,
        cancel: &CancellationToken,
    ) -> ToolReport {
        self.begun.add_permits(1);
        let arguments = request.arguments.to_value();
        let id = request.id.clone().unwrap();
        let report = |outcome, reply| ToolReport { id: id.clone(), outcome, reply };
        let cancelled = || {
            self.cancelled.add_permits(1);
            report(ToolOutcome::Cancelled { effect_unknown: arguments.get("sent").is_some() }, None)
        };
        if let Some(seconds) = arguments.get("after").and_then(serde_json::Value::as_u64) {
            tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
        }
        if let Some(asked) = arguments.get("ask") {
            let of = RunRequest { id: Some(id.clone()), ..RunRequest::default() };
            let asked = self.approvals.ask(question(&of, session, &json!({ "text": asked }).to_string()));
            return match cancel.run_until_cancelled(asked).await {
                Some(Answer::Allowed(_)) => {
                    let called =
                        format!("{}.{} for {}", request.namespace, request.tool, request.client.unwrap());
                    report(ToolOutcome::Value(Json::string(&called)), None)
                }
                Some(Answer::Refused(why) | Answer::Nobody(why)) => {
                    report(ToolOutcome::Failed(ToolFailure::new(FailureCode::Denied, why)), None)
                }
                None => cancelled(),
            };
        }
        if arguments.get("hang").is_some() {
            cancel.cancelled().await;
            return cancelled();
        }
        match arguments.get("reply") {
            Some(reply) => {
                let reply: CallReply = serde_json::from_value(reply.clone()).unwrap();
                report(ToolOutcome::Value(Json::null()), Some(reply))
            }
            None => {
                let failure = ToolFailure::new(FailureCode::InvalidArguments, "`reply` is missing");
                report(ToolOutcome::Failed(failure), None)
            }
        }
    }

    /// Each upstream lists `x://common`, one of its own and one that nobody may read; a prompt tells who asks for what; `ask`
    /// asks first.
    async fn told(
        &self,
        session: &Session,
        request: OutsideRequest,
        cancel: &CancellationToken,
    ) -> ToolReport {
        self.begun.add_permits(1);
        let OutsideRequest { id, namespace, what, client, may_ask, .. } = request;
        let id = id.unwrap();
        let report = |outcome| ToolReport { id: id.clone(), outcome, reply: None };
        let failed = |code, message: &str, refusal| {
            let failure = ToolFailure { refusal, ..ToolFailure::new(code, message) };
            report(ToolOutcome::Failed(failure))
        };
        let text = match &what {
            Requested::ListResources if namespace == "silent" => {
                return failed(FailureCode::Denied, "not accepted", None);
            }
            Requested::ListResources => {
                self.listed.lock().unwrap().insert(namespace.clone());
                let listed = [&format!("x://{namespace}"), "x://common", "x://refused", "x://ask"]
                    .map(|uri| json!({ "uri": uri, "name": uri }));
                return report(ToolOutcome::Value(Json::from(json!({ "resources": listed }))));
            }
            Requested::ReadResource { uri } if uri == "x://refused" => {
                return failed(FailureCode::UpstreamError, "no such thing", Some(-32002));
            }
            Requested::ReadResource { uri } if uri == "x://ask" => {
                assert!(may_ask);
                let of = RunRequest { id: Some(id.clone()), ..RunRequest::default() };
                let asked = self.approvals.ask(question(&of, session, "{}"));
                match cancel.run_until_cancelled(asked).await {
                    Some(Answer::Allowed(_)) => "allowed".to_owned(),
                    Some(Answer::Refused(why) | Answer::Nobody(why)) => {
                        return failed(FailureCode::Denied, &why, None);
                    }
                    None => return report(ToolOutcome::Cancelled { effect_unknown: false }),
                }
            }
            Requested::Complete { .. } => {
                let completion = json!({ "values": [what.parameters().to_string()] });
                return report(ToolOutcome::Value(Json::from(json!({ "completion": completion }))));
            }
            _ => format!("{namespace} {} {} for {}", what.method(), what.parameters(), client.unwrap()),
        };
        let content = json!({ "type": "text", "text": text });
        report(ToolOutcome::Value(Json::from(json!({
            "contents": [{ "uri": "x://own", "text": text }],
            "messages": [{ "role": "user", "content": content }],
        }))))
    }

    async fn outcome(&self, session: &Session, request: &RunRequest, cancel: &CancellationToken) -> Outcome {
        self.begun.add_permits(1);
        if let Some(arguments) = request.code.strip_prefix("ask ") {
            request.progress.send_modify(|progress| progress.stands = true);
            let asked = self.approvals.ask(question(request, session, arguments));
            let answer = cancel.run_until_cancelled(asked).await;
            request.progress.send_modify(|progress| progress.stands = false);
            return match answer {
                Some(Answer::Allowed(_)) => Outcome::Value(Some(Json::string("posted"))),
                Some(Answer::Refused(why) | Answer::Nobody(why)) => Outcome::Value(Some(Json::string(&why))),
                None => failed(FailureKind::Cancelled),
            };
        }
        if let Some(value) = request.code.strip_prefix("return ") {
            return Outcome::Value(Some(Json::parse(value).unwrap()));
        }
        if request.code == "taint" {
            return Outcome::Value(Some(Json::string(&format!("{:?}", session.taint()))));
        }
        if request.code == "who" {
            let who = format!("{:?} {}", session.principal(), session.client());
            return Outcome::Value(Some(Json::string(&who)));
        }
        if request.code == "throw" {
            return failed(FailureKind::Threw { name: "Error".to_owned(), message: "no".to_owned() });
        }
        request.progress.send_replace(Progress { calls_made: 30, calls_done: 12, ..Progress::default() });
        if request.code == "hang" {
            cancel.cancelled().await;
        } else {
            let seconds = request.code.strip_prefix("wait ").unwrap().parse().unwrap();
            let waited = tokio::time::sleep(std::time::Duration::from_secs_f64(seconds));
            if cancel.run_until_cancelled(waited).await.is_some() {
                return Outcome::Value(Some(Json::from(json!("waited"))));
            }
        }
        self.cancelled.add_permits(1);
        failed(FailureKind::Cancelled)
    }
}

fn question(request: &RunRequest, session: &Session, arguments: &str) -> Question {
    Question {
        operation: Operation::CallTool(ToolCall {
            upstream: "slack".into(),
            namespace: "slack".into(),
            tool: "post".into(),
            arguments: Json::parse(arguments).unwrap(),
        }),
        annotations: Annotations::default(),
        vouched: true,
        rule: None,
        reason: "a test asks".to_owned(),
        remedy: None,
        run: request.id.clone().unwrap(),
        request: RequestId(1),
        line: Some(1),
        script: Some(request.code.as_str().into()),
        so_far: SoFar::default(),
        principal: session.client(),
        proved: session.principal().is_some(),
    }
}

fn failed(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { kind, position: None, frames: Vec::new() })
}

impl Backend for Fake {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn search(&self, request: &SearchRequest) -> String {
        format!("found {request:?}")
    }

    fn run(
        self: Arc<Self>,
        session: Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, RunReport> {
        async move {
            let outcome = self.outcome(&session, &request, &cancel).await;
            self.ended.fetch_add(1, Ordering::Relaxed);
            RunReport {
                id: request.id.unwrap_or_else(|| session.next_run()),
                source: request.code,
                language: request.language.unwrap_or_default(),
                limits: Limits::default(),
                outcome,
                console: Vec::new(),
                console_dropped: 0,
                effects: Vec::new(),
                hints: Vec::new(),
            }
        }
        .boxed()
    }

    fn next_call(&self) -> RunId {
        self.calls.next_run()
    }

    fn call(
        self: Arc<Self>,
        session: Arc<Session>,
        request: ToolRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport> {
        async move { self.answer(&session, request, &cancel).await }.boxed()
    }

    fn request(
        self: Arc<Self>,
        session: Arc<Session>,
        request: OutsideRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, ToolReport> {
        async move { self.told(&session, request, &cancel).await }.boxed()
    }

    fn owners(&self, uri: &str) -> Vec<Namespace> {
        let snapshot = self.catalogue.snapshot();
        let listed = self.listed.lock().unwrap();
        let owns = |namespace: &str| {
            let own = format!("x://{namespace}");
            listed.contains(namespace) && [&*own, "x://common", "x://refused", "x://ask"].contains(&uri)
        };
        let members = snapshot.members().iter().filter(|member| owns(member.namespace.as_str()));
        members.map(|member| member.namespace.clone()).collect()
    }

    fn recovered(&self) -> Option<&Session> {
        Some(&self.recovered)
    }
}

/// `count` tools in `namespaces` upstreams, all listed if there are any.
pub(crate) fn catalogue(namespaces: usize, count: usize) -> Catalogue {
    let names: Vec<UpstreamName> =
        (0..namespaces).map(|index| UpstreamName::new(format!("server_{index}"))).collect();
    let catalogue = Catalogue::new(names.iter().cloned());
    for (index, name) in names.iter().enumerate().filter(|_| count > 0) {
        let tools = (index..count)
            .step_by(namespaces.max(1))
            .map(|tool| self::tool(&format!("tool_{tool}")))
            .collect();
        catalogue.publish(name, Listing { tools, ..Listing::default() });
    }
    catalogue
}

pub(crate) fn tool(name: &str) -> Arc<ToolDefinition> {
    Arc::new(ToolDefinition {
        name: ToolName::new(name),
        title: None,
        description: Some(format!("Does what {name} does.")),
        input_schema: Some(
            json!({ "type": "object", "properties": { "page": { "type": "integer" } } }).into(),
        ),
        output_schema: None,
        annotations: Annotations::default(),
    })
}
