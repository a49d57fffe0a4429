//! Security schemes as the document describes them, and what an operation asks for. Where credentials go within a
//! request is the document's word; to whom they go is not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Place;
use crate::document::{Document, Version, Walk, built, members::Members};

/// Schemes by their names in the document.
pub(crate) type Schemes = BTreeMap<String, Scheme>;

/// Schemes that are needed together. An empty one is: nothing.
pub(crate) type Requirement = Vec<String>;

/// How credentials go into a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    ApiKey {
        place: Place,
        name: String,
    },
    Basic,
    /// Also what ends in a bearer token: OAuth and OpenID Connect. The address that gives one, if the document names it.
    Bearer {
        token_url: Option<String>,
        flows: Vec<String>,
        /// How a person signs in, if the document says so.
        code: Option<CodeFlow>,
    },
    /// Something that is not filled in here.
    Other(String),
}

/// OAuth's authorisation code, as a document describes it: `authorizationCode`, or `accessCode` of Swagger 2.0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CodeFlow {
    pub(crate) authorization_url: Option<String>,
    pub(crate) token_url: Option<String>,
    /// What may be asked for.
    pub(crate) scopes: Vec<String>,
}

/// The schemes of a document.
pub(crate) fn schemes(document: &Document) -> Schemes {
    let mut walk = Walk::new(document);
    let section = match document.version() {
        Version::V2 => document.member("securityDefinitions"),
        Version::V30 | Version::V31 => document
            .member("components")
            .and_then(|components| Members::of(components)?.get("securitySchemes")),
    };
    let members = section.and_then(Members::of).unwrap_or_default();
    let read = members.0.into_iter().filter_map(|(name, scheme)| {
        Some((name.into_owned(), scheme_of(&walk.follow(scheme.get()).ok().and_then(built)?)?))
    });
    read.collect()
}

fn scheme_of(scheme: &Value) -> Option<Scheme> {
    let text = |key: &str| scheme.get(key).and_then(Value::as_str);
    Some(match text("type")? {
        "apiKey" => Scheme::ApiKey {
            place: match text("in")? {
                "header" => Place::Header,
                "query" => Place::Query,
                "cookie" => Place::Cookie,
                _ => return None,
            },
            name: text("name")?.to_owned(),
        },
        "basic" => Scheme::Basic,
        "http" => match text("scheme")?.to_lowercase().as_str() {
            "basic" => Scheme::Basic,
            "bearer" => Scheme::Bearer { token_url: None, flows: Vec::new(), code: None },
            other => Scheme::Other(format!("http {other}")),
        },
        "oauth2" => {
            let flows = scheme.get("flows").and_then(Value::as_object);
            let client = flows.and_then(|flows| flows.get("clientCredentials"));
            let token_url = client
                .and_then(|flow| flow.get("tokenUrl")?.as_str())
                .or_else(|| (text("flow") == Some("application")).then(|| text("tokenUrl")).flatten());
            let names = flows.into_iter().flatten().map(|(name, _)| name.clone());
            let code = flows.and_then(|flows| flows.get("authorizationCode"));
            Scheme::Bearer {
                token_url: token_url.map(str::to_owned),
                flows: names.chain(text("flow").map(str::to_owned)).collect(),
                code: code.or_else(|| (text("flow") == Some("accessCode")).then_some(scheme)).map(code_flow),
            }
        }
        "openIdConnect" => {
            Scheme::Bearer { token_url: None, flows: vec!["openIdConnect".to_owned()], code: None }
        }
        other => Scheme::Other(other.to_owned()),
    })
}

fn code_flow(flow: &Value) -> CodeFlow {
    let text = |key: &str| flow.get(key).and_then(Value::as_str).map(str::to_owned);
    let scopes = flow.get("scopes").and_then(Value::as_object);
    CodeFlow {
        authorization_url: text("authorizationUrl"),
        token_url: text("tokenUrl"),
        scopes: scopes.map(|scopes| scopes.keys().cloned().collect()).unwrap_or_default(),
    }
}

/// What an operation asks for: any one of these. Nothing, if the document does not say.
pub(super) fn requirements(document: &Document, own: &Members<'_>) -> Option<Vec<Requirement>> {
    let said = own.get("security").or_else(|| document.member("security")).and_then(built)?;
    let alternatives = said.as_array()?.iter().filter_map(Value::as_object);
    Some(alternatives.map(|together| together.keys().cloned().collect()).collect())
}
