//! A client made of lines: it sends what it is told and reads what comes.

use std::sync::Arc;

use outboard_face::{Face, FaceError, FaceOptions};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::runtime::Fake;

pub(crate) struct Client {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: Option<WriteHalf<DuplexStream>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) server: JoinHandle<Result<(), FaceError>>,
    /// Notifications that came while something else was waited for.
    pub(crate) told: Vec<Value>,
    next_id: i64,
}

impl Client {
    /// A client that has said nothing yet.
    pub(crate) fn new(fake: &Arc<Fake>) -> Self {
        Self::with(fake, FaceOptions::default())
    }

    pub(crate) fn with(fake: &Arc<Fake>, options: FaceOptions) -> Self {
        Self::of(Face::new(Arc::clone(fake), options).asking(Arc::clone(&fake.approvals)))
    }

    pub(crate) fn of(face: Face) -> Self {
        let (far, near) = tokio::io::duplex(1 << 20);
        let cancel = CancellationToken::new();
        let server = tokio::spawn({
            let cancel = cancel.clone();
            async move {
                let (read, write) = tokio::io::split(far);
                face.serve(read, write, cancel).await
            }
        });
        let (read, write) = tokio::io::split(near);
        Self { read: BufReader::new(read), write: Some(write), cancel, server, told: Vec::new(), next_id: 1 }
    }

    /// A client that has opened with `initialize`.
    pub(crate) async fn initialized(fake: &Arc<Fake>) -> Self {
        let mut client = Self::new(fake);
        client.initialize("2025-11-25").await;
        client
    }

    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        self.initialize_with(version, json!({})).await
    }

    pub(crate) async fn initialize_with(&mut self, version: &str, capabilities: Value) -> Value {
        let params = json!({
            "protocolVersion": version, "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.ask("initialize", params).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        answer
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes()).await;
    }

    pub(crate) async fn send_line(&mut self, line: &[u8]) {
        let write = self.write.as_mut().unwrap();
        write.write_all(line).await.unwrap();
        write.write_all(b"\n").await.unwrap();
    }

    /// Sends a request and does not wait for the answer.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        self.answer(id).await
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The answer to a request.
    pub(crate) async fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["id"] == id {
                return message;
            }
            assert_eq!(message["id"], Value::Null, "an answer to something else: {message}");
            self.told.push(message);
        }
    }

    /// The next message; `None` when the server has closed its end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        let read = self.read.read_line(&mut line).await.unwrap();
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// Ends its output; the server's can still be read.
    pub(crate) async fn finish(&mut self) {
        self.write.take().unwrap().shutdown().await.unwrap();
    }
}

/// `_meta` of a request in the 2026-07-28 revision, added to `params`.
pub(crate) fn modern(mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({ "name": "test", "version": "1" });
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    params
}

/// The text of a tool's answer.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}
