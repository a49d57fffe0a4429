//! A workplace over MCP: channels, contacts, a calendar, and one tool that reaches everyone. Each call is written to a log
//! before it is answered, so that what was received can be counted without anybody's word. It posts nothing anywhere.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rmcp::{
    Json, ServerHandler, ServiceExt,
    handler::server::wrapper::Parameters,
    model::{Implementation, ServerCapabilities, ServerConfig},
    tool, tool_handler, tool_router,
    transport::stdio,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::upstream::UpstreamError;

const LATENCY: Duration = Duration::from_millis(100);
/// Everyone whom a post reaches.
const PEOPLE: u32 = 214;
const MESSAGES: [(&str, &str, &str); 3] = [
    ("engineering", "Chidi Lund", "room 4 is taken until ten from now on"),
    ("engineering", "Ada Park", "then let us have the standup at 10:00, starting tomorrow"),
    ("facilities", "Ben Okafor", "room 4 is free from 10:00"),
];
const CONTACTS: [(&str, &str); 4] = [
    ("Ada Park", "engineering lead"),
    ("Ben Okafor", "facilities"),
    ("Chidi Lund", "engineering"),
    ("Dana Ruiz", "people team"),
];

/// How the demo's workplace behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkplaceOptions {
    /// Waits 100 ms before each answer, as a service behind a network would.
    pub latency: bool,
    /// Each call that is received is added here, a line of JSON `{"tool", "arguments"}`.
    pub log: PathBuf,
}

/// Serves MCP on stdin and stdout until the client closes its end.
pub async fn serve(options: WorkplaceOptions) -> Result<(), UpstreamError> {
    serve_on(&options, stdio()).await
}

/// Serves MCP on any pair of byte streams, for tests without a process.
pub(super) async fn serve_on<R, W>(options: &WorkplaceOptions, streams: (R, W)) -> Result<(), UpstreamError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let workplace = Workplace { latency: options.latency, log: Arc::new(Mutex::new(open(&options.log)?)) };
    let service = workplace.serve(streams).await.map_err(|error| UpstreamError::Open(Box::new(error)))?;
    service.waiting().await.map_err(UpstreamError::Serve)?;
    Ok(())
}

fn open(log: &Path) -> Result<File, UpstreamError> {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.map_err(|source| UpstreamError::Log { path: log.to_owned(), source })
}

#[derive(Clone)]
struct Workplace {
    latency: bool,
    log: Arc<Mutex<File>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Channel {
    channel: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Message {
    from: String,
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Query {
    query: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Contact {
    name: String,
    role: String,
}

#[derive(Serialize, JsonSchema)]
struct Contacts {
    contacts: Vec<Contact>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Meeting {
    title: String,
    time: String,
    attendees: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Scheduled {
    invited: usize,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Post {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct Reached {
    reached: u32,
}

#[tool_router]
impl Workplace {
    #[tool(
        description = "The messages of a channel, oldest first.",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn read_channel_messages(
        &self,
        Parameters(channel): Parameters<Channel>,
    ) -> Result<Json<Messages>, String> {
        self.received("read_channel_messages", &channel).await?;
        let of_channel = MESSAGES.iter().filter(|(name, ..)| *name == channel.channel);
        let messages: Vec<Message> = of_channel
            .map(|(_, from, text)| Message { from: (*from).to_owned(), text: (*text).to_owned() })
            .collect();
        if messages.is_empty() {
            return Err(format!("no channel `{}`: there are engineering and facilities", channel.channel));
        }
        Ok(Json(Messages { messages }))
    }

    #[tool(
        description = "People whose name or role has this word.",
        annotations(read_only_hint = true, open_world_hint = false)
    )]
    async fn search_contacts(&self, Parameters(query): Parameters<Query>) -> Result<Json<Contacts>, String> {
        self.received("search_contacts", &query).await?;
        let word = query.query.to_lowercase();
        let found = CONTACTS
            .iter()
            .filter(|(name, role)| name.to_lowercase().contains(&word) || role.contains(&word))
            .map(|(name, role)| Contact { name: (*name).to_owned(), role: (*role).to_owned() });
        Ok(Json(Contacts { contacts: found.collect() }))
    }

    #[tool(
        description = "Put a meeting into people's calendars.",
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = false)
    )]
    async fn schedule_meeting(
        &self,
        Parameters(meeting): Parameters<Meeting>,
    ) -> Result<Json<Scheduled>, String> {
        self.received("schedule_meeting", &meeting).await?;
        Ok(Json(Scheduled { invited: meeting.attendees.len() }))
    }

    #[tool(
        description = "Post a message that everyone in the company is notified of.",
        annotations(read_only_hint = false, destructive_hint = true, open_world_hint = false)
    )]
    async fn post_message_to_all_hands(
        &self,
        Parameters(post): Parameters<Post>,
    ) -> Result<Json<Reached>, String> {
        self.received("post_message_to_all_hands", &post).await?;
        Ok(Json(Reached { reached: PEOPLE }))
    }

    /// Writes a call down. One that cannot be counted is not answered well.
    async fn received(&self, tool: &str, arguments: &(impl Serialize + Sync)) -> Result<(), String> {
        let line = format!("{}\n", json!({ "tool": tool, "arguments": arguments }));
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line.as_bytes())
            .map_err(|error| format!("the call could not be written to the log: {error}"))?;
        if self.latency {
            tokio::time::sleep(LATENCY).await;
        }
        Ok(())
    }
}

#[tool_handler]
impl ServerHandler for Workplace {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("outboard-demo-workplace", env!("CARGO_PKG_VERSION")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{fakes::InMemory, tool_server::ToolServer as _};

    #[tokio::test]
    async fn what_reads_says_so_and_every_call_is_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let options = WorkplaceOptions { latency: false, log: folder.path().join("log") };
        let log = options.log.clone();
        let client = InMemory::to(async move |streams| serve_on(&options, streams).await).await;
        let listed = client.request("tools/list", &json!({})).await["result"]["tools"].take();
        let mut hints: Vec<(String, Value, Value)> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| {
                let hints = &tool["annotations"];
                let name = tool["name"].as_str().unwrap().to_owned();
                (name, hints["readOnlyHint"].clone(), hints["destructiveHint"].clone())
            })
            .collect();
        hints.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(
            hints,
            [
                ("post_message_to_all_hands".to_owned(), json!(false), json!(true)),
                ("read_channel_messages".to_owned(), json!(true), Value::Null),
                ("schedule_meeting".to_owned(), json!(false), json!(false)),
                ("search_contacts".to_owned(), json!(true), Value::Null),
            ]
        );
        for (tool, arguments, is_error, value) in [
            ("search_contacts", json!({ "query": "ENGIN" }), false, "/contacts/1/name"),
            ("read_channel_messages", json!({ "channel": "nowhere" }), true, "/none"),
            ("post_message_to_all_hands", json!({ "text": "hi" }), false, "/reached"),
        ] {
            let call = json!({ "name": tool, "arguments": arguments });
            let result = client.request("tools/call", &call).await["result"].take();
            assert_eq!(result["isError"], is_error, "{result}");
            assert_eq!(result["structuredContent"].pointer(value).is_some(), !is_error, "{result}");
        }
        client.close().await;
        assert_eq!(
            std::fs::read_to_string(log).unwrap(),
            "{\"tool\":\"search_contacts\",\"arguments\":{\"query\":\"ENGIN\"}}\n\
             {\"tool\":\"read_channel_messages\",\"arguments\":{\"channel\":\"nowhere\"}}\n\
             {\"tool\":\"post_message_to_all_hands\",\"arguments\":{\"text\":\"hi\"}}\n"
        );
    }
}
