//! A client of `outboard serve` with a person behind it: it opens, runs scripts, and is sent the forms that come meanwhile.
//! Written by hand, because the SDK's server is all that this program has of it. It knows no other requests.

use std::{fs::File, path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::tool_server::ServerFailure;

/// What the client calls itself: people are told who asks.
const NAME: &str = "outboard-demo";

/// One connection.
pub(super) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// What the server says beside the protocol.
    words: PathBuf,
    next_id: u64,
}

/// A form for the person.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    id: Value,
    pub(super) message: String,
    pub(super) choices: Vec<String>,
}

/// What came while a call was waited for.
pub(super) enum Came {
    Form(Form),
    /// The text of the answer.
    Answer(String),
}

impl Client {
    /// Starts the server; what it says beside the protocol goes to the file `words`.
    pub(super) fn start(mut command: Command, words: PathBuf) -> Result<Self, ServerFailure> {
        let started = File::create(&words).and_then(|log| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn()
        });
        let mut child =
            started.map_err(|error| ServerFailure(format!("outboard serve did not start: {error}")))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| ServerFailure("outboard serve has no output".to_owned()))?;
        Ok(Self { child, input, output: BufReader::new(output).lines(), words, next_id: 0 })
    }

    /// Opens the connection as a client that shows forms.
    pub(super) async fn open(&mut self) -> Result<(), ServerFailure> {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "elicitation": { "form": {} } },
            "clientInfo": { "name": NAME, "version": env!("CARGO_PKG_VERSION") },
        });
        self.request("initialize", &hello).await?;
        let answer = self.message().await?;
        if answer["result"]["protocolVersion"].is_null() {
            return Err(ServerFailure(format!("outboard serve does not open: {answer}")));
        }
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await
    }

    /// Begins to run a script.
    pub(super) async fn execute(&mut self, code: &str, language: &str) -> Result<(), ServerFailure> {
        let arguments = json!({ "code": code, "language": language });
        self.request("tools/call", &json!({ "name": "execute", "arguments": arguments })).await
    }

    /// The next form, or the answer to the call that was made last.
    pub(super) async fn next(&mut self) -> Result<Came, ServerFailure> {
        loop {
            let message = self.message().await?;
            if message["method"] == "elicitation/create" {
                let (id, params) = (message["id"].clone(), &message["params"]);
                let choices = params["requestedSchema"]["properties"]["decision"]["enum"].as_array();
                let choices =
                    choices.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
                let message = params["message"].as_str().unwrap_or_default().to_owned();
                return Ok(Came::Form(Form { id, message, choices }));
            }
            if message["method"].is_null() && message["id"] == self.next_id {
                let content = message["result"]["content"].as_array().into_iter().flatten();
                let texts: Vec<&str> = content.filter_map(|block| block["text"].as_str()).collect();
                return Ok(Came::Answer(texts.join("\n")));
            }
        }
    }

    /// Gives a form back with this choice.
    pub(super) async fn choose(&mut self, form: &Form, choice: &str) -> Result<(), ServerFailure> {
        let result = json!({ "action": "accept", "content": { "decision": choice } });
        self.send(&json!({ "jsonrpc": "2.0", "id": form.id, "result": result })).await
    }

    /// Closes the connection and waits for the server's end.
    pub(super) async fn close(mut self) -> Result<(), ServerFailure> {
        self.input = None;
        let ended = self.child.wait().await;
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(&format!("ended with {status}"))),
            Err(error) => Err(self.failure(&format!("cannot be waited for: {error}"))),
        }
    }

    async fn request(&mut self, method: &str, params: &Value) -> Result<(), ServerFailure> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), ServerFailure> {
        let Some(input) = &mut self.input else { return Err(self.failure("is closed")) };
        let written = input.write_all(format!("{message}\n").as_bytes()).await;
        written.map_err(|error| self.failure(&format!("takes no input: {error}")))
    }

    async fn message(&mut self) -> Result<Value, ServerFailure> {
        let line = match self.output.next_line().await {
            Ok(Some(line)) => line,
            Ok(None) => return Err(self.failure("ended")),
            Err(error) => return Err(self.failure(&format!("cannot be read: {error}"))),
        };
        serde_json::from_str(&line).map_err(|error| self.failure(&format!("wrote no JSON: {error}")))
    }

    /// What happened to the server, and what it said itself.
    fn failure(&self, what: &str) -> ServerFailure {
        let words = std::fs::read_to_string(&self.words).unwrap_or_default();
        ServerFailure(format!("outboard serve {what}; it said: {}", words.trim()))
    }
}
