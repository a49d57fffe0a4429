//! A client that writes HTTP by hand, so that it can also write what no library would.

use std::{net::SocketAddr, sync::Arc};

use outboard_face::{
    Face, FaceOptions,
    http::{HttpFace, HttpOptions, Keys},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::runtime::Fake;

pub(crate) const BOTH: &str = "application/json, text/event-stream";

/// A face that serves.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn new(fake: &Arc<Fake>) -> Self {
        Self::with(fake, &[], HttpOptions::default()).await
    }

    /// One that asks for tokens of these principals, `NAME-0123456789`, and behaves so.
    pub(crate) async fn with(fake: &Arc<Fake>, principals: &[&str], options: HttpOptions) -> Self {
        let mut keys = Keys::default();
        for principal in principals {
            keys.add((*principal).into(), &format!("{principal}-0123456789abc")).unwrap();
        }
        let face = Face::new(Arc::clone(fake), FaceOptions::default()).asking(Arc::clone(&fake.approvals));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = HttpFace::new(face, keys, options).serve(listener, stop.clone());
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, stop, task }
    }

    /// Sends bytes on a connection of their own and reads the head of what comes back.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses may close before it has read everything.
        let _ = stream.write_all(bytes).await;
        Answer::read(stream).await
    }

    /// A request with these headers besides those that every client sends.
    pub(crate) async fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.raw(request(method, headers, body).as_bytes()).await
    }

    /// Posts a message.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let kinds = [("content-type", "application/json"), ("accept", BOTH)];
        let own = kinds.into_iter().filter(|(name, _)| !headers.iter().any(|(given, _)| given == name));
        let headers: Vec<(&str, &str)> = own.chain(headers.iter().copied()).collect();
        self.send("POST", &headers, &message.to_string()).await
    }

    /// Opens a session and gives its name.
    pub(crate) async fn session(
        &self,
        headers: &[(&str, &str)],
        version: &str,
        capabilities: Value,
    ) -> String {
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" } });
        let mut answer = self.post(headers, &call(1, "initialize", params)).await;
        let body = answer.json().await;
        assert_eq!(body["result"]["protocolVersion"], version, "{body}");
        let name = answer.header("mcp-session-id").unwrap().to_owned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let headers = [headers, &[("mcp-session-id", &name)]].concat();
        assert_eq!(self.post(&headers, &initialized).await.status, 202);
        name
    }

    /// Calls `execute` in a session.
    pub(crate) async fn execute(&self, session: &str, id: i64, code: &str) -> Answer {
        self.post(&[("mcp-session-id", session)], &execute(id, code)).await
    }

    /// Calls `execute` by itself, of a client of this name.
    pub(crate) async fn alone(&self, headers: &[(&str, &str)], client: &str, arguments: Value) -> Answer {
        let message = alone(client, "tools/call", json!({ "name": "execute", "arguments": arguments }));
        let own =
            [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "execute")];
        self.post(&[headers, &own].concat(), &message).await
    }

    /// Stops it and waits for its end.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

pub(crate) fn request(method: &str, headers: &[(&str, &str)], body: &str) -> String {
    let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
    let mut text = format!("{method} /mcp HTTP/1.1\r\n");
    if !given("host") {
        text.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text
}

pub(crate) fn call(id: i64, method: &str, params: Value) -> Value {
    let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
    message["params"] = params;
    message
}

pub(crate) fn execute(id: i64, code: &str) -> Value {
    call(id, "tools/call", json!({ "name": "execute", "arguments": { "code": code } }))
}

/// A request of 2026-07-28, always with the same id, as clients that know nothing of each other send.
pub(crate) fn alone(client: &str, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": client, "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {} } },
    });
    call(1, method, params)
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    stream: BufReader<TcpStream>,
    /// What was read of a stream of events and not taken yet.
    read: String,
}

impl Answer {
    pub(crate) async fn read(stream: TcpStream) -> Self {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = stream.read_line(&mut line).await.unwrap_or(0);
            if read == 0 || line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { status, headers, stream, read: String::new() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    /// The whole body.
    pub(crate) async fn text(&mut self) -> String {
        let length = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        String::from_utf8(body).unwrap()
    }

    /// The whole body as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "status {}", self.status);
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The answer to a request, as JSON or at the end of a stream, with what came before it.
    pub(crate) async fn answer(&mut self) -> (Vec<Value>, Value) {
        if !self.is_stream() {
            return (Vec::new(), self.json().await);
        }
        let mut before = Vec::new();
        while let Some(event) = self.event().await {
            match event.data {
                Some(message) if message.get("method").is_none() => return (before, message),
                Some(message) => before.push(message),
                None => {}
            }
        }
        panic!("the stream ended after {before:?}");
    }

    /// The text of a tool's answer.
    pub(crate) async fn tool(&mut self) -> String {
        let (_, answer) = self.answer().await;
        crate::client::text(&answer).to_owned()
    }

    /// The next event or comment; `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let event = Event::parse(event);
                self.read = rest.to_owned();
                return Some(event);
            }
            let mut size = String::new();
            if self.stream.read_line(&mut size).await.unwrap_or(0) == 0 {
                return None;
            }
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).await.ok()?;
            if size == 0 {
                return None;
            }
            self.read.push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
    }

    /// The next event that is a message.
    pub(crate) async fn message(&mut self) -> Option<Event> {
        loop {
            let event = self.event().await?;
            if event.data.is_some() {
                return Some(event);
            }
        }
    }
}

/// An event, or a comment.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<Value>,
    pub(crate) comment: bool,
}

impl Event {
    fn parse(text: &str) -> Self {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Self {
            id: field("id").map(str::to_owned),
            data: field("data").map(|data| serde_json::from_str(data).unwrap()),
            comment: text.starts_with(':'),
        }
    }
}
