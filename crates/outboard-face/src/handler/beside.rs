//! Prompts, resources and completions of upstreams, for any client: asked for through the same gate as calls, and answered in the
//! upstream's own words. Whose a URI is, is known by who has listed it.

use std::{collections::HashMap, sync::Arc};

use futures::future::join_all;
use outboard_runtime::{
    journal::Reader,
    json::Json,
    operation::Requested,
    reply::{FailureCode, ToolFailure},
    run::{OutsideRequest, ToolOutcome, ToolReport},
};
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CacheScope, CompleteRequestParams, CompleteResult, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetPromptResult, InputRequiredResult, InputResponses, ReadResourceRequestParams,
        ReadResourceResponse, ReadResourceResult, Reference, Resource, ResultType,
    },
    service::RequestContext,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Handler, SMALL, is_modern,
    outside::{Attended, gave_up},
    shown,
};
use crate::{
    offer::{Beside, marked, resource},
    subscriptions::MOST,
};

/// An answer, or a form for the person behind the client.
enum Given<T> {
    Answer(T),
    Form(InputRequiredResult),
}

impl Handler {
    /// All resources of all upstreams. One that may not be asked without a person, or does not answer, is left out.
    pub(super) async fn all_resources(
        &self,
        beside: &Beside,
        context: &RequestContext<RoleServer>,
    ) -> Vec<Resource> {
        let lists = join_all(beside.resources.iter().map(|namespace| async move {
            let listed = self.unasked::<Value>(namespace, Requested::ListResources, context).await;
            (namespace, listed)
        }));
        let mut listed = Vec::new();
        for (namespace, answer) in lists.await {
            match answer.map(|mut answer| answer.get_mut("resources").map(Value::take)) {
                Ok(Some(Value::Array(resources))) => {
                    listed.extend(resources.into_iter().map(|resource| (namespace, resource)));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::info!(namespace, error = %error.message, "its resources are left out of a list");
                }
            }
        }
        let mut owners = HashMap::<String, usize>::new();
        for (_, definition) in &listed {
            *owners.entry(definition["uri"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        let shown = listed.into_iter().filter_map(|(namespace, definition)| {
            let uri = definition["uri"].as_str()?;
            // What several have is nobody's plainly.
            let name = if owners[uri] > 1 { marked(namespace, uri) } else { uri.to_owned() };
            // One that is no resource as MCP has them costs itself.
            resource(definition, &name)
        });
        shown.collect()
    }

    pub(super) async fn read(
        &self,
        beside: &Beside,
        request: ReadResourceRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let ReadResourceRequestParams { uri, input_responses, request_state, .. } = request;
        let (namespace, own) = match &request_state {
            // The request that is held knows what it is.
            Some(_) => (String::new(), uri.clone()),
            None => self.owner(beside, &uri, context).await?,
        };
        let brought = request_state.as_deref().map(|ticket| (ticket, input_responses.as_ref()));
        let what = Requested::ReadResource { uri: own };
        Ok(match self.given(&namespace, what, brought, context).await? {
            Given::Answer(result) => {
                let mut result: ReadResourceResult = result;
                if is_modern(context) {
                    result.result_type.get_or_insert(ResultType::COMPLETE);
                    result.ttl_ms.get_or_insert(0);
                    result.cache_scope.get_or_insert(CacheScope::Private);
                }
                ReadResourceResponse::Complete(result)
            }
            Given::Form(form) => ReadResourceResponse::InputRequired(form),
        })
    }

    /// The client wants to hear when a resource changes.
    pub(super) async fn follow(
        &self,
        beside: &Beside,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let subject = self.owner(beside, uri, context).await?;
        let what = Requested::Subscribe { uri: subject.1.clone() };
        match self.given::<Value>(&subject.0, what, None, context).await? {
            Given::Answer(_) if self.subscriptions.add(subject, uri) => Ok(()),
            Given::Answer(_) => Err(refused(&format!("a client hears of {MOST} resources at most"))),
            Given::Form(_) => Err(refused("a person has to allow it")),
        }
    }

    /// The client does not want to hear of it any more; the upstream is told if nobody does.
    pub(super) async fn follow_no_more(
        &self,
        beside: &Beside,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let (namespace, own) = self.owner(beside, uri, context).await?;
        if self.subscriptions.remove(&(namespace.clone(), own.clone())) {
            let _: Value = self.unasked(&namespace, Requested::Unsubscribe { uri: own }, context).await?;
        }
        Ok(())
    }

    pub(super) async fn prompt(
        &self,
        beside: &Beside,
        request: GetPromptRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let GetPromptRequestParams { name, arguments, input_responses, request_state, .. } = request;
        let (namespace, own) = beside.prompt(&name).cloned().ok_or_else(|| unknown_prompt(&name))?;
        let arguments = Json::from(Value::Object(arguments.unwrap_or_default()));
        let brought = request_state.as_deref().map(|ticket| (ticket, input_responses.as_ref()));
        let what = Requested::GetPrompt { name: own, arguments };
        Ok(match self.given(&namespace, what, brought, context).await? {
            Given::Answer(result) => {
                let mut result: GetPromptResult = result;
                if is_modern(context) {
                    result.result_type.get_or_insert(ResultType::COMPLETE);
                }
                GetPromptResponse::Complete(result)
            }
            Given::Form(form) => GetPromptResponse::InputRequired(form),
        })
    }

    pub(super) async fn completed(
        &self,
        beside: &Beside,
        request: CompleteRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let (namespace, reference) = match &request.r#ref {
            Reference::Prompt(prompt) => {
                let found = beside.prompt(&prompt.name).ok_or_else(|| unknown_prompt(&prompt.name))?;
                (&found.0, json!({ "type": "ref/prompt", "name": found.1 }))
            }
            Reference::Resource(template) => {
                let found = beside.template(&template.uri);
                let found = found.ok_or_else(|| {
                    let why = format!("there is no resource template `{}` here", shown(&template.uri));
                    ErrorData::invalid_params(why, None)
                })?;
                (&found.0, json!({ "type": "ref/resource", "uri": found.1 }))
            }
            _ => return Err(ErrorData::invalid_params("`ref` names neither a prompt nor a template", None)),
        };
        let what = Requested::Complete {
            reference: Json::from(reference),
            argument: json_of(&request.argument)?,
            context: request.context.as_ref().map(json_of).transpose()?,
        };
        // What is asked for while somebody types is no reason to ask a person.
        let mut result: CompleteResult = self.unasked(namespace, what, context).await?;
        if is_modern(context) {
            result.result_type.get_or_insert(ResultType::COMPLETE);
        }
        Ok(result)
    }

    /// Whose a URI is, and the upstream's own form of it.
    async fn owner(
        &self,
        beside: &Beside,
        uri: &str,
        context: &RequestContext<RoleServer>,
    ) -> Result<(String, String), ErrorData> {
        if let Some((namespace, own)) = beside.named(uri) {
            return Ok((namespace, own.to_owned()));
        }
        let mut owners = self.backend.owners(uri);
        let is_made = |namespace: &String| self.makes(namespace, uri);
        // Of the only one a template says enough.
        if owners.is_empty() && !(beside.resources.len() == 1 && beside.resources.iter().all(is_made)) {
            // Nobody has asked yet, or it is new.
            self.all_resources(beside, context).await;
            owners = self.backend.owners(uri);
        }
        let mut owners: Vec<String> = owners.iter().map(ToString::to_string).collect();
        if owners.is_empty() {
            owners.extend(beside.resources.iter().filter(|namespace| is_made(namespace)).cloned());
        }
        match &owners[..] {
            [owner] => Ok((owner.clone(), uri.to_owned())),
            [] if beside.resources.len() == 1 => Ok((beside.resources[0].clone(), uri.to_owned())),
            [] => {
                let why = format!("no server here has listed the resource `{}`", shown(uri));
                Err(ErrorData::resource_not_found(why, Some(json!({ "uri": uri }))))
            }
            // The first one may be somebody who wants to be taken for another.
            _ => {
                let names: Vec<String> = owners.iter().map(|owner| shown(&marked(owner, uri))).collect();
                let why =
                    format!("several servers have this resource: say whose, one of {}", names.join(", "));
                Err(ErrorData::invalid_params(why, Some(json!({ "uri": uri }))))
            }
        }
    }

    /// Whether a template of this namespace makes the URI.
    fn makes(&self, namespace: &str, uri: &str) -> bool {
        let snapshot = self.backend.catalogue().snapshot();
        let beside = snapshot.member(namespace).and_then(|member| member.beside());
        beside.is_some_and(|beside| beside.makes(uri))
    }

    /// The answer of an upstream to a request for which no person is asked.
    async fn unasked<T: DeserializeOwned + Send + 'static>(
        &self,
        namespace: &str,
        what: Requested,
        context: &RequestContext<RoleServer>,
    ) -> Result<T, ErrorData> {
        self.backend.notice_clearing(&self.session);
        let call = self.begin_request(namespace, what, context, false);
        match self.attend(call, context).await {
            Attended::Over(report) => typed(report).await,
            Attended::Form(_) => Err(refused("a person has to allow it")),
            Attended::Unanswered(why) => Err(refused(&why)),
        }
    }

    /// The answer of an upstream, or a form for the client's person. `brought` is the form that the client brings back.
    async fn given<T: DeserializeOwned + Send + 'static>(
        &self,
        namespace: &str,
        what: Requested,
        brought: Option<(&str, Option<&InputResponses>)>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Given<T>, ErrorData> {
        self.backend.notice_clearing(&self.session);
        // One that brings a form back is no new request, whatever else stands in it.
        let call = match brought {
            Some((ticket, responses)) => {
                self.held(ticket, responses, context).await.map_err(|why| refused(&why))?
            }
            None => self.begin_request(namespace, what, context, true),
        };
        match self.attend(call, context).await {
            Attended::Over(report) => Ok(Given::Answer(typed(report).await?)),
            Attended::Form(form) => Ok(Given::Form(form)),
            Attended::Unanswered(why) => Err(refused(&why)),
        }
    }

    fn begin_request(
        &self,
        namespace: &str,
        what: Requested,
        context: &RequestContext<RoleServer>,
        may_ask: bool,
    ) -> super::outside::Call {
        self.begin(context, |id, client, cancel| {
            let request = OutsideRequest {
                id: Some(id),
                namespace: namespace.to_owned(),
                what,
                client: Some(client),
                reader: Reader::Asker,
                may_ask,
            };
            Arc::clone(&self.backend).request(Arc::clone(&self.session), request, cancel)
        })
    }
}

/// What an upstream answered, as rmcp has it.
async fn typed<T: DeserializeOwned + Send + 'static>(report: Option<ToolReport>) -> Result<T, ErrorData> {
    let broken = |error: &dyn std::fmt::Display| {
        let why = format!("the server's answer is none that MCP has for this: {error}");
        ErrorData::internal_error(why, None)
    };
    match report.map(|report| report.outcome) {
        Some(ToolOutcome::Value(value)) if value.as_str().len() <= SMALL => {
            value.read().map_err(|error| broken(&error))
        }
        Some(ToolOutcome::Value(value)) => {
            let read = tokio::task::spawn_blocking(move || value.read().map_err(|error| error.to_string()));
            read.await.map_err(|error| broken(&error))?.map_err(|error| broken(&error))
        }
        Some(ToolOutcome::Failed(failure)) => Err(error_of(failure)),
        Some(ToolOutcome::Cancelled { effect_unknown }) => Err(refused(&gave_up(effect_unknown))),
        None => Err(refused("Outboard could not make the request")),
    }
}

/// An upstream's own refusal keeps its code.
fn error_of(failure: ToolFailure) -> ErrorData {
    let ToolFailure { code, message, refusal, .. } = failure;
    let own = refusal.and_then(|code| i32::try_from(code).ok()).map(ErrorCode);
    match (own, code) {
        (Some(own), _) => ErrorData::new(own, message, None),
        (None, FailureCode::InvalidArguments | FailureCode::UnknownTool) => {
            ErrorData::invalid_params(message, None)
        }
        (None, code) => refused(&format!("{}: {message}", code.as_str())),
    }
}

fn json_of(value: &impl Serialize) -> Result<Json, ErrorData> {
    let value = serde_json::to_value(value);
    value.map(Json::from).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn refused(why: &str) -> ErrorData {
    ErrorData::internal_error(why.to_owned(), None)
}

fn unknown_prompt(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("there is no prompt `{}` here", shown(name)), None)
}
