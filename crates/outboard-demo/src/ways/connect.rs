//! Starts the servers of the ways as processes and speaks MCP with them over stdio, as any client does.
//!
//! Everything that `outboard serve` would keep goes to a directory that vanishes with the demo.

use std::{io, time::Duration};

use outboard_agent::{Listing, ToolAnswer, ToolDefinition};
use outboard_runtime::{
    ids::{ToolName, UpstreamName},
    json::Json,
    reply::CallReply,
};
use outboard_upstream::{Transport, UpstreamSpec, direct::Client};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Before, Connect};
use crate::{
    demo::DemoOptions,
    model::TOOLS_OF_THE_SCRIPT,
    scratch::Scratch,
    tasks::{self, DATA_TOOLS},
    tool_server::{ServerFailure, ToolServer, within},
};

/// How long a fresh `outboard serve` may take to learn its upstream's tools, and how often it is asked.
const LONGEST_START: Duration = Duration::from_secs(20);
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Starts each server anew for each way, in a directory of the demo's own.
pub(crate) struct Processes {
    upstream_args: Vec<String>,
    scratch: Scratch,
}

impl Processes {
    /// Makes the directory and writes the configuration that names the demo's upstream.
    pub(crate) fn prepare(options: &DemoOptions) -> io::Result<Self> {
        let scratch = tasks::user(&options.exe, options.latency)?;
        Ok(Self { upstream_args: tasks::arguments(options.latency), scratch })
    }

    fn spec(&self, before: Before) -> UpstreamSpec {
        let args = match before {
            Before::Upstream => self.upstream_args.clone(),
            Before::Outboard => vec!["serve".to_owned()],
        };
        let transport = Transport::Stdio {
            command: self.scratch.exe().to_owned(),
            args,
            env: self.scratch.environment(),
            cwd: Some(self.scratch.work()),
        };
        UpstreamSpec::new(UpstreamName::new(DATA_TOOLS), transport)
    }
}

impl Connect for Processes {
    type Server = Process;

    async fn connect(&self, before: Before) -> Result<Process, ServerFailure> {
        let client = Client::connect(&self.spec(before)).await;
        let client = client.map_err(|error| ServerFailure(format!("the server did not {error}")))?;
        Ok(Process { client, before })
    }
}

/// A server in a process of its own and the connection to it.
pub(crate) struct Process {
    client: Client,
    before: Before,
}

impl Process {
    async fn listing_now(&self) -> Result<Listing, ServerFailure> {
        let listed = within("list its tools", self.client.list_tools()).await?.listing;
        let tools = listed.tools.iter().map(|tool| ToolDefinition {
            name: tool.name.as_str().to_owned(),
            description: tool.description.clone().unwrap_or_default(),
            input_schema: tool.input().map_or_else(|| json!({}), |schema| (*schema).clone()),
        });
        Ok(Listing { tools: tools.collect(), instructions: listed.instructions })
    }
}

impl ToolServer for Process {
    /// `outboard serve` answers at once, on its very first start with nothing to declare. The demo
    /// compares what a model has before it from then on, so it asks until the upstream's tools are there.
    async fn listing(&self) -> Result<Listing, ServerFailure> {
        let deadline = Instant::now() + LONGEST_START;
        loop {
            let listing = self.listing_now().await?;
            let complete = TOOLS_OF_THE_SCRIPT.iter().all(|tool| listing.mentions(tool));
            if complete || self.before == Before::Upstream || Instant::now() >= deadline {
                return Ok(listing);
            }
            sleep(ASK_AGAIN).await;
        }
    }

    async fn call(&self, name: &str, input: &Value) -> Result<ToolAnswer, ServerFailure> {
        let (tool, arguments) = (ToolName::new(name), Json::from(input.clone()));
        let reply = within(&format!("answer `{name}`"), self.client.call(&tool, &arguments)).await?;
        Ok(as_text(&reply))
    }

    async fn close(self) {
        self.client.shutdown().await;
    }
}

/// What most clients give to a model: text blocks as their text, any other block as its JSON. A result
/// without content is read from its structured content.
fn as_text(reply: &CallReply) -> ToolAnswer {
    #[derive(Deserialize)]
    struct TextBlock {
        r#type: String,
        text: String,
    }
    let block = |block: &Json| match block.read::<TextBlock>() {
        Ok(TextBlock { r#type, text }) if r#type == "text" => text,
        _ => block.to_string(),
    };
    let blocks: Vec<String> = if reply.content.is_empty() {
        reply.structured.iter().map(Json::to_string).collect()
    } else {
        reply.content.iter().map(block).collect()
    };
    ToolAnswer { text: blocks.join("\n"), is_error: reply.is_error }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn processes(exe: &str) -> Processes {
        Processes::prepare(&DemoOptions { exe: exe.into(), latency: false }).unwrap()
    }

    #[test]
    fn results_become_the_text_that_clients_show() {
        let json = |text: &str| Json::parse(text).unwrap();
        let (text, image) = (r#"{"type":"text","text":"a\nb"}"#, r#"{"type":"image","data":"="}"#);
        let cases = [
            (vec![json(text)], None, "a\nb".to_owned()),
            (vec![json(text), json(image)], Some(json("7")), format!("a\nb\n{image}")),
            (vec![], Some(json(r#"{"result":30}"#)), r#"{"result":30}"#.to_owned()),
            (vec![], None, String::new()),
        ];
        for (content, structured, text) in cases {
            for is_error in [false, true] {
                let reply = CallReply {
                    content: content.clone(),
                    structured: structured.clone(),
                    is_error,
                    next: None,
                };
                assert_eq!(as_text(&reply), ToolAnswer { text: text.clone(), is_error });
            }
        }
    }

    #[test]
    fn servers_see_nothing_but_the_demos_own_directory() {
        let processes = processes("/opt/outboard");
        let config = fs::read_to_string(processes.scratch.config().join("outboard.json")).unwrap();
        assert_eq!(
            config,
            r#"{"mcpServers":{"data_tools":{"command":"/opt/outboard","args":["demo-upstream","--no-latency"],"trust":true}}}"#
        );
        let scratch = processes.scratch.work().parent().unwrap().to_owned();
        let Transport::Stdio { args, env, cwd, .. } = processes.spec(Before::Outboard).transport else {
            panic!("a child process")
        };
        assert_eq!(args, ["serve"]);
        assert!(env.iter().all(|(_, value)| Path::new(value).starts_with(&scratch)), "{env:?}");
        assert!(cwd.unwrap().starts_with(&scratch));
        drop(processes);
        assert!(!scratch.exists());
    }

    #[tokio::test]
    async fn a_server_that_cannot_be_connected_to_fails_with_what_is_known_of_it() {
        for (exe, known) in
            [("/nonexistent/outboard", "/nonexistent/outboard"), ("/bin/cat", "exited with code 1")]
        {
            let Err(failure) = processes(exe).connect(Before::Upstream).await else {
                panic!("{exe} is no server")
            };
            assert!(failure.to_string().contains(known), "{failure}");
        }
    }
}
