//! The tools of an MCP server at the other end of two streams, as a client of the plainest kind has them: it shows no
//! forms and offers nothing of its own. Written by hand, because it has to show a model exactly what others would.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::{BoxFuture, FutureExt as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinSet},
};

use crate::{
    conversation::{Listing, ToolAnswer, ToolDefinition},
    toolbox::{Toolbox, ToolboxFailure},
};

const VERSION: &str = "2025-11-25";
/// Pages of a list at most.
const PAGES: usize = 100;
/// Messages that wait to be written.
const WAITING: usize = 64;
/// Bytes of one message of the server; a longer one ends the connection.
const LONGEST: u64 = 64 << 20;

type Asking = HashMap<u64, oneshot::Sender<Value>>;

/// Who waits for an answer; `None` once nobody is left to give one.
#[derive(Clone)]
struct Waiting(Arc<Mutex<Option<Asking>>>);

impl Waiting {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(HashMap::new()))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Asking>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, id: u64) -> Option<oneshot::Sender<Value>> {
        self.lock().as_mut()?.remove(&id)
    }
}

/// A connection to an MCP server.
pub struct McpTools {
    out: mpsc::Sender<String>,
    waiting: Waiting,
    next: AtomicU64,
    instructions: Option<String>,
    /// Writes and reads; both end with this.
    tasks: JoinSet<()>,
    reader: AbortHandle,
}

impl McpTools {
    /// Opens a connection; `name` is what this client calls itself.
    ///
    /// # Errors
    /// If the server does not open it.
    pub async fn connect<R, W>(read: R, write: W, name: &str) -> Result<Self, ToolboxFailure>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (out, written) = mpsc::channel(WAITING);
        let waiting = Waiting::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(write_all(write, written));
        let reader = tasks.spawn(read_all(read, waiting.clone(), out.clone(), LONGEST));
        let mut client = Self { out, waiting, next: AtomicU64::new(1), instructions: None, tasks, reader };
        let hello = json!({
            "protocolVersion": VERSION,
            "capabilities": {},
            "clientInfo": { "name": name, "version": env!("CARGO_PKG_VERSION") },
        });
        let answer = client.request("initialize", hello).await?;
        client.instructions = answer["instructions"].as_str().map(str::to_owned);
        let opened = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        client.out.send(opened.to_string()).await.map_err(|_| gone())?;
        Ok(client)
    }

    /// Ends the connection and waits until nothing of it is left here.
    pub async fn close(self) {
        let Self { out, mut tasks, reader, .. } = self;
        drop(out);
        // The reader holds a way to the writer, and reads until the server is gone; nobody waits for an answer any more.
        reader.abort();
        while tasks.join_next().await.is_some() {}
    }

    async fn request(&self, method: &str, params: Value) -> Result<Value, ToolboxFailure> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (told, answer) = oneshot::channel();
        // One that came after the server went would be waited for without end.
        self.waiting.lock().as_mut().ok_or_else(gone)?.insert(id, told);
        let mut asked = Asked { client: self, id, over: false };
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.out.send(message.to_string()).await.map_err(|_| gone())?;
        let answer = answer.await;
        asked.over = true;
        let mut answer = answer.map_err(|_| gone())?;
        if !answer["error"].is_null() {
            let message = answer["error"]["message"].as_str().unwrap_or("an error without a message");
            return Err(ToolboxFailure(format!("the server refused `{method}`: {message}")));
        }
        Ok(answer["result"].take())
    }
}

/// A request that is waited for: one that is not any more is taken back.
struct Asked<'a> {
    client: &'a McpTools,
    id: u64,
    over: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.client.waiting.take(self.id);
        if !self.over {
            let params = json!({ "requestId": self.id, "reason": "given up" });
            let message = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
            // With a full queue the connection is about to end anyway.
            let _ = self.client.out.try_send(message.to_string());
        }
    }
}

fn gone() -> ToolboxFailure {
    ToolboxFailure("the server is gone".to_owned())
}

async fn write_all(mut write: impl AsyncWrite + Unpin, mut messages: mpsc::Receiver<String>) {
    while let Some(mut message) = messages.recv().await {
        message.push('\n');
        if write.write_all(message.as_bytes()).await.is_err() || write.flush().await.is_err() {
            return;
        }
    }
    // The server learns that nothing more comes.
    let _ = write.shutdown().await;
}

async fn read_all(read: impl AsyncRead + Unpin, waiting: Waiting, out: mpsc::Sender<String>, longest: u64) {
    let mut read = BufReader::new(read);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut read).take(longest).read_until(b'\n', &mut line).await;
        // Without an end it was cut, by the server's end or by the limit.
        if length.is_err() || line.last() != Some(&b'\n') {
            break;
        }
        let Ok(message) = serde_json::from_slice::<Value>(&line) else { continue };
        let id = message["id"].as_u64();
        match message["method"].as_str() {
            Some(method) if !message["id"].is_null() => {
                let answer = match method {
                    "ping" => json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }),
                    _ => json!({ "jsonrpc": "2.0", "id": message["id"],
                                 "error": { "code": -32601, "message": "this client has no such thing" } }),
                };
                if out.send(answer.to_string()).await.is_err() {
                    break;
                }
            }
            Some(_) => {}
            None => {
                if let Some(told) = id.and_then(|id| waiting.take(id)) {
                    // Whoever asked may have gone.
                    let _ = told.send(message);
                }
            }
        }
    }
    // Nobody is left to answer.
    *waiting.lock() = None;
}

impl Toolbox for McpTools {
    fn listing(&self) -> BoxFuture<'_, Result<Listing, ToolboxFailure>> {
        async move {
            let mut tools = Vec::new();
            let mut params = json!({});
            for _ in 0..PAGES {
                let page = self.request("tools/list", params).await?;
                tools.extend(page["tools"].as_array().into_iter().flatten().filter_map(definition));
                match page["nextCursor"].as_str() {
                    Some(cursor) => params = json!({ "cursor": cursor }),
                    None => break,
                }
            }
            Ok(Listing { instructions: self.instructions.clone(), tools })
        }
        .boxed()
    }

    fn call<'a>(
        &'a self,
        name: &'a str,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<ToolAnswer, ToolboxFailure>> {
        async move {
            match self.request("tools/call", json!({ "name": name, "arguments": input })).await {
                Ok(result) => {
                    let content = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let text = shown(content, result.get("structuredContent"));
                    Ok(ToolAnswer { text, is_error: result["isError"] == true })
                }
                // A refused call is the model's to read, a lost server is not.
                Err(failure) if failure == gone() => Err(failure),
                Err(failure) => Ok(ToolAnswer::error(failure.0)),
            }
        }
        .boxed()
    }
}

fn definition(tool: &Value) -> Option<ToolDefinition> {
    Some(ToolDefinition {
        name: tool["name"].as_str()?.to_owned(),
        description: tool["description"].as_str().unwrap_or_default().to_owned(),
        input_schema: tool.get("inputSchema").cloned().unwrap_or_else(|| json!({ "type": "object" })),
    })
}

/// What most clients give to a model of a result: text blocks as their text. Of what is no text it is told that it is
/// there. A result without content is read from its structured content.
pub fn shown(content: &[Value], structured: Option<&Value>) -> String {
    if content.is_empty() {
        return structured.map(Value::to_string).unwrap_or_default();
    }
    let block = |block: &Value| match (block["type"].as_str(), block["text"].as_str()) {
        (Some("text"), Some(text)) => text.to_owned(),
        (kind, _) => {
            let kind: String = kind.unwrap_or("block").chars().take(40).collect();
            format!("[{kind} of {} bytes, not shown]", block.to_string().len())
        }
    };
    content.iter().map(block).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{duplex, split};

    use super::*;

    #[test]
    fn results_become_the_text_that_clients_show() {
        let (text, image) =
            (json!({ "type": "text", "text": "a\nb" }), json!({ "type": "image", "data": "=" }));
        for (content, structured, expected) in [
            (vec![text.clone()], Some(json!(7)), "a\nb"),
            (vec![text, image], None, "a\nb\n[image of 27 bytes, not shown]"),
            (vec![], Some(json!({ "result": 30 })), r#"{"result":30}"#),
            (vec![], None, ""),
        ] {
            assert_eq!(shown(&content, structured.as_ref()), expected);
        }
    }

    /// A server that answers each call with its own arguments, and notes what it is sent.
    async fn serve(stream: tokio::io::DuplexStream, seen: mpsc::Sender<String>) {
        let (read, mut write) = split(stream);
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).unwrap();
            let method = message["method"].as_str().unwrap_or("an answer").to_owned();
            let result = match method.as_str() {
                "initialize" => json!({ "protocolVersion": VERSION, "instructions": "be kind" }),
                "tools/list" if message["params"]["cursor"].is_null() => {
                    json!({ "tools": [{ "name": "a" }, { "odd": 1 }], "nextCursor": "2" })
                }
                "tools/list" => json!({ "tools": [{ "name": "b", "description": "B" }] }),
                "tools/call" if message["params"]["name"] == "never" => Value::Null,
                "tools/call" => {
                    let text = message["params"]["arguments"].to_string();
                    json!({ "content": [{ "type": "text", "text": text }], "isError": true })
                }
                _ => Value::Null,
            };
            if !result.is_null() {
                let answer = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
                let ping = json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" });
                write.write_all(format!("no json\n{ping}\n{answer}\n").as_bytes()).await.unwrap();
            }
            let _ = seen.send(method).await;
        }
    }

    #[tokio::test]
    async fn tools_of_a_server_are_listed_called_and_given_up() {
        let (ours, theirs) = duplex(1 << 16);
        let (seen, mut log) = mpsc::channel(64);
        let served = tokio::spawn(serve(theirs, seen));
        let (read, write) = split(ours);
        let tools = McpTools::connect(read, write, "test").await.unwrap();
        let listing = tools.listing().await.unwrap();
        assert_eq!(listing.instructions.as_deref(), Some("be kind"));
        assert_eq!(listing.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let answer = tools.call("a", &json!({ "x": 1 })).await.unwrap();
        assert_eq!(answer, ToolAnswer { text: r#"{"x":1}"#.to_owned(), is_error: true });
        {
            let input = json!({});
            let call = tools.call("never", &input);
            let sent = async {
                // The second call is the one that is never answered.
                for _ in 0..2 {
                    while log.recv().await.is_some_and(|method| method != "tools/call") {}
                }
            };
            tokio::select! { _ = call => panic!("it is never answered"), () = sent => {} }
        }
        let mut last = String::new();
        while last != "notifications/cancelled" {
            last = log.recv().await.unwrap();
        }
        tools.close().await;
        served.abort();
    }

    #[tokio::test]
    async fn a_server_that_goes_is_told_of_and_hangs_nobody() {
        let (ours, theirs) = duplex(1 << 10);
        drop(theirs);
        let (read, write) = split(ours);
        let Err(failure) = McpTools::connect(read, write, "test").await else { panic!("nobody is there") };
        assert_eq!(failure, gone());
    }

    #[tokio::test]
    async fn a_server_that_goes_between_calls_is_told_of_by_every_later_call() {
        let (ours, theirs) = duplex(1 << 10);
        let served = tokio::spawn(async move {
            let (read, mut write) = split(theirs);
            let mut lines = BufReader::new(read).lines();
            lines.next_line().await.unwrap();
            write.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n").await.unwrap();
            // It says nothing more, and still takes what it is sent.
            write.shutdown().await.unwrap();
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        let (read, write) = split(ours);
        let tools = McpTools::connect(read, write, "test").await.unwrap();
        for _ in 0..3 {
            let input = json!({});
            let answer = tokio::time::timeout(Duration::from_secs(10), tools.call("a", &input)).await;
            assert_eq!(answer.expect("nobody waits for a server that is gone"), Err(gone()));
        }
        tools.close().await;
        served.abort();
    }

    #[tokio::test]
    async fn a_connection_that_is_not_opened_leaves_nothing_behind() {
        let (ours, theirs) = duplex(1 << 10);
        let (read, write) = split(ours);
        let (read_theirs, mut write_theirs) = split(theirs);
        let mut lines = BufReader::new(read_theirs).lines();
        let refuse = async {
            lines.next_line().await.unwrap();
            let refused = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"message\":\"no\"}}\n";
            write_theirs.write_all(refused).await.unwrap();
        };
        let (connected, ()) = tokio::join!(McpTools::connect(read, write, "test"), refuse);
        assert!(connected.is_err());
        let rest = tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await;
        assert_eq!(rest.expect("the server sees the end").unwrap(), None);
    }

    #[tokio::test]
    async fn a_message_without_an_end_is_not_collected() {
        let waiting = Waiting::new();
        let (told, answer) = oneshot::channel();
        waiting.lock().as_mut().unwrap().insert(1, told);
        let (out, _written) = mpsc::channel(1);
        read_all(tokio::io::repeat(b' '), waiting.clone(), out, 1_000).await;
        assert!(answer.await.is_err() && waiting.lock().is_none());
    }
}
