//! The owner of one checker: starts it, asks it one question after another, and ends it when it is idle, silent or odd.
//! What a question says and what an answer means is `world`'s.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use outboard_runtime::{
    Language,
    ports::types::{TypeMistake, Typed, Unchecked},
};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{Bounds, find::Program, lsp, name, process::Process, world};

/// Failures one after another, after which a checker is left alone for a while.
const FAILURES: u32 = 3;
const ALONE: Duration = Duration::from_secs(60);
/// Messages of the checker's own between a question and its answer.
const ASIDES: usize = 10_000;

/// What a worker is asked.
pub(crate) enum Question {
    /// To be ready, and by what name.
    Start { answer: oneshot::Sender<Result<String, Unchecked>> },
    /// What is wrong with a text.
    Check { typed: Typed, answer: oneshot::Sender<Result<Vec<TypeMistake>, Unchecked>> },
}

pub(crate) struct Worker {
    program: Program,
    folder: PathBuf,
    bounds: Bounds,
    server: Option<Server>,
    failures: u32,
    /// Until when it is not tried again.
    alone: Option<Instant>,
}

/// A checker that has been started and greeted.
struct Server {
    process: Process,
    named: String,
    asked: u64,
    version: u64,
}

impl Worker {
    pub(crate) fn new(program: Program, folder: PathBuf, bounds: Bounds) -> Self {
        Self { program, folder, bounds, server: None, failures: 0, alone: None }
    }

    /// Answers questions until there are no more or it is told to stop; then its checker has ended.
    pub(crate) async fn run(mut self, mut questions: mpsc::Receiver<Question>, stop: CancellationToken) {
        loop {
            let next = async {
                match &self.server {
                    Some(_) => timeout(self.bounds.idle, questions.recv()).await,
                    None => Ok(questions.recv().await),
                }
            };
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                next = next => next,
            };
            match next {
                Ok(Some(question)) => tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = self.answer(question) => {}
                },
                Ok(None) => break,
                Err(_) => self.end().await,
            }
        }
        self.end().await;
    }

    async fn answer(&mut self, question: Question) {
        match question {
            Question::Start { answer } => {
                let named = self.within(async |worker| worker.named().await).await;
                // Who does not wait any more needs no answer.
                let _ = answer.send(named);
            }
            Question::Check { answer, .. } if answer.is_closed() => {}
            // It is no failure of the checker's.
            Question::Check { typed, answer } if typed.text.len() > self.bounds.text => {
                let what = "is not asked: the script with what it calls is too long to be checked";
                let _ = answer.send(Err(self.unchecked(what)));
            }
            Question::Check { typed, answer } => {
                // Finished even if nobody waits any more: to start the checker anew would take longer.
                let checked = self.within(async |worker| worker.checked(&typed).await).await;
                let _ = answer.send(checked);
            }
        }
    }

    /// Does something within the time of one check; if it fails, the checker is ended.
    async fn within<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> io::Result<T>,
    ) -> Result<T, Unchecked> {
        if self.alone.is_some_and(|until| Instant::now() < until) {
            return Err(self.unchecked("failed again and again and is left alone for a while"));
        }
        let limit = self.bounds.check;
        let failure = match timeout(limit, work(self)).await {
            Ok(Ok(done)) => {
                (self.failures, self.alone) = (0, None);
                return Ok(done);
            }
            Ok(Err(error)) => format!("failed: {error}"),
            Err(_) => format!("gave no answer within {limit:?}"),
        };
        self.end().await;
        self.failures += 1;
        if self.failures >= FAILURES {
            self.failures = 0;
            self.alone = Some(Instant::now() + ALONE);
        }
        tracing::warn!(program = %self.program.path.display(), failure, "a type checker was ended");
        Err(self.unchecked(&failure))
    }

    fn unchecked(&self, what: &str) -> Unchecked {
        let name = name(self.program.language);
        Unchecked { reason: format!("{name} ({}) {what}", self.program.path.display()) }
    }

    async fn named(&mut self) -> io::Result<String> {
        Ok(self.server().await?.named.clone())
    }

    async fn checked(&mut self, typed: &Typed) -> io::Result<Vec<TypeMistake>> {
        let folder = self.folder.clone();
        let answer = self.server().await?.diagnose(&folder, typed).await?;
        world::mistakes(&answer, typed).ok_or_else(|| io::Error::other("it gave no diagnostics"))
    }

    async fn server(&mut self) -> io::Result<&mut Server> {
        if self.server.is_none() {
            world::prepare(self.program.language, &self.folder)?;
            let process = Process::start(&self.program, &self.folder, self.bounds.memory)?;
            // Kept before it is greeted, so that it is ended if that takes too long.
            let server = Server { process, named: String::new(), asked: 0, version: 0 };
            self.server.insert(server).greet(self.program.language, &self.folder).await?;
        }
        self.server.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    async fn end(&mut self) {
        if let Some(server) = self.server.take() {
            server.process.end().await;
        }
    }
}

impl Server {
    async fn greet(&mut self, language: Language, folder: &Path) -> io::Result<()> {
        let root = address(folder);
        let greeting = json!({
            "processId": null,
            "rootUri": root,
            "workspaceFolders": [{"uri": root, "name": "script"}],
            "capabilities": {
                "general": {"positionEncodings": ["utf-8"]},
                "textDocument": {"diagnostic": {}},
            },
        });
        let answer = self.ask("initialize", greeting).await?;
        let info = &answer["serverInfo"];
        let text = |key: &str| info[key].as_str().unwrap_or_default().to_owned();
        let encoding = answer.pointer("/capabilities/positionEncoding").and_then(Value::as_str);
        if encoding != Some("utf-8") || answer.pointer("/capabilities/diagnosticProvider").is_none() {
            return Err(io::Error::other("it is too old: it does not give diagnostics when it is asked"));
        }
        self.named = format!("{} {}", text("name"), text("version"));
        self.tell("initialized", json!({})).await?;
        let (name, kind) = world::document(language);
        let document =
            json!({"uri": address(&folder.join(name)), "languageId": kind, "version": 0, "text": ""});
        self.tell("textDocument/didOpen", json!({"textDocument": document})).await
    }

    async fn diagnose(&mut self, folder: &Path, typed: &Typed) -> io::Result<Value> {
        self.version += 1;
        let uri = address(&folder.join(world::document(typed.language).0));
        let change = json!({
            "textDocument": {"uri": uri, "version": self.version},
            "contentChanges": [{"text": typed.text}],
        });
        self.tell("textDocument/didChange", change).await?;
        self.ask("textDocument/diagnostic", json!({"textDocument": {"uri": uri}})).await
    }

    async fn tell(&mut self, method: &str, params: Value) -> io::Result<()> {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        lsp::write(&mut self.process.input, &message).await
    }

    /// Asks and waits for the answer; what the checker asks meanwhile is answered with nothing.
    async fn ask(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.asked += 1;
        let id = self.asked;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        lsp::write(&mut self.process.input, &message).await?;
        for _ in 0..ASIDES {
            let mut said = lsp::read(&mut self.process.output).await?;
            match (said.get("id"), said["method"].as_str()) {
                (Some(question), Some(method)) => {
                    let result = match (method, said.pointer("/params/items").and_then(Value::as_array)) {
                        ("workspace/configuration", Some(items)) => json!(vec![Value::Null; items.len()]),
                        _ => Value::Null,
                    };
                    let answer = json!({"jsonrpc": "2.0", "id": question, "result": result});
                    lsp::write(&mut self.process.input, &answer).await?;
                }
                (Some(answered), None) if answered.as_u64() == Some(id) => {
                    if let Some(error) = said.get("error") {
                        let error = error["message"].as_str().unwrap_or("an error without a message");
                        return Err(io::Error::other(error.to_owned()));
                    }
                    return Ok(said["result"].take());
                }
                _ => {}
            }
        }
        Err(io::Error::other("it talks and does not answer"))
    }
}

/// The address of a file, with what addresses do not hold escaped.
fn address(path: &Path) -> String {
    use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _};
    let mut text = "file://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
