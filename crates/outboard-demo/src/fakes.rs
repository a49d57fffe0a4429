//! Tool servers for tests, in the test's own process: the real upstream over an in-memory pipe, and a
//! stand-in for `outboard serve` that knows the demo's scripts.
//!
//! No process is started and nothing waits.

use outboard_agent::{Listing, ToolAnswer, ToolDefinition};
use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split,
    },
    sync::Mutex,
    task::JoinHandle,
};

use crate::{
    answer::Answer,
    model::{SUMMARY_IN_PYTHON, SUMMARY_SCRIPT},
    tool_server::{ServerFailure, ToolServer},
    upstream::{UpstreamError, UpstreamOptions, serve_on},
    ways::{Before, Connect},
};

/// The answer by the formulas that define the task, independent of the crate's own data.
pub(crate) fn right_answer() -> Answer {
    let mut activities = [0; 7];
    let (mut failures, mut seconds) = (0, 0);
    for r in 1..=300_u32 {
        activities[(r % 7) as usize] += 1;
        failures += u64::from(r % 4 == 0);
        seconds += (13 * r % 120) + 10;
    }
    let most = activities.iter().max();
    let users = (0..7).filter(|user| Some(&activities[*user]) == most);
    Answer {
        failures,
        most_active: users.map(|user| format!("user_{}", user + 1)).collect(),
        average_duration: (f64::from(seconds) / 300.0 * 10.0).round() / 10.0,
    }
}

/// Connects every way to a fake; `answer` is what the script returns.
pub(crate) struct Fakes {
    pub(crate) answer: String,
    pub(crate) text: Text,
}

/// How the upstream writes the JSON of its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    AsSent,
    /// Without the spaces.
    Compact,
}

impl Connect for Fakes {
    type Server = Fake;

    async fn connect(&self, before: Before) -> Result<Fake, ServerFailure> {
        Ok(match before {
            Before::Upstream => Fake::Upstream(Box::new(InMemory::open().await), self.text),
            Before::Outboard => Fake::Outboard { answer: self.answer.clone() },
        })
    }
}

pub(crate) enum Fake {
    Upstream(Box<InMemory>, Text),
    Outboard { answer: String },
}

impl ToolServer for Fake {
    async fn listing(&self) -> Result<Listing, ServerFailure> {
        match self {
            Self::Upstream(client, _) => client.listing().await,
            Self::Outboard { .. } => Ok(outboard_listing()),
        }
    }

    async fn call(&self, name: &str, input: &Value) -> Result<ToolAnswer, ServerFailure> {
        match self {
            Self::Upstream(client, text) => client.call(name, input).await.map(|answer| text.write(answer)),
            Self::Outboard { answer } => Ok(outboard_call(name, input, answer)),
        }
    }

    async fn close(self) {
        if let Self::Upstream(client, _) = self {
            client.close().await;
        }
    }
}

impl Text {
    fn write(self, mut answer: ToolAnswer) -> ToolAnswer {
        if self == Self::Compact
            && let Ok(value) = serde_json::from_str::<Value>(&answer.text)
        {
            answer.text = value.to_string();
        }
        answer
    }
}

fn outboard_listing() -> Listing {
    let tool = |name: &str, description: &str, argument: &str| ToolDefinition {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({
            "type": "object", "properties": { argument: { "type": "string" } }, "required": [argument]
        }),
    };
    Listing {
        instructions: Some("Tools are functions in scripts. Namespaces: data_tools.".to_owned()),
        tools: vec![
            tool("search", "Find tools by task or keyword.", "query"),
            tool(
                "execute",
                "Run a script. COMPLETE: data_tools.get_total_pages(): Promise<number>; \
                 data_tools.get_data_chunk(input: { page: number }): Promise<DataChunk>",
                "code",
            ),
        ],
    }
}

fn outboard_call(name: &str, input: &Value, answer: &str) -> ToolAnswer {
    let code = input["code"].as_str().unwrap_or_default();
    let (text, is_error) = match name {
        "search" => ("data_tools.get_total_pages, data_tools.get_data_chunk", false),
        "execute" if [SUMMARY_SCRIPT, SUMMARY_IN_PYTHON].contains(&code) => (answer, false),
        "execute" if code.contains("get_data_chunks(") => (
            "not run: 1 mistake\n3:54  data_tools has no `get_data_chunks`; did you mean `get_data_chunk`?",
            true,
        ),
        _ => ("not run: not a script of the demo", true),
    };
    ToolAnswer { text: text.to_owned(), is_error }
}

/// A bare JSON-RPC client of the real upstream, which runs as a task behind an in-memory pipe.
pub(crate) struct InMemory {
    wire: Mutex<Wire>,
    served: JoinHandle<Result<(), UpstreamError>>,
}

struct Wire {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    next_id: u64,
}

impl InMemory {
    /// The upstream with the data.
    pub(crate) async fn open() -> Self {
        Self::to(|streams| serve_on(UpstreamOptions { latency: false }, streams)).await
    }

    /// Whatever serves on the other end of a pipe.
    pub(crate) async fn to<S>(
        serve: impl FnOnce((ReadHalf<DuplexStream>, WriteHalf<DuplexStream>)) -> S,
    ) -> Self
    where
        S: Future<Output = Result<(), UpstreamError>> + Send + 'static,
    {
        let (ours, theirs) = duplex(1 << 20);
        let served = tokio::spawn(serve(split(theirs)));
        let (reader, writer) = split(ours);
        let wire = Wire { lines: BufReader::new(reader).lines(), writer, next_id: 1 };
        let client = Self { wire: Mutex::new(wire), served };
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "0" }
        });
        client.request("initialize", &hello).await;
        client
            .wire
            .lock()
            .await
            .send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .await;
        client
    }

    pub(crate) async fn request(&self, method: &str, params: &Value) -> Value {
        let mut wire = self.wire.lock().await;
        let id = wire.next_id;
        wire.next_id += 1;
        wire.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let line = wire.lines.next_line().await.unwrap().expect("the upstream stays");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == json!(id) {
                return message;
            }
        }
    }
}

impl Wire {
    async fn send(&mut self, message: &Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }
}

impl ToolServer for InMemory {
    async fn listing(&self) -> Result<Listing, ServerFailure> {
        let answer = self.request("tools/list", &json!({})).await;
        let tools = answer["result"]["tools"].as_array().expect("a list of tools").iter();
        let tools = tools.map(|tool| ToolDefinition {
            name: tool["name"].as_str().unwrap().to_owned(),
            description: tool["description"].as_str().unwrap().to_owned(),
            input_schema: tool["inputSchema"].clone(),
        });
        Ok(Listing { instructions: None, tools: tools.collect() })
    }

    async fn call(&self, name: &str, input: &Value) -> Result<ToolAnswer, ServerFailure> {
        let answer = self.request("tools/call", &json!({ "name": name, "arguments": input })).await;
        let text = answer["result"]["content"][0]["text"].as_str();
        let text = text.ok_or_else(|| ServerFailure(answer.to_string()))?.to_owned();
        Ok(ToolAnswer { text, is_error: answer["result"]["isError"] == json!(true) })
    }

    async fn close(self) {
        let Self { wire, served } = self;
        drop(wire);
        served.await.unwrap().unwrap();
    }
}
