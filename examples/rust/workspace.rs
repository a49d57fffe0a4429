//! Mode `workspace` on the library: a model also gets `bash` of `outboard serve --workspace`, a shell in a jail of its own, and
//! writes programs that call whatever is configured in `outboard.json`. Its files are gone when this ends.
//! `ANTHROPIC_API_KEY=… cargo run -p outboard-agent --example workspace -- MODEL "the task"`

mod shared;

use std::error::Error;

use tokio::process::Command;

const USAGE: &str = "usage: workspace MODEL TASK";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(task)) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
    let mut server = Command::new(std::env::var("OUTBOARD").unwrap_or_else(|_| "outboard".to_owned()));
    server.args(["serve", "--workspace"]);
    shared::work(server, &model, &task).await
}
