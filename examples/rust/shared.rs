//! What the examples share: an agent that does a task with the tools of one MCP server. Whose tools these are is all in which the
//! modes differ.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, process::Stdio};

use outboard_agent::{
    Agent, Bounds, Ended, SYSTEM,
    agent::Unwatched,
    keys,
    mcp::McpTools,
    provider::{anthropic::Anthropic, endpoint::Endpoint, options::Options, retry::Patience},
};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Has a model behind the Messages API do the task with the server's tools, and prints what that cost and its answer.
pub(crate) async fn work(mut server: Command, model: &str, task: &str) -> Result<(), Box<dyn Error>> {
    // The server is a child, and the connection its standard input and output. The model's key is none of its business.
    server.env_remove("ANTHROPIC_API_KEY");
    let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (output, input) = (child.stdout.take().ok_or("no output")?, child.stdin.take().ok_or("no input")?);
    let tools = McpTools::connect(output, input, "outboard-example").await?;

    let variable = |name: &str| std::env::var(name).ok();
    let key = keys::find("ANTHROPIC_API_KEY", variable, None)?.map(|(key, _)| key);
    let endpoint =
        variable("MODEL_URL").map_or_else(|| Ok(Endpoint::anthropic()), |url| Endpoint::at(&url))?;
    let provider = Anthropic::new(endpoint, key, model, Options::default(), Patience::default())?;

    let agent = Agent {
        provider: &provider,
        toolbox: &tools,
        bounds: Bounds::default(),
        watcher: &Unwatched,
        stop: CancellationToken::new(),
    };
    let report = agent.run(SYSTEM, task).await;
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
