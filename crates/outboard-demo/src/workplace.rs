//! The demo's second part: a script reads where it may, and asks before it posts to everyone.
//!
//! `upstream` is a workplace, `user` sets it up as a person would, by commands, and `client` drives `outboard serve` with a
//! person behind it, who is simulated: the answer is fixed, and given after a while. It prints nothing.

mod client;
mod found;
mod upstream;
mod user;

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

#[cfg(test)]
pub(crate) use found::tests::sample;
pub use found::{Claim, Judged, Watched, WorkplaceReport};
pub(crate) use found::{POST, count};
pub use upstream::{WorkplaceOptions, serve};

use crate::{
    demo::DemoOptions,
    tool_server::{ServerFailure, within},
    ways::Progress,
};
use client::{Came, Client};
use found::{NO, YES};
use user::User;

const IN_TYPESCRIPT: &str = include_str!("../turns/workplace.ts");
const IN_PYTHON: &str = include_str!("../turns/workplace.py");
/// How long the simulated person takes.
const PERSON: Duration = Duration::from_secs(1);

/// One script, and what the simulated person answers.
struct Scene {
    language: &'static str,
    /// The same as `execute` takes it.
    key: &'static str,
    code: &'static str,
    answer: &'static str,
}

const SCENES: [Scene; 2] = [
    Scene { language: "TypeScript", key: "typescript", code: IN_TYPESCRIPT, answer: YES },
    Scene { language: "Python", key: "python", code: IN_PYTHON, answer: NO },
];

/// Sets the workplace up and runs the script behind `outboard serve`, once with a yes and once with a no.
pub(crate) async fn run(
    options: &DemoOptions,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<WorkplaceReport, ServerFailure> {
    let user = User::prepare(options)?;
    let commands = user.set_up().await?;
    let tools = user.policy().await?;
    let mut client = Client::start(user.command(&["serve"]), user.words())?;
    within("open", client.open()).await?;
    let mut runs = Vec::new();
    for (turn, scene) in (1..).zip(&SCENES) {
        progress(Progress { way: "a post that waits for a yes", turn, turns: Some(SCENES.len()) });
        runs.push(watch(&mut client, &user, scene).await?);
    }
    within("end", client.close()).await?;
    for (number, run) in (1..).zip(&mut runs) {
        run.clock_seconds = user.clock(&format!("r{number}")).await?;
    }
    Ok(WorkplaceReport { commands, tools, runs, scripts: [IN_TYPESCRIPT, IN_PYTHON] })
}

/// Runs one script, and answers what is asked.
async fn watch(client: &mut Client, user: &User, scene: &Scene) -> Result<Watched, ServerFailure> {
    let before = user.received()?.len();
    let begun = Instant::now();
    within("take a script", client.execute(scene.code, scene.key)).await?;
    let form = match within("ask", client.next()).await? {
        Came::Form(form) => form,
        Came::Answer(text) => {
            return Err(ServerFailure(format!("nothing was asked: the script gave {text}")));
        }
    };
    let shown = Instant::now();
    sleep(PERSON).await;
    let received_before_answer = user::by_tool(&user.received()?[before..]);
    let person_seconds = shown.elapsed().as_secs_f64();
    within("take an answer", client.choose(&form, scene.answer)).await?;
    let text = match within("answer", client.next()).await? {
        Came::Answer(text) => text,
        Came::Form(form) => return Err(ServerFailure(format!("it asked once more: {}", form.message))),
    };
    let call_seconds = begun.elapsed().as_secs_f64();
    let result: Value = serde_json::from_str(text.lines().next().unwrap_or_default())
        .map_err(|_| ServerFailure(format!("the script gave {text}")))?;
    let received = &user.received()?[before..];
    let posts = received.iter().filter(|call| call.tool == POST);
    let posted = posts.filter_map(|call| call.arguments["text"].as_str()).map(str::to_owned).collect();
    Ok(Watched {
        language: scene.language,
        question: form.message,
        choices: form.choices,
        simulated_answer: scene.answer,
        person_seconds,
        call_seconds,
        clock_seconds: 0.0,
        received_before_answer,
        received: user::by_tool(received),
        posted,
        result,
    })
}
