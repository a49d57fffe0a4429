//! One API that is ready: its document, its tools, and how a permitted call becomes a request and a reply. It decides
//! nothing about whether a call may happen.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use outboard_runtime::{
    catalogue::{Annotations, Listing, Schema, ToolDefinition},
    ids::ToolName,
    json::Json,
    ports::upstream::SendFailure,
    reply::CallReply,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    auth::Auth,
    document::{Document, shown},
    http::{Http, HttpFailure, Outgoing, whole},
    operation::{self, Loss, Method, Operation, Outline},
    request::{self, Request, Unsendable},
    response::{FAILURE, Read},
    schema::{Maker, Shelf, Side},
    spec::Reach,
};

/// An API whose document has been read.
#[derive(Debug)]
pub(crate) struct Api {
    reach: Reach,
    base: Url,
    shelf: Arc<Shelf>,
    auth: Auth,
    own_headers: HeaderMap,
    http: Http,
    names: HashMap<ToolName, usize>,
    max_response_bytes: usize,
}

/// What a document gives, before anything is sent.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) api: Api,
    pub(crate) listing: Listing,
    pub(crate) losses: Vec<Loss>,
}

impl Api {
    /// Takes a document on a person's terms. Fails, saying why and what to do, if these do not fit it.
    pub(crate) fn open(
        document: impl Into<Arc<Document>>,
        reach: &Reach,
        max_response_bytes: usize,
    ) -> Result<Opened, String> {
        let document = document.into();
        let Some(base) = reach.base.clone() else { return Err(no_base(&document)) };
        let auth =
            Auth::new(operation::schemes(&document), reach).map_err(|unusable| unusable.to_string())?;
        let http = Http::new(reach.confirmed().cloned().chain(token_urls(reach)).collect(), reach.private)?;
        let own_headers = own_headers(&reach.headers)?;
        let (mut outlines, lost) = operation::outlines(&document);
        // What is not read at all explains the others.
        let losses: Vec<Loss> = operation::unread(&document).into_iter().chain(lost).collect();
        if !reach.tags.is_empty() {
            outlines.retain(|outline| outline.tags.iter().any(|tag| reach.tags.contains(tag)));
            if outlines.is_empty() {
                return Err(format!(
                    "no operation of the document has the tag {}",
                    shown(&reach.tags.join(" or "))
                ));
            }
        }
        let shelf = Arc::new(Shelf::new(document, outlines));
        let tools = (0..shelf.outlines.len()).map(|at| Arc::new(tool(&shelf, at, reach))).collect();
        let names =
            shelf.outlines.iter().map(|outline| ToolName::new(outline.name.clone())).zip(0..).collect();
        let listing =
            Listing { instructions: Some(instructions(&shelf.document)), tools, ..Listing::default() };
        let api =
            Self { reach: reach.clone(), base, shelf, auth, own_headers, http, names, max_response_bytes };
        Ok(Opened { api, listing, losses })
    }

    /// How many of its operations have each tag; under no name those that have none.
    pub(crate) fn tags(&self) -> BTreeMap<String, usize> {
        let mut tags = BTreeMap::new();
        for outline in &self.shelf.outlines {
            match outline.tags.first() {
                Some(tag) => *tags.entry(tag.clone()).or_default() += 1,
                None => *tags.entry(String::new()).or_default() += 1,
            }
        }
        tags
    }

    /// Waits until nothing of it goes on.
    pub(crate) async fn settled(&self) {
        self.auth.settled().await;
    }

    /// Carries out one call.
    pub(crate) async fn call(&self, tool: &ToolName, arguments: &Json) -> Result<CallReply, SendFailure> {
        let unsendable = |Unsendable(reason): Unsendable| SendFailure::Unsendable { reason };
        let Some(&at) = self.names.get(tool) else {
            return Err(SendFailure::Unsendable { reason: "there is no such operation any more".to_owned() });
        };
        let operation = self.shelf.outlines[at].operation(&self.shelf.document);
        let base = self.base_of(&operation).map_err(unsendable)?;
        let arguments: Map<String, Value> = arguments.read().map_err(|error| SendFailure::Unsendable {
            reason: format!("the arguments are no object: {error}"),
        })?;
        let filled = |place, name: &str| self.auth.fills(&operation, place, name);
        let mut request = request::build(&self.shelf.document, &operation, &base, &arguments, &filled)
            .map_err(unsendable)?;
        drop(arguments);
        let filled = self.auth.fill(&mut request, &operation, &self.reach, &self.http).await;
        // The script can do nothing about that.
        filled.map_err(|Unsendable(reason)| SendFailure::Unavailable { reason })?;
        // What is sent now is what may come back, also when its token is forgotten meanwhile.
        let secrets = self.secrets();
        let raw = request.raw;
        let (outgoing, own) = self.outgoing(request, &operation).map_err(unsendable)?;
        let response =
            self.http.send(outgoing, &own, operation.method.is_idempotent()).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let limit =
            if status.is_success() { self.max_response_bytes } else { FAILURE.min(self.max_response_bytes) };
        let body = match whole(response, limit).await {
            Ok(body) => body,
            // What a failure says is worth less than that it failed.
            Err(_) if !status.is_success() => Vec::new(),
            Err(failure) => return Err(failed(failure)),
        };
        let mut advice = None;
        if matches!(status.as_u16(), 401 | 403) {
            advice = self.auth.advice(&operation, status);
            self.auth.refused(status);
        }
        Read { status, headers, body }.without(&secrets).reply(&operation, raw, advice)
    }

    /// Where an operation is: where a person has said, or where the document says if a person has confirmed that.
    fn base_of(&self, operation: &Operation) -> Result<Url, Unsendable> {
        let Some(server) = &operation.server else { return Ok(self.base.clone()) };
        let url = self.base.join(server).map_err(|error| {
            Unsendable(format!(
                "the document has this operation at `{}`, which is no URL: {error}",
                shown(server)
            ))
        })?;
        if self.reach.confirms(&url) && url.username().is_empty() && url.password().is_none() {
            return Ok(url);
        }
        let origin = shown(&url.origin().ascii_serialization());
        Err(Unsendable(format!(
            "the document has this operation at {origin}, which nobody has confirmed: if that is right, a person can add \
             \"servers\": [\"{origin}\"] to its entry"
        )))
    }

    /// The request with everything that is ours, and the headers that go to confirmed addresses only.
    fn outgoing(
        &self,
        request: Request,
        operation: &Operation,
    ) -> Result<(Outgoing, Vec<HeaderName>), Unsendable> {
        let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
        if !self.own_headers.contains_key(ACCEPT)
            && let Ok(accept) = HeaderValue::from_str(&request::accepted(operation))
        {
            headers.push((ACCEPT, accept));
        }
        // A script's parameters do not replace what a person has configured.
        let free = |(name, _): &(HeaderName, HeaderValue)| !self.own_headers.contains_key(name);
        headers.extend(request.headers.into_iter().filter(free));
        headers.extend(self.own_headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        if !request.cookies.is_empty() {
            let mut cookies = HeaderValue::from_str(&request.cookies.join("; "))
                .map_err(|_| Unsendable("a cookie has characters that no header may have".to_owned()))?;
            cookies.set_sensitive(true);
            headers.push((COOKIE, cookies));
        }
        let body = match request.body {
            Some(body) => {
                let kind = HeaderValue::from_str(&body.content_type)
                    .map_err(|_| Unsendable("the type of the body is no media type".to_owned()))?;
                headers.push((CONTENT_TYPE, kind));
                Some(body.bytes.into())
            }
            None => None,
        };
        let own = headers.iter().map(|(name, _)| name.clone()).collect();
        let method = reqwest::Method::from_bytes(operation.method.upper().as_bytes())
            .map_err(|_| Unsendable("the operation's method cannot be sent".to_owned()))?;
        Ok((Outgoing { method, url: request.url, headers, body }, own))
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.auth.secrets();
        for (_, value) in self.own_headers.iter().filter(|(name, _)| names_a_secret(name)) {
            // A scheme before the secret is none of it.
            let words = value.to_str().unwrap_or_default();
            secrets.extend(words.rsplit(' ').next().map(str::to_owned));
        }
        secrets
    }
}

fn names_a_secret(name: &HeaderName) -> bool {
    ["auth", "cookie", "key", "token", "secret", "password"].iter().any(|word| name.as_str().contains(word))
}

fn failed(failure: HttpFailure) -> SendFailure {
    match failure {
        HttpFailure::Unsent(reason) => SendFailure::Unavailable { reason },
        HttpFailure::Lost(reason) => SendFailure::Lost { reason },
    }
}

fn tool(shelf: &Arc<Shelf>, at: usize, reach: &Reach) -> ToolDefinition {
    let outline = &shelf.outlines[at];
    ToolDefinition {
        name: ToolName::new(outline.name.clone()),
        title: outline.title.clone(),
        description: Some(outline.description.clone()),
        input_schema: Some(Schema::made_by(Maker::of(shelf, at, Side::Input))),
        output_schema: Some(Schema::made_by(Maker::of(shelf, at, Side::Output))),
        annotations: annotations(outline, reach),
    }
}

/// What a method says of an operation (RFC 9110, 9.2), and what a person says instead.
fn annotations(outline: &Outline, reach: &Reach) -> Annotations {
    let method = outline.method;
    let mut claims = Annotations {
        read_only_hint: Some(method.is_safe()),
        destructive_hint: match method {
            _ if method.is_safe() => Some(false),
            Method::Delete => Some(true),
            _ => None,
        },
        idempotent_hint: Some(method.is_idempotent()),
        open_world_hint: None,
    };
    for (_, said) in reach.annotations.iter().filter(|(pattern, _)| pattern.matches(&outline.name)) {
        claims.read_only_hint = said.read_only_hint.or(claims.read_only_hint);
        claims.destructive_hint = said.destructive_hint.or(claims.destructive_hint);
        claims.idempotent_hint = said.idempotent_hint.or(claims.idempotent_hint);
        claims.open_world_hint = said.open_world_hint.or(claims.open_world_hint);
    }
    claims
}

fn instructions(document: &Document) -> String {
    let info = document.member("info").and_then(crate::document::members::Members::of).unwrap_or_default();
    let title = info
        .text("title")
        .map(|title| operation::plain(&title, 200))
        .unwrap_or_else(|| "An HTTP API".to_owned());
    format!(
        "{title}, an HTTP API. A tool gives the response's body; with raw: true it gives {{ status, headers, body, next }}. \
         Lists come in pages: tools.pages(tool, arguments) gives one after the other. Bytes are {{ base64, contentType, filename }}."
    )
}

fn no_base(document: &Document) -> String {
    let servers = operation::servers(document);
    let named = servers.first().map(|server| format!("; the document says {}", shown(server)));
    format!("`baseUrl` is missing: a person has to say where the API is{}", named.unwrap_or_default())
}

fn token_urls(reach: &Reach) -> Vec<Url> {
    let urls = reach.credentials.values().filter_map(|credential| match credential {
        crate::spec::Credential::Client { token_url, .. } => token_url.clone(),
        crate::spec::Credential::Text(_) | crate::spec::Credential::Login(_) => None,
    });
    urls.collect()
}

/// The client's own headers, which may be credentials: none of their values is ever shown.
fn own_headers(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let said = shown(name);
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{said}` is no header name"))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of header `{said}` has characters that no header may have"))?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
pub(crate) mod tests;
