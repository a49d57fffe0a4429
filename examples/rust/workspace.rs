//! Mode `workspace` on the library: a model also gets `bash` of `outboard serve --workspace`, a shell in a jail of its own, and
//! writes programs that call whatever is configured in `outboard.json`. Its files are gone when this ends.
//! `ANTHROPIC_API_KEY=… cargo run -p outboard-agent --example workspace -- MODEL "the task"`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, process::Stdio};

use outboard_agent::{
    Agent, Bounds, Ended, SYSTEM,
    agent::Unwatched,
    keys,
    mcp::McpTools,
    provider::{
        anthropic::{Anthropic, Options},
        endpoint::Endpoint,
        retry::Patience,
    },
};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const USAGE: &str = "usage: workspace MODEL TASK";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(task)) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
    let mut server = Command::new(std::env::var("OUTBOARD").unwrap_or_else(|_| "outboard".to_owned()));
    server.args(["serve", "--workspace"]);

    // The server is a child, and the connection its standard input and output. The model's key is none of its business.
    server.env_remove("ANTHROPIC_API_KEY");
    let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (output, input) = (child.stdout.take().ok_or("no output")?, child.stdin.take().ok_or("no input")?);
    let tools = McpTools::connect(output, input, "outboard-example").await?;

    let variable = |name: &str| std::env::var(name).ok();
    let key = keys::find("ANTHROPIC_API_KEY", variable, None)?.map(|(key, _)| key);
    let endpoint =
        variable("MODEL_URL").map_or_else(|| Ok(Endpoint::anthropic()), |url| Endpoint::at(&url))?;
    let provider = Anthropic::new(endpoint, key, &model, Options::default(), Patience::default())?;

    let agent = Agent {
        provider: &provider,
        toolbox: &tools,
        bounds: Bounds::default(),
        watcher: &Unwatched,
        stop: CancellationToken::new(),
    };
    let report = agent.run(SYSTEM, &task).await;
    tools.close().await;
    child.wait().await?;

    let usage = report.usage();
    println!("{} turns, {} tokens ({})", report.turns.len(), usage.total(), report.counted().label());
    match (report.ended, report.answer) {
        (Ended::Answered, Some(answer)) => println!("{answer}"),
        (ended, _) => return Err(format!("no answer: {ended:?}").into()),
    }
    Ok(())
}
