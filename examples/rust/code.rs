//! Mode `code` on the library: a model gets `search` and `execute` of `outboard serve`, and writes scripts that call whatever is
//! configured in `outboard.json`.
//! `ANTHROPIC_API_KEY=… cargo run -p outboard-agent --example code -- MODEL "the task"`

mod shared;

use std::error::Error;

use tokio::process::Command;

const USAGE: &str = "usage: code MODEL TASK";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(task)) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
    let mut server = Command::new(std::env::var("OUTBOARD").unwrap_or_else(|_| "outboard".to_owned()));
    server.arg("serve");
    shared::work(server, &model, &task).await
}
