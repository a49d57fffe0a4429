//! What headers say of a message, held against the message (MCP 2026-07-28, "Server Validation"): something between client
//! and server may have gone by the headers alone. Headers of single parameters (`Mcp-Param-*`) do not occur: no tool here
//! asks for any.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{HeaderMap, header::HeaderName};
use rmcp::model::{
    ClientJsonRpcMessage, ErrorCode, ErrorData, GetMeta as _, JsonRpcMessage, ProtocolVersion,
};
use serde::Deserialize;
use serde_json::Value;

use super::guard::one;

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Methods that have their `Mcp-Name` from their parameter `name`, and from `uri`.
const NAMED: [&str; 2] = ["tools/call", "prompts/get"];
const ADDRESSED: [&str; 3] = ["resources/read", "resources/subscribe", "resources/unsubscribe"];

/// Methods that sessions had and 2026-07-28 has not.
const REMOVED: [&str; 5] =
    ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];

/// How a message is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// In a session (2025-11-25 and before).
    Session,
    /// By itself (2026-07-28).
    Alone,
}

/// What of a message headers speak of.
#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(default)]
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    name: Option<Value>,
    #[serde(default)]
    uri: Option<Value>,
}

/// The revision that the headers name.
pub(super) fn version(headers: &HeaderMap) -> Result<Option<&str>, ErrorData> {
    one(headers, &VERSION)
        .map_err(|()| mismatch("`MCP-Protocol-Version` has to stand there once, as plain text"))
}

/// The era of a request without a message, and of one whose message is no request. Refuses unknown revisions.
pub(super) fn era_of_headers(headers: &HeaderMap) -> Result<Era, ErrorData> {
    match version(headers)? {
        None => Ok(Era::Session),
        Some(version) => {
            let known = known(version).ok_or_else(|| unsupported(version))?;
            Ok(if known.has_initialize() { Era::Session } else { Era::Alone })
        }
    }
}

/// The era of a message. Refuses one whose headers say something else than it does. `text` is the message as it came.
pub(super) fn era(
    headers: &HeaderMap,
    message: &ClientJsonRpcMessage,
    text: &[u8],
) -> Result<Era, ErrorData> {
    let JsonRpcMessage::Request(request) = message else { return era_of_headers(headers) };
    let own = request.request.get_meta().protocol_version();
    // `initialize` begins a session, whatever it asks for, unless it says that it belongs to none.
    if request.request.method() == "initialize" && own.as_ref().is_none_or(ProtocolVersion::has_initialize) {
        return Ok(Era::Session);
    }
    let named = version(headers)?;
    let Some(own) = own else {
        let era = era_of_headers(headers)?;
        if era == Era::Alone || request.request.method() == "server/discover" {
            let message = "`_meta` needs `io.modelcontextprotocol/protocolVersion` and \
                           `io.modelcontextprotocol/clientCapabilities`";
            return Err(ErrorData::invalid_params(message, None));
        }
        return Ok(era);
    };
    match named {
        None => return Err(mismatch("`MCP-Protocol-Version` is missing")),
        Some(named) if named != own.as_str() => {
            return Err(mismatch("`MCP-Protocol-Version` is not the version that `_meta` names"));
        }
        Some(_) => {}
    }
    if own.has_initialize() && request.request.method() != "server/discover" && known(own.as_str()).is_some()
    {
        return Ok(Era::Session);
    }
    if known(own.as_str()).is_none() {
        return Err(ErrorData::unsupported_protocol_version(own, ProtocolVersion::KNOWN_VERSIONS));
    }
    if !own.has_initialize() {
        agree(headers, text)?;
        if REMOVED.contains(&request.request.method()) {
            return Err(no_method());
        }
    }
    let missing = request.request.get_meta().missing_required_keys(&ProtocolVersion::V_2026_07_28);
    if !missing.is_empty() {
        return Err(ErrorData::invalid_params(format!("`_meta` needs {}", missing.join(", ")), None));
    }
    Ok(Era::Alone)
}

/// Whether a message that could not be understood names a method that only sessions have.
pub(super) fn names_removed(text: &[u8]) -> bool {
    let spoken = serde_json::from_slice::<Spoken<'_>>(text);
    spoken.is_ok_and(|spoken| REMOVED.contains(&&*spoken.method))
}

/// The answer to a method that only sessions have.
pub(super) fn no_method() -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method since 2026-07-28", None)
}

/// Holds `Mcp-Method` and `Mcp-Name` against a request.
fn agree(headers: &HeaderMap, text: &[u8]) -> Result<(), ErrorData> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    // Members that stand there twice are read by one as this and by another as that.
    let spoken: Spoken<'_> = serde_json::from_slice(text)
        .map_err(|_| mismatch("`method`, `params`, `name` and `uri` have to stand there once"))?;
    let method = one(headers, &METHOD).map_err(|()| mismatch("`Mcp-Method` has to stand there once"))?;
    match method {
        None => return Err(mismatch("`Mcp-Method` is missing")),
        Some(method) if method != spoken.method => {
            return Err(mismatch("`Mcp-Method` is not the method of the message"));
        }
        Some(_) => {}
    }
    let of_params = |take: fn(Params) -> Option<Value>| spoken.params.and_then(take);
    let name = if NAMED.contains(&&*spoken.method) {
        of_params(|params| params.name)
    } else if ADDRESSED.contains(&&*spoken.method) {
        of_params(|params| params.uri)
    } else {
        return Ok(());
    };
    let Some(Value::String(name)) = name else { return Ok(()) };
    let given =
        one(headers, &NAME).map_err(|()| mismatch("`Mcp-Name` has to stand there once, as plain text"))?;
    let given = given.ok_or_else(|| mismatch("`Mcp-Name` is missing"))?;
    let given = decoded(given).ok_or_else(|| mismatch("`Mcp-Name` is not what its encoding says"))?;
    if *given != name {
        return Err(mismatch("`Mcp-Name` is not the name in the message"));
    }
    Ok(())
}

/// A value as it was before it was written into a header.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix("=?base64?").and_then(|value| value.strip_suffix("?=")) {
        None => Some(Cow::Borrowed(value)),
        Some(encoded) => Some(Cow::Owned(String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?)),
    }
}

fn known(version: &str) -> Option<&'static ProtocolVersion> {
    ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == version)
}

fn unsupported(version: &str) -> ErrorData {
    let version: String = version.chars().take(40).collect();
    match serde_json::from_value(Value::from(version)) {
        Ok(version) => ErrorData::unsupported_protocol_version(version, ProtocolVersion::KNOWN_VERSIONS),
        Err(_) => mismatch("`MCP-Protocol-Version` is no version"),
    }
}

fn mismatch(message: &'static str) -> ErrorData {
    ErrorData::header_mismatch(message, None)
}
