//! Lays the second part out for people: what the user did, what policy says, the script, the question as the person is
//! shown it, what came of a yes and of a no, and what that shows. All of it is as measured; the person is simulated, and
//! that is said.

use serde_json::{Value, json};

use super::{Style, render::further_in};
use crate::workplace::{POST, Watched, WorkplaceReport, count};

pub(super) fn to_json(report: &WorkplaceReport) -> Value {
    let mut object = json!(report);
    object["claims"] = json!(report.claims());
    object
}

pub(super) fn render(report: &WorkplaceReport, style: Style) -> String {
    let mut sections = vec![
        "A script that posts to everyone: it reads as it likes, and its post waits for a yes. The person is simulated.\n"
            .to_owned(),
        format!("{}\n{}", style.strong("what the user did before"), commands(report)),
        policy(report, style),
        format!("{}\n{}", style.strong("the script"), further_in(report.scripts[0])),
    ];
    sections.extend(report.runs.first().map(|run| question(run, style)));
    sections.push(outcomes(report, style));
    sections.push(claims(report, style));
    sections.join("\n")
}

fn commands(report: &WorkplaceReport) -> String {
    report.commands.iter().map(|command| format!("  $ {command}\n")).collect()
}

fn policy(report: &WorkplaceReport, style: Style) -> String {
    let width = report.tools.iter().map(|judged| judged.tool.len()).max().unwrap_or(0);
    let mut text = format!("{}\n", style.strong("what policy says then"));
    for judged in &report.tools {
        let verdict = format!("{:5}", judged.verdict);
        let verdict = if judged.verdict == "allow" { verdict } else { style.strong(&verdict) };
        text.push_str(&format!("  {:width$}  {verdict}  because {}\n", judged.tool, judged.reason));
    }
    text
}

/// The question as the client got it, and what could be chosen.
fn question(run: &Watched, style: Style) -> String {
    format!(
        "{}\n{}\n  ( ) {}\n",
        style.strong("what the person is shown by the client while the script waits"),
        further_in(&run.question),
        run.choices.join("   ( ) "),
    )
}

fn outcomes(report: &WorkplaceReport, style: Style) -> String {
    let row = |[language, answer, person, call, clock, posts]: [&str; 6], got: &str| {
        format!("{language:10}  {answer:16}  {person:>11}  {call:>10}  {clock:>11}  {posts:>5}  {got}")
    };
    let heads = ["script", "simulated answer", "person took", "call took", "run's clock", "posts"];
    let mut text = format!("{}\n", style.strong(&row(heads, "its post gave")));
    for run in &report.runs {
        let seconds = [run.person_seconds, run.call_seconds, run.clock_seconds]
            .map(|seconds| format!("{seconds:.3} s"));
        let [person, call, clock] = &seconds;
        let posts = count(&run.received, POST).to_string();
        let cells = [run.language, run.simulated_answer, person, call, clock, &posts];
        text.push_str(&format!("{}\n", row(cells, &given(&run.result["post"]))));
    }
    text
}

/// What the script got for its post, in a few words.
fn given(post: &Value) -> String {
    match (post["error"].as_str(), post["message"].as_str()) {
        (Some(error), Some(message)) => format!("{error}: {message}"),
        _ => post.to_string(),
    }
}

fn claims(report: &WorkplaceReport, style: Style) -> String {
    let claims = report.claims();
    let mut text = format!("{}\n", style.strong("what this shows, by what the workplace received"));
    for claim in &claims {
        let (mark, claim) = (if claim.holds { "yes" } else { "NOT TRUE" }, claim.claim);
        let mark = if mark == "yes" { style.good(mark) } else { style.bad(mark) };
        text.push_str(&format!("  {mark}  {claim}\n"));
    }
    text
}
