//! Answers the client's requests: what there is, what is found, what a run gave.
//! It holds no transport and does not know which revision of MCP a client speaks beyond what rmcp tells.

mod beside;
mod direct;
pub(crate) mod outside;

use std::sync::Arc;

use outboard_runtime::{
    RunRequest,
    approval::{Approvals, Sheet, Ticket},
    ids::{Principal, QuestionId, RunId},
    present::{self, Answer},
    run::{Outcome, Progress, RunReport, Told},
    session::{Found, LongRun, NotHere, Session},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
        ContentBlock, CustomRequest, CustomResult, ErrorCode, GetPromptRequestParams, GetPromptResponse,
        Implementation, InitializeRequestParams, InitializeResult, InputResponses, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
        ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
        SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext, SubscriptionSendError},
};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::outside::Held;
use crate::{
    arguments::{self, What},
    asking::{self, Asked, Client, HandBack, Way},
    backend::Backend,
    changes::Changes,
    offer::{Beside, Offer, Offers},
    progress,
    server::{FIRST_LIST, FaceOptions},
    shell::Shell,
    silence::Silence,
    subscriptions::Subscriptions,
};

/// Values up to this many bytes are made into text where they are; larger ones on a thread for such work.
const SMALL: usize = 64 << 10;
/// More tokens than this are never given, whatever a call asks for.
const LARGEST_BUDGET: usize = 200_000;

/// What came of waiting for a run.
enum Waited {
    /// It has ended.
    Ended(Arc<RunReport>),
    /// It goes on.
    Going(LongRun),
    /// It goes on, and the client is handed a form for its person.
    Form(Arc<Sheet>),
    /// It waits for a person whom this client cannot ask.
    Asks(LongRun),
}

/// One client's server.
pub(crate) struct Handler {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) session: Arc<Session>,
    /// Who the client has proved to be.
    pub(crate) principal: Option<Principal>,
    pub(crate) silence: Arc<Silence>,
    pub(crate) options: FaceOptions,
    pub(crate) approvals: Option<Arc<Approvals>>,
    pub(crate) asked: Arc<Asked>,
    pub(crate) changes: Arc<Changes>,
    /// Runs in progress hold a token of it.
    pub(crate) runs: TaskTracker,
    /// Ends all runs.
    pub(crate) stop: CancellationToken,
    /// The client says no more.
    pub(crate) ended: CancellationToken,
    pub(crate) offers: Arc<Offers>,
    /// Requests outside any script whose client was handed a form.
    pub(crate) held: Arc<Held>,
    /// Resources of which the client wants to hear.
    pub(crate) subscriptions: Arc<Subscriptions>,
    /// The client's workspace, where there may be one.
    pub(crate) shell: Option<Shell>,
    /// It answers one request, and others of the same session come and go elsewhere. Then a cancellation means that the
    /// client is gone, and whatever would be told with the next answer might be told to somebody else.
    pub(crate) alone: bool,
}

impl Handler {
    async fn search(&self, request: &CallToolRequestParams) -> CallToolResult {
        match arguments::search(&request.arguments.clone().unwrap_or_default()) {
            Ok(request) => {
                // As with the first list: what is about to be known is worth a moment.
                self.backend.catalogue().settled(FIRST_LIST).await;
                let found = self.backend.search(&request);
                self.session.showed(&found);
                text(found, false)
            }
            Err(wrong) => text(wrong, true),
        }
    }

    async fn execute(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResponse {
        // Results of earlier runs bring back what was seen with them.
        self.backend.notice_clearing(&self.session);
        // A call that brings a form back is no new call, whatever else stands in it.
        if let Some(ticket) = &request.request_state {
            let asked = request.arguments.as_ref().and_then(|arguments| arguments::execute(arguments).ok());
            let budget = self.budget(asked.and_then(|asked| asked.max_tokens));
            return match self.hear(ticket, &request, context).await {
                Ok(Found::Ended(report)) => self.hand_over(Waited::Ended(report), budget, None).await,
                Ok(Found::Going(run)) => {
                    let waited = self.resume(&run, context, false).await;
                    self.hand_over(waited, budget, None).await
                }
                Err(why) => text(why, true).into(),
            };
        }
        let arguments = match arguments::execute(&request.arguments.unwrap_or_default()) {
            Ok(arguments) => arguments,
            Err(wrong) => return text(wrong, true).into(),
        };
        let waited = match arguments.what {
            What::Run(code) => {
                self.session.set_client(self.principal(context));
                let budget = Some(self.budget(arguments.max_tokens));
                let request =
                    RunRequest { code, language: arguments.language, budget, ..RunRequest::default() };
                self.run(request, context).await
            }
            What::Resume(name) => match self.find(&name).map(|(found, _)| found) {
                Ok(Found::Ended(report)) => {
                    self.session.told(&report.id);
                    Waited::Ended(report)
                }
                Ok(Found::Going(run)) => {
                    self.session.told(run.id());
                    self.asked.ask_again(Way::of(context));
                    self.resume(&run, context, true).await
                }
                Err(why) => {
                    // Others' names are what keeps them apart.
                    let going = (!self.alone).then(|| self.session.going());
                    return text(present::not_here(&name, why, going.as_deref()), true).into();
                }
            },
        };
        let note = (!arguments.ignored.is_empty()).then(|| arguments::ignored_note(&arguments.ignored));
        self.hand_over(waited, self.budget(arguments.max_tokens), note).await
    }

    /// Runs a command in the client's workspace. A client that gives up ends it, whatever its reason: nothing else could
    /// be asked for it later.
    async fn bash(
        &self,
        shell: &Shell,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        let asked = match arguments::bash(&request.arguments.unwrap_or_default()) {
            Ok(asked) => asked,
            Err(wrong) => return text(wrong, true),
        };
        self.session.set_client(self.principal(context));
        self.backend.notice_clearing(&self.session);
        let _token = self.runs.token();
        let most = self.options.respond_within;
        let told = progress::tell_advances(&context.peer, context.meta.get_progress_token(), None);
        let (command, began) = (asked.command.clone(), Instant::now());
        let answer = tokio::select! {
            biased;
            answer = shell.run(asked.command, asked.timeout.unwrap_or(most).min(most), self.budget(None)) => answer,
            () = context.ct.cancelled() => return text("cancelled".to_owned(), true),
            () = self.stop.cancelled() => return text("Outboard is ending".to_owned(), true),
            never = told => match never {},
        };
        let told = Told { command, answer: answer.text.clone(), took: began.elapsed() };
        self.backend.told(&self.session, told).await;
        result(answer)
    }

    fn budget(&self, asked: Option<usize>) -> usize {
        asked.unwrap_or(self.options.result_budget).min(LARGEST_BUDGET)
    }

    /// The answer for what came of waiting.
    async fn hand_over(&self, waited: Waited, budget: usize, note: Option<String>) -> CallToolResponse {
        match waited {
            Waited::Ended(report) => {
                let is_recorded = !matches!(report.outcome, Outcome::NotRun(_));
                let mut answer = self.answer(report, budget).await;
                if !is_recorded {
                    self.session.showed(&answer.text);
                }
                if let Some(note) = note {
                    answer.text.push('\n');
                    answer.text.push_str(&note);
                }
                result(answer).into()
            }
            Waited::Form(sheet) => {
                self.not_told(sheet.run());
                let approvals = self.approvals.as_ref();
                match approvals.and_then(|approvals| asking::input_required(approvals, &sheet)) {
                    Some(form) => form.into(),
                    None => self.waits(sheet.run()),
                }
            }
            Waited::Asks(run) => self.waits(run.id()),
            Waited::Going(run) => {
                let progress = *run.progress().borrow();
                // For a moment a question is gathered and not open yet.
                let open = |approvals: &Arc<Approvals>| !approvals.open_of(run.id()).is_empty();
                if progress.stands && self.approvals.as_ref().is_some_and(open) {
                    return self.waits(run.id());
                }
                let going = present::still_running(run.id(), progress);
                self.session.showed(&going);
                text(going, false).into()
            }
        }
    }

    /// The answer for a run that waits for nothing but a person.
    fn waits(&self, run: &RunId) -> CallToolResponse {
        let sheets = self.approvals.as_ref().map(|approvals| approvals.open_of(run)).unwrap_or_default();
        let waits = present::waiting_for_approval(run, &sheets);
        self.session.showed(&waits);
        text(waits, false).into()
    }

    /// Takes the form that a client brings back with this ticket, and finds the run that it is about.
    async fn hear(
        &self,
        ticket: &str,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Found, String> {
        let nothing = |why: &dyn std::fmt::Display| {
            format!(
                "nothing was run and nothing was changed: the `requestState` of this call is no good: {why}"
            )
        };
        let approvals = self.approvals.as_ref().ok_or_else(|| nothing(&"nobody is asked anything here"))?;
        let Ticket { run, question, principal: asked } =
            approvals.read_ticket(ticket).map_err(|bad| nothing(&bad))?;
        let (found, taken_up) =
            self.find(run.name()).map_err(|why| present::not_here(run.name(), why, None))?;
        let known = match &found {
            Found::Going(going) => *going.id() == run,
            Found::Ended(report) => report.id == run,
        };
        // A run that was taken up has lost its connection: whoever knows its name may resume it.
        if !known || !taken_up && asked != self.principal(context) {
            return Err(nothing(&"it belongs to another connection"));
        }
        self.session.told(&run);
        if matches!(found, Found::Going(_)) {
            self.take_form(approvals, &run, &question, request.input_responses.as_ref()).await;
        }
        Ok(found)
    }

    /// Takes what the client made of the form that it was handed.
    async fn take_form(
        &self,
        approvals: &Approvals,
        run: &RunId,
        question: &QuestionId,
        responses: Option<&InputResponses>,
    ) {
        let calls =
            approvals.open_of(run).iter().find(|sheet| sheet.id == *question).map(|sheet| sheet.calls);
        let choice = asking::brought(approvals, responses, calls);
        self.asked.take(approvals, question, choice).await;
    }

    /// A run of this client, or one that an Outboard before this one did not bring to its end: a client that had to
    /// start Outboard anew asks for it by the name that it was told. Also says whether it was taken up so.
    fn find(&self, name: &str) -> Result<(Found, bool), NotHere> {
        let own = self.session.find(name);
        match (own, self.backend.recovered()) {
            // Over HTTP whoever asks may be anybody else: only a name that nobody can guess shows that it is the same.
            (Err(NotHere::Unknown), Some(recovered))
                if !self.session.has_secret_names() || name.contains('.') =>
            {
                let found = recovered.find(name)?;
                self.saw_recovered();
                Ok((found, true))
            }
            (own, _) => own.map(|found| (found, false)),
        }
    }

    /// What the runs that were taken up have seen, whoever is given the result of one has seen too.
    fn saw_recovered(&self) {
        if let Some(recovered) = self.backend.recovered() {
            self.backend.notice_clearing(&self.session);
            self.session.saw(recovered.taint());
        }
    }

    /// Runs a script and waits for it as long as an answer may take; what goes on then is the session's. Also a
    /// cancelled one is waited for: a run is never left behind.
    async fn run(&self, mut request: RunRequest, context: &RequestContext<RoleServer>) -> Waited {
        let _token = self.runs.token();
        let (id, cancel) = (self.session.next_run(), self.stop.child_token());
        request.id = Some(id.clone());
        let seen = request.progress.subscribe();
        let told =
            progress::tell(&context.peer, context.meta.get_progress_token(), request.progress.subscribe());
        let asking = self.ask(&id, seen.clone(), context, false);
        let backend = Arc::clone(&self.backend);
        let mut run = backend.run(Arc::clone(&self.session), request, cancel.clone());
        let handed_back = tokio::select! {
            biased;
            report = &mut run => return Waited::Ended(Arc::new(report)),
            () = context.ct.cancelled() => {
                if !self.silence.take(&context.id) && !self.parks(&id, *seen.borrow()) {
                    cancel.cancel();
                    return Waited::Ended(Arc::new(run.await));
                }
                self.not_told(&id);
                None
            }
            () = tokio::time::sleep(self.options.respond_within) => None,
            handed_back = asking => Some(handed_back),
            never = told => match never {},
        };
        let run = self.session.adopt(id, cancel, seen, run);
        match handed_back {
            None => Waited::Going(run),
            Some(HandBack::Form(sheet)) => Waited::Form(sheet),
            Some(HandBack::Waits) => Waited::Asks(run),
        }
    }

    /// Whether a client that is gone leaves this run behind: it waits for nothing but a person, who is asked elsewhere too.
    fn parks(&self, run: &RunId, progress: Progress) -> bool {
        let open = |approvals: &Arc<Approvals>| !approvals.open_of(run).is_empty();
        self.alone && progress.stands && self.approvals.as_ref().is_some_and(open)
    }

    /// The next answer tells that this run goes on, if it goes to whoever began it.
    fn not_told(&self, run: &RunId) {
        if !self.alone {
            self.session.not_told(run.clone());
        }
    }

    /// On whose behalf a request is: who the client has proved to be, else what it calls itself.
    fn principal(&self, context: &RequestContext<RoleServer>) -> Principal {
        self.principal.clone().unwrap_or_else(|| claimed(context))
    }

    /// Waits for a run that goes on, again as long as an answer may take.
    async fn resume(&self, run: &LongRun, context: &RequestContext<RoleServer>, patience: bool) -> Waited {
        let _token = self.runs.token();
        let own = self.session.going().contains(run.id());
        let asking = self.ask(run.id(), run.progress(), context, patience);
        let told = progress::tell(&context.peer, context.meta.get_progress_token(), run.progress());
        let ended = tokio::select! {
            biased;
            ended = run.wait(self.options.respond_within) => ended,
            () = context.ct.cancelled() => {
                if !self.silence.take(&context.id) && !self.parks(run.id(), *run.progress().borrow()) {
                    run.cancel();
                }
                None
            }
            handed_back = asking => return match handed_back {
                HandBack::Form(sheet) => Waited::Form(sheet),
                HandBack::Waits => Waited::Asks(run.clone()),
            },
            never = told => match never {},
        };
        match ended {
            Some(report) => {
                self.session.fetched(run.id());
                if !own {
                    self.saw_recovered();
                }
                Waited::Ended(report)
            }
            None => Waited::Going(run.clone()),
        }
    }

    /// Has the person behind this client asked what the run asks; done when something has to be handed back meanwhile.
    async fn ask(
        &self,
        run: &RunId,
        progress: watch::Receiver<Progress>,
        context: &RequestContext<RoleServer>,
        patience: bool,
    ) -> HandBack {
        let Some(approvals) = &self.approvals else { return std::future::pending().await };
        let client = Client {
            way: Way::of(context),
            request: &context.id,
            peer: &context.peer,
            approvals,
            tasks: &self.runs,
            stop: &self.stop,
        };
        self.asked.ask(&client, run, progress, patience).await
    }

    /// Adds the names of runs whose answers the client did not wait for, if this answer will reach it.
    fn noting_untold(
        &self,
        mut result: CallToolResult,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        if !context.ct.is_cancelled() {
            let untold = if self.alone { Vec::new() } else { self.session.take_untold() };
            let mut lines: Vec<String> = untold.iter().map(present::not_lost).collect();
            lines.extend(self.asked.take_notes().into_iter().map(|note| format!("[approval: {note}]")));
            if !lines.is_empty() {
                result.content.push(ContentBlock::text(lines.join("\n")));
            }
        }
        result
    }

    async fn answer(&self, report: Arc<RunReport>, budget: usize) -> Answer {
        let size = match &report.outcome {
            Outcome::Value(Some(value)) => value.as_str().len(),
            Outcome::Value(None) | Outcome::NotRun(_) | Outcome::Failed(_) => 0,
        };
        if size <= SMALL {
            return present::answer(&report, &self.session, budget);
        }
        let session = Arc::clone(&self.session);
        let present = tokio::task::spawn_blocking(move || present::answer(&report, &session, budget));
        present.await.unwrap_or_else(|error| {
            tracing::error!(%error, "could not present a result");
            let text = "failed: Outboard could not turn the result into text; return less of it".to_owned();
            Answer { text, is_error: true, media: Vec::new() }
        })
    }
}

impl Handler {
    /// What there is. Nothing is known of an upstream only at the very first start; a moment then saves the client a change.
    async fn first_offer(&self) -> Arc<Offer> {
        self.offers.of(self.backend.catalogue().settled(FIRST_LIST).await)
    }

    /// The same; a method for what no upstream has does not exist.
    async fn offer_with(
        &self,
        has: impl FnOnce(&Beside) -> bool,
        method: &'static str,
    ) -> Result<Arc<Offer>, ErrorData> {
        let offer = self.first_offer().await;
        let why = || ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None);
        if has(&offer.beside) { Ok(offer) } else { Err(why()) }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities =
            ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        let server = Implementation::new("outboard", env!("CARGO_PKG_VERSION")).with_title("Outboard");
        let offer = self.offers.of(self.backend.catalogue().snapshot());
        offer.beside.tell(&mut capabilities);
        ServerConfig::new(capabilities).with_server_info(server).with_instructions(offer.instructions.clone())
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        if self.offers.passes_through() {
            // What it says of prompts and resources stands for as long as the connection lasts.
            self.first_offer().await;
        }
        let mut answer = self.negotiate_initialize(&request)?;
        if let Some(resources) = &mut answer.capabilities.resources {
            // Later revisions subscribe in another way.
            let offer = self.offers.of(self.backend.catalogue().snapshot());
            resources.subscribe = offer.beside.subscribes().then_some(true);
        }
        // What was agreed on counts from here on, not what was asked for.
        let mut agreed = request;
        agreed.protocol_version = answer.protocol_version.clone();
        context.peer.set_peer_info(agreed);
        Ok(answer)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let offer = self.first_offer().await;
        self.changes.told(&offer);
        Ok(ListToolsResult::with_all_items(offer.tools.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let offer = self.offers.of(self.backend.catalogue().snapshot());
        offer.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.offers.passes_through() {
            let offer = self.offers.of(self.backend.catalogue().snapshot());
            let meaning = offer.meaning(&request.name).ok_or_else(|| unknown_direct(&request.name))?;
            return Ok(match self.call_direct(meaning, request, &context).await {
                CallToolResponse::Complete(result) => self.noting_untold(result, &context).into(),
                form => form,
            });
        }
        match request.name.as_ref() {
            "search" => Ok(self.noting_untold(self.search(&request).await, &context).into()),
            "execute" => Ok(match self.execute(request, &context).await {
                CallToolResponse::Complete(result) => self.noting_untold(result, &context).into(),
                form => form,
            }),
            "bash" if let Some(shell) = &self.shell => {
                Ok(self.noting_untold(self.bash(shell, request, &context).await, &context).into())
            }
            other => Err(unknown_tool(other)),
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let offer = self.offer_with(Beside::has_prompts, "prompts/list").await?;
        self.changes.told(&offer);
        Ok(ListPromptsResult::with_all_items(offer.beside.prompts.clone()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let offer = self.offer_with(Beside::has_prompts, "prompts/get").await?;
        self.prompt(&offer.beside, request, &context).await
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let offer = self.offer_with(Beside::has_resources, "resources/list").await?;
        self.changes.told(&offer);
        Ok(ListResourcesResult::with_all_items(self.all_resources(&offer.beside, &context).await))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let offer = self.offer_with(Beside::has_resources, "resources/templates/list").await?;
        self.changes.told(&offer);
        Ok(ListResourceTemplatesResult::with_all_items(offer.beside.templates.clone()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let offer = self.offer_with(Beside::has_resources, "resources/read").await?;
        self.read(&offer.beside, request, &context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let offer = self.offer_with(Beside::subscribes, "resources/subscribe").await?;
        self.follow(&offer.beside, &request.uri, &context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let offer = self.offer_with(Beside::subscribes, "resources/unsubscribe").await?;
        self.follow_no_more(&offer.beside, &request.uri, &context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let offer = self.offer_with(Beside::completes, "completion/complete").await?;
        self.completed(&offer.beside, request, &context).await
    }

    /// Requests that rmcp could not read: here only a tool call whose arguments are no object.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let params = request.params.unwrap_or_default();
        let Some(name) = params.get("name").and_then(Value::as_str) else {
            return Err(ErrorData::invalid_params("the params of `tools/call` need a `name`", None));
        };
        let got = params.get("arguments").unwrap_or(&Value::Null);
        let wrong = if self.offers.passes_through() {
            let offer = self.offers.of(self.backend.catalogue().snapshot());
            offer.meaning(name).ok_or_else(|| unknown_direct(name))?;
            format!("`arguments` of `{}` have to be an object", shown(name))
        } else {
            arguments::not_an_object(name, got).ok_or_else(|| unknown_tool(name))?
        };
        let mut result = text(wrong, true);
        if !is_modern(&context) {
            result.result_type = None;
        }
        let result = serde_json::to_value(result)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(CustomResult::new(result))
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let mut accepted = SubscriptionFilter::builder().tools_list_changed().build();
        accepted.prompts_list_changed = requested.prompts_list_changed.filter(|asked| *asked);
        accepted.resources_list_changed = requested.resources_list_changed.filter(|asked| *asked);
        Some(accepted)
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        let mut told = *changes.borrow();
        let wants = subscription.accepted().clone();
        self.changes.begin_with(&self.offers.of(self.backend.catalogue().snapshot()));
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                () = self.ended.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            }
            let now = *changes.borrow_and_update();
            let (sink, wants) = (subscription.sink(), &wants);
            let tell = async {
                if now.tools != told.tools {
                    sink.notify_tool_list_changed().await?;
                }
                if now.prompts != told.prompts && wants.prompts_list_changed == Some(true) {
                    sink.notify_prompt_list_changed().await?;
                }
                if now.resources != told.resources && wants.resources_list_changed == Some(true) {
                    sink.notify_resource_list_changed().await?;
                }
                Ok::<(), SubscriptionSendError>(())
            };
            if let Err(error) = tell.await {
                tracing::debug!(%error, "a subscription ended");
                return Ok(());
            }
            told = now;
        }
    }
}

/// Whether results have to say what earlier revisions do not know: that they are whole, and how long they hold.
fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| !version.has_initialize())
}

/// What the client of a request calls itself.
fn claimed(context: &RequestContext<RoleServer>) -> Principal {
    let name = context.client_info().map(|client| client.name).unwrap_or_default();
    let name: String = name.chars().take(80).collect();
    if name.trim().is_empty() { Principal::from("an unnamed client") } else { Principal::new(name) }
}

fn unknown_direct(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("there is no tool `{}` here", shown(name)), None)
}

/// What may be shown of a text that a client gave.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

fn unknown_tool(name: &str) -> ErrorData {
    let name = shown(name);
    let message =
        format!("there is no tool `{name}` here: `search` finds tools, a script in `execute` calls them");
    ErrorData::invalid_params(message, None)
}

fn text(text: String, is_error: bool) -> CallToolResult {
    result(Answer { text, is_error, media: Vec::new() })
}

/// Text and media only: clients that get structured content too show one of both, not always the same one.
fn result(answer: Answer) -> CallToolResult {
    let mut content = vec![ContentBlock::text(answer.text)];
    content.extend(answer.media.iter().filter_map(|block| block.read::<ContentBlock>().ok()));
    if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}
