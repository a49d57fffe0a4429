//! Agents and comparisons as their user runs them: against the fake model API, with the demo's services and the fixture's.

use std::process::{Output, Stdio};

use outboard_testkit::{
    client::{Home, eventually},
    model::FakeModel,
    processes, skip,
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

const KEY: &str = "sk-very-secret";

/// Runs an `outboard` command beside what else runs here.
async fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(OUTBOARD, arguments);
    command.env("MODEL_KEY", KEY).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}\n{}", out(output), err(output)))
}

fn call(name: &str, input: &Value) -> Value {
    json!({ "calls": [{ "name": name, "input": input }] })
}

/// The README's table is what the command prints, and its figures are those of the published demonstration. It has workspaces in
/// it, so it takes a system that has jails.
#[cfg(target_os = "linux")]
#[test]
fn the_readmes_table_comes_from_compare_and_says_what_was_published() {
    let home = Home::new();
    let output = home.command(OUTBOARD, &["compare", "--no-latency"]).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    let text = out(&output);
    assert!(!text.contains('\u{1b}'), "{text}");
    let table = text.split("\n\n").next().unwrap();
    let has_workspace = !err(&output).contains("mode `workspace` is left out");
    if !has_workspace {
        skip("no workspace can be made here, so none is compared");
    }
    let readme = include_str!("../../../../README.md");
    let of_mode = |line: &&str| has_workspace || !line.contains("  workspace  ");
    let readme: Vec<&str> = readme.lines().filter(of_mode).collect();
    let readme = readme.join("\n");
    assert!(readme.contains(table), "the README does not have this table:\n{table}");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(1)
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let tokens = |task: &str, way: &str| -> u64 {
        let row = rows.iter().find(|row| row[0] == task && row[1] == way).unwrap();
        assert_eq!(row[6], "yes", "{row:?}");
        row[5].replace(',', "").parse().unwrap()
    };
    let within = |tokens: u64, published: u64| tokens.abs_diff(published) * 10 <= published;
    assert!(within(tokens("activity", "direct, one call a turn"), 275_000));
    assert!(within(tokens("activity", "direct, ten calls a turn"), 36_000));
    assert!(tokens("activity", "code") < 1_500);
    if has_workspace {
        assert!(tokens("activity", "workspace") < 3_000);
    }
    assert!(tokens("three-pages", "code") < tokens("three-pages", "direct"));
    for dearer in ["one-call", "raw-page"] {
        assert!(tokens(dearer, "code") > tokens(dearer, "direct"), "{dearer}");
        assert!(!has_workspace || tokens(dearer, "workspace") > tokens(dearer, "code"), "{dearer}");
    }
    assert!(std::fs::read_dir(home.state()).unwrap().next().is_none(), "nothing of the user is touched");
}

#[test]
fn a_comparison_is_an_object_for_programs_and_a_page_for_people() {
    let home = Home::new();
    let arguments =
        ["compare", "--no-latency", "--task", "one-call", "--runs", "2", "--modes", "direct,code"];
    let output = home.command(OUTBOARD, &[&arguments[..], &["--json"]].concat()).output().unwrap();
    let compared = &json_of(&output)["comparisons"][0];
    let ways = compared["ways"].as_array().unwrap();
    assert_eq!(ways.iter().map(|way| way["mode"].as_str().unwrap()).collect::<Vec<_>>(), ["direct", "code"]);
    for way in ways {
        assert_eq!(way["right"], json!({ "right": 2, "judged": 2 }), "{way}");
        assert_eq!((way["runs"].as_array().unwrap().len(), &way["counted"]), (2, &json!("o200k estimate")));
        assert_eq!(way["tokens"]["least"], way["tokens"]["most"]);
    }
    let page = home.project().join("page.html");
    let written =
        home.command(OUTBOARD, &[&arguments[..], &["--html", "page.html"]].concat()).output().unwrap();
    assert!(written.status.success() && written.stdout.is_empty(), "{}", err(&written));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<svg") && page.contains("one small call") && !page.contains("<script"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_a_task_over_either_api_and_tells_what_that_cost() {
    let script = "return await data_tools.get_total_pages()";
    for (mode, steps, answer) in [
        ("code", vec![call("execute", &json!({ "code": script })), json!({ "text_from": "result" })], "30"),
        ("direct", vec![call("get_total_pages", &json!({})), json!({ "text": "30" })], "30"),
    ] {
        for anthropic in [true, false] {
            let home = Home::new();
            let model = FakeModel::start(steps.clone()).await;
            let url = if anthropic { model.messages() } else { model.completions() };
            let arguments = [
                "agent",
                "--mode",
                mode,
                "--task",
                "one-call",
                "--no-latency",
                "--provider",
                &url,
                "--model",
                "fake",
                "--key-env",
                "MODEL_KEY",
            ];
            let output = run(&home, &[&arguments[..], &["--json"]].concat()).await;
            let told = json_of(&output);
            assert!(output.status.success(), "{told:#}");
            assert!(output.stderr.is_empty(), "{}", err(&output));
            assert_eq!((&told["answer"], &told["right"]), (&json!(answer), &json!(true)));
            let billed: u64 = model.bills().iter().map(|bill| bill.input + bill.output).sum();
            assert_eq!(told["tokens"]["total"], json!(billed));
            assert_eq!(told["tokens"]["counted"], "as the API reports");
            assert!(told["dollars"].is_null());
            assert_eq!(told["turns"].as_array().unwrap().len(), 2);
            let seconds = &told["seconds"];
            assert_eq!(seconds["code"].as_f64().unwrap() > 0.0, mode == "code", "{seconds}");
            assert!(model.keys().iter().all(|key| key.as_deref() == Some(KEY)));
            assert!(!out(&output).contains(KEY));
            let tools = model.requests()[0]["tools"].to_string();
            assert_eq!(tools.contains("\"execute\""), mode == "code", "{tools}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_call_passes_the_gate_and_is_read_in_the_servers_own_words() {
    let home = Home::new();
    home.configure_exactly(&json!({
        "mcpServers": { "fix": fixture(&[]), "other": fixture(&["--named", "add"]) },
        "policy": { "rules": [{ "tools": "fix.count", "verdict": "deny", "reason": "not here" }], "otherwise": "allow" },
    }));
    let model = FakeModel::start(vec![
        call("fix__echo", &json!({ "value": { "a": [1, 2] } })),
        call("fix__fail", &json!({ "message": "as told" })),
        call("fix__count", &json!({})),
        call("fix__image", &json!({})),
        call("nothing", &json!({})),
        json!({ "text": "done" }),
    ])
    .await;
    let arguments = [
        "agent",
        "--mode",
        "direct",
        "--task",
        "Try them.",
        "--provider",
        &model.completions(),
        "--model",
        "fake",
    ];
    let output = run(&home, &[&arguments[..], &["--json"]].concat()).await;
    let told = json_of(&output);
    assert!(output.status.success(), "{told:#}\n{}", err(&output));
    let calls: Vec<(String, bool)> = told["turns"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|turn| turn["calls"].as_array().unwrap())
        .map(|call| (call["answer"].as_str().unwrap().to_owned(), call["isError"] == true))
        .collect();
    assert_eq!(calls[0], ("{\"a\":[1,2]}".to_owned(), false));
    assert_eq!(calls[1], ("as told".to_owned(), true));
    assert!(calls[2].1 && calls[2].0.contains("denied by policy: not here"), "{:?}", calls[2]);
    assert!(calls[3].0.starts_with("a picture, a sound and two resources\n[image of "), "{:?}", calls[3]);
    assert_eq!(calls[4], ("there is no tool `nothing`".to_owned(), true));
    // Nobody named a key for this address, so none was sent.
    assert!(model.keys().iter().all(Option::is_none));
    let recorded = run(&home, &["runs", "--json"]).await;
    assert!(json_of(&recorded)["runs"].as_array().unwrap().len() >= 3);
    // What went to the model whole was not kept out of anything.
    let stats = json_of(&run(&home, &["stats", "--json"]).await);
    assert_eq!(stats["all"]["together"], 0, "{stats:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_the_model_does_and_a_pipe_gets_the_answer_alone() {
    let home = Home::new();
    std::fs::write(home.project().join(".env"), format!("MODEL_KEY2='{KEY}'\nOTHER=x\n")).unwrap();
    let evil = "30\u{1b}[2J pages";
    let task = "prompt = 'How many?'\nservers = 'demo'\n[check]\ncontains = ['30']\n";
    std::fs::write(home.project().join("pages.toml"), task).unwrap();
    let prices =
        json!({ "format": 1, "models": [{ "names": ["gpt-4o"], "input": 2, "output": 8, "asOf": "today" }] });
    std::fs::write(home.project().join("own.json"), prices.to_string()).unwrap();
    let model = FakeModel::start(vec![
        json!({ "status": 529, "message": format!("busy {KEY}") }),
        json!({ "text": "First\u{1b}[2J this.", "calls": [{ "name": "execute", "input": { "code": "const a = 1;\nreturn a" } }] }),
        json!({ "text": evil }),
    ])
    .await;
    let url = model.messages();
    let arguments = [
        "agent",
        "--mode",
        "code",
        "--task",
        "pages.toml",
        "--no-latency",
        "--provider",
        &url,
        "--model",
        "gpt-4o",
        "--key-env",
        "MODEL_KEY2",
        "--prices",
        "own.json",
        "--record",
        "turns.json",
    ];
    let output = run(&home, &arguments).await;
    let (said, beside) = (out(&output), err(&output));
    assert!(output.status.success(), "{beside}");
    assert_eq!(said, format!("{evil}\n"), "whoever reads a pipe gets it as it is");
    assert!(!beside.contains(KEY) && !beside.contains('\u{1b}'), "{beside}");
    for part in [
        "busy ***",
        "says   First",
        "const a = 1;",
        "gave   1 ",
        "the answer is right",
        "by prices of today",
        "time    ",
    ] {
        assert!(beside.contains(part), "{part}: {beside}");
    }
    assert_eq!(model.keys()[0].as_deref(), Some(KEY));
    // What was recorded plays again without a model.
    let recorded = std::fs::read_to_string(home.project().join("turns.json")).unwrap();
    assert!(!recorded.contains(KEY), "{recorded}");
    let again = run(
        &home,
        &[
            "agent",
            "--mode",
            "code",
            "--task",
            "pages.toml",
            "--no-latency",
            "--provider",
            "scripted",
            "--turns",
            "turns.json",
            "--json",
        ],
    )
    .await;
    let again = json_of(&again);
    assert_eq!((&again["answer"], &again["model"]), (&json!(evil), &json!("gpt-4o")));
    assert_eq!(model.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_refused_before_anything_is_started() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": {} }));
    let url = "http://127.0.0.1:9/v1";
    // A stranger's `.env` that nobody writes to must not be waited for.
    let pipe = std::process::Command::new("mkfifo").arg(home.project().join(".env")).status();
    assert!(pipe.is_ok_and(|status| status.success()));
    std::fs::write(home.project().join("bad.toml"), "prompt = 'x'\ncommand = 'rm -rf /'\n").unwrap();
    std::fs::write(
        home.project().join("reads.toml"),
        "prompt = 'x'\n[[ways]]\nmode = 'code'\nturns = [{ calls = [{ tool = 'x', input = { a = { file = '../config/outboard.json' } } }] }]\n",
    )
    .unwrap();
    for (arguments, part) in [
        (&["agent", "--mode", "code", "--task", "Do it"][..], "there is no key"),
        (&["agent", "--mode", "code", "--task", "Do it", "--provider", url], "which model"),
        (
            &[
                "agent",
                "--mode",
                "code",
                "--task",
                "Do it",
                "--provider",
                "http://a.example/v1",
                "--model",
                "m",
            ],
            "must be https",
        ),
        (
            &[
                "agent",
                "--mode",
                "code",
                "--task",
                "Do it",
                "--provider",
                "https://me:pw@a.example",
                "--model",
                "m",
            ],
            "--key-env",
        ),
        (
            &[
                "agent",
                "--mode",
                "code",
                "--task",
                "Do it",
                "--provider",
                "openai",
                "--model",
                "m",
                "--key-env",
                "NOPE",
            ],
            "`NOPE` is not set",
        ),
        (&["agent", "--mode", "code", "--task", "Do it", "--provider", "scripted"], "no written turns"),
        (&["agent", "--mode", "code", "--task", "bad.toml"], "unknown field `command`"),
        (&["agent", "--mode", "code", "--task", "reads.toml"], "is no file beside the task"),
        (&["agent", "--mode", "code", "--task", "missing.toml"], "missing.toml"),
        (&["compare", "--task", "Do it"], "there is no key"),
    ] {
        let output = run(&home, arguments).await;
        let told = err(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(part) && !told.contains("pw@"), "{arguments:?}: {told}");
    }
    let model = FakeModel::start(vec![json!({ "status": 401, "message": format!("bad key {KEY}") })]).await;
    let arguments = [
        "agent",
        "--mode",
        "code",
        "--task",
        "Do it",
        "--provider",
        &model.messages(),
        "--model",
        "m",
        "--key-env",
        "MODEL_KEY",
    ];
    let output = run(&home, &[&arguments[..], &["--json"]].concat()).await;
    let told = json_of(&output);
    assert_eq!((output.status.code(), &told["ended"]), (Some(1), &json!("provider_failed")));
    assert!(told["error"]["message"].as_str().unwrap().contains("HTTP 401: bad key ***"), "{told}");
    assert!(told["error"]["hint"].as_str().unwrap().contains("key") && !out(&output).contains(KEY), "{told}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_an_agent_with_what_it_did_until_then_and_leaves_nobody() {
    let home = Home::new();
    let endless = call("execute", &json!({ "code": "await new Promise(done => setTimeout(done, 60000))" }));
    let model = FakeModel::start(vec![call("execute", &json!({ "code": "return 1" })), endless]).await;
    let arguments = [
        "agent",
        "--mode",
        "code",
        "--task",
        "one-call",
        "--no-latency",
        "--provider",
        &model.messages(),
        "--model",
        "m",
        "--json",
    ];
    let mut command = home.command(OUTBOARD, &arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let (requests, ended) = tokio::task::spawn_blocking(move || {
        eventually("two turns are asked for", || model.bills().len() == 2);
        let children = processes::children_of(pid);
        processes::signal(pid, "INT");
        (children, child.wait_with_output().unwrap())
    })
    .await
    .unwrap();
    let told = json_of(&ended);
    assert_eq!((ended.status.code(), &told["ended"]), (Some(130), &json!("interrupted")), "{}", err(&ended));
    // The second turn was billed; whether it had come by then nobody knows.
    assert!((1..=2).contains(&told["turns"].as_array().unwrap().len()), "{told:#}");
    assert!(!requests.is_empty() && requests.iter().all(|pid| !processes::is_alive(*pid)));
}

/// A comparison in code mode with whatever stands at this address.
fn comparison<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let arguments = [
        "compare",
        "--task",
        "one-call",
        "--no-latency",
        "--modes",
        "code",
        "--provider",
        url,
        "--model",
        "m",
    ];
    [&arguments[..], more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_fails_a_comparison_and_a_page_is_opened_before_anything_is_paid_for() {
    let home = Home::new();
    let model = FakeModel::start(vec![json!({ "text": "30" }), json!({ "text": "130" })]).await;
    let url = model.messages();
    let output = run(&home, &comparison(&url, &["--html", "no/such/folder/page.html"])).await;
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(err(&output).contains("write the page to no/such/folder/page.html"), "{}", err(&output));
    assert!(model.requests().is_empty());
    let output = run(&home, &comparison(&url, &["--runs", "2", "--json"])).await;
    let told = json_of(&output);
    assert_eq!(output.status.code(), Some(1), "{told:#}");
    assert_eq!(told["comparisons"][0]["ways"][0]["right"], json!({ "right": 1, "judged": 2 }));
    assert!(told["error"]["message"].as_str().unwrap().starts_with("1 run gave a wrong answer"), "{told:#}");
    assert_eq!(told["isWhole"], true);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_comparison_tells_what_was_compared_until_then() {
    let home = Home::new();
    let endless = call("execute", &json!({ "code": "await new Promise(done => setTimeout(done, 60000))" }));
    let model = FakeModel::start(vec![json!({ "text": "30" }), endless]).await;
    let url = model.messages();
    let mut command = home.command(OUTBOARD, &comparison(&url, &["--runs", "3", "--html", "page.html"]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let ended = tokio::task::spawn_blocking(move || {
        eventually("the second run is under way", || model.bills().len() == 2);
        processes::signal(pid, "INT");
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", err(&ended));
    assert!(err(&ended).contains("not all was done"), "{}", err(&ended));
    let page = std::fs::read_to_string(home.project().join("page.html")).unwrap();
    assert!(page.contains("1 of 1") && page.contains("30"), "{page}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_is_interrupted_in_its_first_run_tells_how_far_that_was() {
    let home = Home::new();
    let endless = call("execute", &json!({ "code": "await new Promise(done => setTimeout(done, 60000))" }));
    let model = FakeModel::start(vec![call("execute", &json!({ "code": "return 1" })), endless]).await;
    let url = model.messages();
    let mut command = home.command(OUTBOARD, &comparison(&url, &["--json"]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id();
    let ended = tokio::task::spawn_blocking(move || {
        eventually("the second turn is asked for", || model.bills().len() == 2);
        processes::signal(pid, "INT");
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    let told = json_of(&ended);
    assert_eq!((ended.status.code(), &told["isWhole"]), (Some(130), &json!(false)), "{}", err(&ended));
    let way = &told["comparisons"][0]["ways"][0];
    let figures = ["answered", "failed", "brokenOff", "tokens", "right"].map(|figure| way[figure].clone());
    assert_eq!(figures, [json!(0), json!(0), json!(1), Value::Null, Value::Null], "{told:#}");
    assert_eq!(way["runs"][0]["partial"], true);
    assert!(way["runs"][0]["turns"][0]["input"].as_u64().unwrap() > 100, "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn played_turns_are_compared_in_their_mode_recorded_only_if_said_and_keep_nothing_out() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) } }));
    let script = "const r = await fix.big({ bytes: 20000, form: 'records' }); return r.records.length";
    let steps = vec![call("execute", &json!({ "code": script })), json!({ "text_from": "result" })];
    let model = FakeModel::start(steps).await;
    let url = model.messages();
    let agent = [
        "agent",
        "--mode",
        "code",
        "--task",
        "How many?",
        "--provider",
        &url,
        "--model",
        "m",
        "--record",
        "turns.json",
    ];
    let live = run(&home, &agent).await;
    assert!(live.status.success(), "{}", err(&live));
    let stats = async || json_of(&run(&home, &["stats", "--json"]).await);
    let kept = stats().await;
    assert!(kept["all"]["results"].as_i64().unwrap() > 5_000, "{kept:#}");
    // Nobody's model was spared anything by these.
    let played = ["--task", "How many?", "--turns", "turns.json", "--json"];
    for command in [&["agent", "--mode", "code"][..], &["compare", "--modes", "code"]] {
        let output = run(&home, &[command, &played].concat()).await;
        assert!(
            output.status.success() && out(&output).contains("\"200\""),
            "{}{}",
            out(&output),
            err(&output)
        );
    }
    let after = stats().await;
    assert_eq!((&after["all"], &after["runsThatCountNothing"]), (&kept["all"], &json!(2)), "{after:#}");
    // The model's API has nothing more to say, and a recording of nothing takes the place of no other.
    let before = std::fs::read(home.project().join("turns.json")).unwrap();
    let failed = run(&home, &agent).await;
    assert!(
        !failed.status.success() && err(&failed).contains("turns.json is not written"),
        "{}",
        err(&failed)
    );
    assert_eq!(std::fs::read(home.project().join("turns.json")).unwrap(), before);
    for (arguments, part) in [
        (&["compare"][..], "are those of one mode"),
        (&["compare", "--modes", "code", "--model", "m"], "--model is for a model"),
        (
            &["agent", "--mode", "code", "--provider", &url, "--model", "m"],
            "--turns is for --provider scripted",
        ),
    ] {
        let output = run(&home, &[arguments, &played].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert!(err(&output).contains(part), "{}", err(&output));
    }
}
