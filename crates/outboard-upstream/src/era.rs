//! Which protocol an upstream speaks. We open with `initialize` (2025-11-25, and whatever older version
//! the server prefers); a server that refuses it is asked `server/discover` (2026-07-28), which has no
//! handshake and instead repeats version and capabilities in each request. No probe in parallel yet.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::connection::{Answer, Connection, Failure, Refusal};

/// The version we open with.
const LEGACY: &str = "2025-11-25";
/// The versions that we may open with instead, if a server names what it supports in its refusal.
const LEGACY_KNOWN: [&str; 4] = [LEGACY, "2025-06-18", "2025-03-26", "2024-11-05"];
/// Characters of an upstream's `instructions` that are kept; no model reads more.
const INSTRUCTIONS: usize = 16_384;
/// The first version without a handshake.
const MODERN: &str = "2026-07-28";

/// What both sides agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Agreement {
    pub(crate) version: Arc<str>,
    pub(crate) instructions: Option<String>,
    /// What it says that it has beside tools.
    pub(crate) has: Has,
    /// `_meta` of each request from 2026-07-28 on.
    meta: Option<Arc<Value>>,
}

/// What a server's capabilities name beside tools.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Has {
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) subscribe: bool,
    pub(crate) completions: bool,
}

impl Has {
    fn of(capabilities: &Value) -> Self {
        let has = |name: &str| capabilities.get(name).is_some_and(|value| !value.is_null());
        Self {
            prompts: has("prompts"),
            resources: has("resources"),
            subscribe: capabilities["resources"]["subscribe"] == true,
            completions: has("completions"),
        }
    }
}

/// The parameters of a request together with what the era adds to them.
#[derive(Serialize)]
pub(crate) struct Params<'a, P> {
    #[serde(flatten)]
    own: P,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Meta<'a>>,
}

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(flatten)]
    era: Option<&'a Value>,
    #[serde(rename = "progressToken", skip_serializing_if = "Option::is_none")]
    progress: Option<u64>,
}

impl Agreement {
    pub(crate) fn params<P: Serialize>(&self, own: P) -> Params<'_, P> {
        let meta = self.meta.as_deref().map(|era| Meta { era: Some(era), progress: None });
        Params { own, meta }
    }

    /// The same of a request of this number, which is to tell how far it is.
    pub(crate) fn params_telling<P: Serialize>(&self, own: P, number: u64) -> Params<'_, P> {
        Params { own, meta: Some(Meta { era: self.meta.as_deref(), progress: Some(number) }) }
    }
}

/// Agrees with the server on a version.
pub(crate) async fn open(connection: &Connection) -> Result<Agreement, Failure> {
    let refused = match initialize(connection, LEGACY).await {
        Err(Failure::Refused(refusal)) => refusal,
        other => return other,
    };
    let supported = supported(&refused);
    if let Some(version) = LEGACY_KNOWN.into_iter().find(|known| supported.iter().any(|s| s == known)) {
        return initialize(connection, version).await;
    }
    discover(connection).await.map_err(|failure| match failure {
        Failure::Refused(discover) => Failure::Refused(Refusal {
            message: format!("{}; and `server/discover`: {discover}", refused.message),
            ..refused
        }),
        other => other,
    })
}

async fn initialize(connection: &Connection, version: &str) -> Result<Agreement, Failure> {
    let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client_info()});
    let result = object(&connection.request("initialize", None, &params).await?)?;
    // Whatever the server answers is what it speaks.
    let version: Arc<str> = result["protocolVersion"].as_str().unwrap_or(version).into();
    let agreement = agree(connection, version, &result);
    if agreement.meta.is_none() {
        connection.notify("notifications/initialized");
    }
    Ok(agreement)
}

async fn discover(connection: &Connection) -> Result<Agreement, Failure> {
    // Over HTTP the version also stands in a header, so the transport must know it before asking.
    connection.agree(MODERN.into(), true);
    let params = json!({"_meta": meta(MODERN)});
    let result = object(&connection.request("server/discover", None, &params).await?)?;
    let versions = strings(&result["supportedVersions"]);
    if !versions.is_empty() && !versions.iter().any(|version| version == MODERN) {
        let offered = versions.join(", ").escape_debug().to_string();
        return Err(Failure::Unavailable(format!(
            "it speaks MCP {offered}; Outboard speaks {MODERN} and older"
        )));
    }
    Ok(agree(connection, MODERN.into(), &result))
}

fn agree(connection: &Connection, version: Arc<str>, result: &Value) -> Agreement {
    // Versions are dates, so they compare as text.
    let modern = &*version >= MODERN;
    connection.agree(Arc::clone(&version), modern);
    Agreement {
        instructions: result["instructions"].as_str().map(|said| said.chars().take(INSTRUCTIONS).collect()),
        has: Has::of(&result["capabilities"]),
        meta: modern.then(|| Arc::new(meta(&version))),
        version,
    }
}

fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn client_info() -> Value {
    json!({"name": "outboard", "version": env!("CARGO_PKG_VERSION")})
}

fn object(answer: &Answer) -> Result<Value, Failure> {
    match serde_json::from_str(answer.result()) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(Failure::Unreadable("the server's answer to the handshake is no object".to_owned())),
        Err(error) => Err(Failure::Unreadable(format!("the server's answer to the handshake: {error}"))),
    }
}

fn supported(refusal: &Refusal) -> Vec<String> {
    let data = refusal.data.as_deref().and_then(|data| serde_json::from_str::<Value>(data).ok());
    strings(&data.unwrap_or_default()["supported"])
}

fn strings(array: &Value) -> Vec<String> {
    array.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
