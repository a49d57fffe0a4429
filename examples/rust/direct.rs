//! Mode `direct` on the library: a model gets the tools of one MCP server as they are, each call a turn of its own. Nobody is asked
//! before a call; `outboard agent --mode direct` takes the same calls through the gate.
//! `ANTHROPIC_API_KEY=… cargo run -p outboard-agent --example direct -- MODEL "the task" npx -y @modelcontextprotocol/server-memory`

mod shared;

use std::error::Error;

use tokio::process::Command;

const USAGE: &str = "usage: direct MODEL TASK COMMAND [ARGUMENT…]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(task)) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
    let command: Vec<String> = arguments.collect();
    let [program, rest @ ..] = &command[..] else { return Err(USAGE.into()) };
    let mut server = Command::new(program);
    server.args(rest);
    shared::work(server, &model, &task).await
}
