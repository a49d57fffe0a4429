//! Reads one line as a JSON-RPC message, or says what is wrong with it and whom to tell.
//! It knows which methods exist, not what they do.

use rmcp::model::{
    CallToolRequest, ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, ErrorData,
    JsonRpcMessage, JsonRpcRequest, RequestId, ServerJsonRpcMessage,
};
use serde::Deserialize as _;
use serde_json::{Map, Value};

/// Methods of requests that are answered or refused with reasons; others do not exist.
const METHODS: [&str; 17] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "subscriptions/listen",
    "completion/complete",
    "logging/setLevel",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "tasks/get",
    "tasks/cancel",
];

/// Members of params that are what a request is about. They are used up when it is answered, and a client has its own bound
/// for them.
const ABOUT: [&str; 3] = ["arguments", "inputResponses", "requestState"];
/// Bytes, about, that all else of a request may take in memory: it is kept while the request is answered, and that of an
/// opening for as long as its session lasts.
const BESIDE: usize = 256 << 10;
/// What a value takes beside what it holds.
const VALUE: usize = size_of::<Value>();

/// What a line is.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A message to be handled.
    Message(Box<ClientJsonRpcMessage>),
    /// Something to be answered with an error.
    Refused(Box<Refusal>),
    /// Something that asks for no answer and means nothing here.
    Nothing,
}

/// A JSON-RPC error of the transport's own.
#[derive(Debug)]
pub(crate) struct Refusal {
    id: Option<RequestId>,
    error: ErrorData,
}

impl Refusal {
    fn new(code: ErrorCode, id: Option<RequestId>, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { id, error: ErrorData::new(code, message.into(), None) })
    }

    fn invalid(id: Option<RequestId>, message: &'static str) -> Box<Self> {
        Self::new(ErrorCode::INVALID_REQUEST, id, message)
    }

    /// For a line of which only the ends are known. The id is told if it stands in one of them.
    pub(super) fn too_long(head: &[u8], tail: &[u8]) -> Box<Self> {
        let message = format!("the message is longer than {} MiB", super::LONGEST_LINE >> 20);
        Self::new(ErrorCode::INVALID_REQUEST, id_in_head(head).or_else(|| id_in_tail(tail)), message)
    }

    /// For a request whose id still belongs to another.
    pub(crate) fn id_in_use(id: RequestId) -> Box<Self> {
        Self::invalid(Some(id), "a request with this id is still being answered")
    }

    /// The request that it answers, where that is known.
    pub(crate) fn id(&self) -> Option<RequestId> {
        self.id.clone()
    }

    /// What kind of error it is.
    pub(crate) fn code(&self) -> ErrorCode {
        self.error.code
    }

    /// The error as a message.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let message: ServerJsonRpcMessage = JsonRpcMessage::error(self.error.clone(), self.id.clone());
        // An error of texts and numbers always serialises.
        serde_json::to_vec(&message).unwrap_or_default()
    }

    /// The error as a line.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut line = self.to_json();
        line.push(b'\n');
        line
    }
}

/// What `line` is.
pub(crate) fn read(line: &[u8]) -> Frame {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    match serde_json::from_slice(line) {
        Ok(Value::Object(message)) => read_object(message).unwrap_or_else(Frame::Refused),
        Ok(Value::Array(_)) => Frame::Refused(Refusal::invalid(
            None,
            "batches are not part of MCP since 2025-06-18: send each message by itself",
        )),
        Ok(_) => Frame::Refused(Refusal::invalid(None, "a message is a JSON object")),
        Err(error) => Frame::Refused(unreadable(line, &error)),
    }
}

fn unreadable(line: &[u8], error: &serde_json::Error) -> Box<Refusal> {
    let Err(_) = std::str::from_utf8(line) else {
        return Refusal::new(ErrorCode::PARSE_ERROR, None, format!("the message is not JSON: {error}"));
    };
    let id = serde_json::from_str::<Value>(&String::from_utf8_lossy(line))
        .ok()
        .and_then(|message| id_of(message.get("id")?));
    Refusal::new(ErrorCode::PARSE_ERROR, id, "the message is not UTF-8")
}

fn read_object(mut message: Map<String, Value>) -> Result<Frame, Box<Refusal>> {
    let id = message.get("id").and_then(id_of);
    let has_id = message.contains_key("id");
    let method = match message.get("method") {
        Some(Value::String(method)) => method.clone(),
        None if message.contains_key("result") || message.contains_key("error") => {
            return Ok(parse(message).map_or(Frame::Nothing, |answer| Frame::Message(Box::new(answer))));
        }
        _ => return Err(Refusal::invalid(id, "`method` is missing or no string")),
    };
    if !has_id {
        return Ok(notification(message, &method));
    }
    if id.is_none() {
        return Err(Refusal::invalid(None, "`id` has to be a string or a whole number"));
    }
    if message.get("jsonrpc") != Some(&Value::from("2.0")) {
        return Err(Refusal::invalid(id, "`jsonrpc` has to be \"2.0\""));
    }
    if !METHODS.contains(&method.as_str()) {
        let name: String = method.chars().take(80).flat_map(char::escape_debug).collect();
        return Err(Refusal::new(ErrorCode::METHOD_NOT_FOUND, id, format!("there is no method `{name}`")));
    }
    match message.get("params") {
        None | Some(Value::Object(_)) => {}
        Some(Value::Null) => {
            message.remove("params");
        }
        Some(_) => return Err(Refusal::new(ErrorCode::INVALID_PARAMS, id, "`params` has to be an object")),
    }
    let beside = message.get("params").and_then(Value::as_object).into_iter().flatten();
    let beside = beside.filter(|(name, _)| !ABOUT.contains(&name.as_str()));
    if beside.map(|(name, value)| name.len() + weight(value)).sum::<usize>() > BESIDE {
        let most = BESIDE >> 10;
        let why = format!("the params of `{method}` beside {} take more than {most} KiB", ABOUT.join(", "));
        return Err(Refusal::new(ErrorCode::INVALID_PARAMS, id, why));
    }
    request(message, id.as_ref(), &method)
}

/// Bytes that a value takes in memory, about.
fn weight(value: &Value) -> usize {
    let held = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    VALUE + held
}

fn request(message: Map<String, Value>, id: Option<&RequestId>, method: &str) -> Result<Frame, Box<Refusal>> {
    let unfit = || {
        let text = format!("the params of `{method}` are incomplete or of the wrong types");
        Refusal::new(ErrorCode::INVALID_PARAMS, id.cloned(), text)
    };
    if let Some(call) = tool_call(&message, id, method) {
        return Ok(Frame::Message(Box::new(call)));
    }
    let parsed = parse(message).ok_or_else(unfit)?;
    // A known method as a custom request is one whose params did not fit. For a tool call the handler tells the
    // model; everything else is between programs.
    let custom = matches!(&parsed, JsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::CustomRequest(_)));
    if custom && method != "tools/call" {
        return Err(unfit());
    }
    Ok(Frame::Message(Box::new(parsed)))
}

/// A tool call as nearly every request is one: read as what it is, and not tried as every kind of request in turn.
fn tool_call(
    message: &Map<String, Value>,
    id: Option<&RequestId>,
    method: &str,
) -> Option<ClientJsonRpcMessage> {
    let plain = method == "tools/call" && !message.contains_key("result") && !message.contains_key("error");
    let call = plain.then(|| CallToolRequest::deserialize(message).ok()).flatten()?;
    let request = JsonRpcRequest::new(id?.clone(), ClientRequest::CallToolRequest(call));
    Some(JsonRpcMessage::Request(request))
}

/// Notifications are never answered; what is unknown or broken is passed over.
fn notification(message: Map<String, Value>, method: &str) -> Frame {
    match parse(message) {
        Some(JsonRpcMessage::Notification(notification))
            if !matches!(notification.notification, ClientNotification::CustomNotification(_)) =>
        {
            Frame::Message(Box::new(JsonRpcMessage::Notification(notification)))
        }
        _ => {
            tracing::debug!(method, "passed over a notification");
            Frame::Nothing
        }
    }
}

fn parse(message: Map<String, Value>) -> Option<ClientJsonRpcMessage> {
    serde_json::from_value(Value::Object(message)).ok()
}

fn id_of(value: &Value) -> Option<RequestId> {
    match value {
        Value::String(id) => Some(RequestId::String(id.as_str().into())),
        Value::Number(id) => id.as_i64().map(RequestId::Number),
        _ => None,
    }
}

/// The id among the plain fields with which a message begins.
fn id_in_head(head: &[u8]) -> Option<RequestId> {
    let text = String::from_utf8_lossy(head);
    let mut rest = text.trim_start().strip_prefix('{')?;
    loop {
        let (key, after) = scalar(rest)?;
        let (value, after) = scalar(after.trim_start().strip_prefix(':')?)?;
        if key == "id" {
            return id_of(&value);
        }
        rest = after.trim_start().strip_prefix(',')?;
    }
}

/// A string, number or literal at the start of `text`, and what follows it.
fn scalar(text: &str) -> Option<(Value, &str)> {
    if text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// The id as the last field of a message: what closes right before the end of the line is the message itself.
fn id_in_tail(tail: &[u8]) -> Option<RequestId> {
    let text = String::from_utf8_lossy(tail);
    let fields = text.trim_end().strip_suffix('}')?;
    let (_, value) = fields.rsplit_once("\"id\":")?;
    id_of(&serde_json::from_str(value.trim()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> Option<(i32, Option<String>)> {
        match read(line.as_bytes()) {
            Frame::Refused(refusal) => Some((refusal.error.code.0, refusal.id.map(|id| id.to_string()))),
            Frame::Message(_) | Frame::Nothing => None,
        }
    }

    #[test]
    fn what_a_request_is_not_about_is_small() {
        let many = vec![Value::from(0); BESIDE / VALUE];
        let line = |method: &str, name: &str, value: &Value| {
            let mut params = serde_json::json!({ "name": "execute", "arguments": {}, "protocolVersion": "2025-11-25",
                "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } });
            params[name] = value.clone();
            serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
        };
        for (method, name, value, is_refused) in [
            (
                "initialize",
                "capabilities",
                serde_json::json!({ "experimental": { "x": { "y": many } } }),
                true,
            ),
            ("initialize", "_meta", serde_json::json!({ "x": many }), true),
            ("tools/call", "_meta", serde_json::json!({ "x": "y".repeat(BESIDE) }), true),
            ("tools/call", "_meta", serde_json::json!({ "x": "y".repeat(BESIDE / 2) }), false),
            ("tools/call", "arguments", serde_json::json!({ "x": many, "code": "y".repeat(BESIDE) }), false),
        ] {
            let expected = is_refused.then(|| (-32602, Some("1".to_owned())));
            assert_eq!(refusal(&line(method, name, &value)), expected, "{method} {name}");
        }
    }

    #[test]
    fn broken_frames_are_refused_with_their_id_where_it_is_known() {
        let own = |id: &str| Some(id.to_owned());
        for (line, expected) in [
            ("not json", (-32700, None)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"#, (-32700, None)),
            ("[]", (-32600, None)),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, (-32600, None)),
            ("1", (-32600, None)),
            ("{}", (-32600, None)),
            (r#"{"jsonrpc":"2.0","id":1}"#, (-32600, own("1"))),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, (-32600, own("1"))),
            (r#"{"id":1,"method":"ping"}"#, (-32600, own("1"))),
            (r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, (-32600, own("a"))),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, (-32600, None)),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, (-32600, None)),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, (-32600, None)),
            (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, (-32601, own("1"))),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, (-32602, own("1"))),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, (-32602, own("1"))),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, (-32602, own("1"))),
        ] {
            assert_eq!(refusal(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn sound_frames_pass_and_pointless_ones_are_dropped() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}",
            r#"{"jsonrpc":"2.0","id":"x","method":"tools/list","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute","arguments":"code"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        ] {
            assert!(matches!(read(line.as_bytes()), Frame::Message(_)), "{line}");
        }
        for line in [
            r#"{"jsonrpc":"2.0","method":"notifications/unheard-of"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#,
            r#"{"jsonrpc":"2.0","method":"ping"}"#,
        ] {
            assert!(matches!(read(line.as_bytes()), Frame::Nothing), "{line}");
        }
    }

    #[test]
    fn a_tool_call_is_the_same_read_either_way() {
        for params in [
            r#"{"name":"execute","arguments":{"code":"return 1","n":[1,2.5,null]}}"#,
            r#"{"name":"search","_meta":{"progressToken":7,"x":{"y":1}},"arguments":{"query":"a"}}"#,
            r#"{"name":"search"}"#,
        ] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{params}}}"#);
            let Frame::Message(fast) = read(line.as_bytes()) else { panic!("{line}") };
            let message: Map<String, Value> = serde_json::from_str(&line).unwrap();
            assert!(tool_call(&message, Some(&RequestId::String("a".into())), "tools/call").is_some());
            let slow = parse(message).unwrap();
            let all = |message: &ClientJsonRpcMessage| {
                (format!("{message:?}"), serde_json::to_value(message).unwrap())
            };
            assert_eq!(all(&fast), all(&slow));
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused_with_their_id() {
        let line = b"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}";
        let Frame::Refused(refusal) = read(line) else { panic!("accepted") };
        assert_eq!((refusal.error.code, refusal.id), (ErrorCode::PARSE_ERROR, Some(RequestId::Number(3))));
    }

    #[test]
    fn the_id_of_an_endless_line_is_found_at_either_end() {
        for (head, tail, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"code":"xx"#, "xx\"}}", Some("7")),
            (
                r#"{"method":"tools/call","params":{"id":9,"#,
                "xx\"}},\"jsonrpc\":\"2.0\",\"id\":8}",
                Some("8"),
            ),
            (r#"{"params":{"#, "\"id\":9}}", None),
            ("garbage", "garbage", None),
        ] {
            let refusal = Refusal::too_long(head.as_bytes(), tail.as_bytes());
            assert_eq!(refusal.id.map(|id| id.to_string()).as_deref(), expected, "{head}");
        }
    }
}
