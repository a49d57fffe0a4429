//! Agents in mode `workspace`: what their model sees, that their programs pass the gate, and that nothing of them stays.

use std::{
    io::{Read as _, Write as _},
    process::{Output, Stdio},
};

use outboard_testkit::{
    client::{Client, Home, eventually},
    fixture_path,
    model::FakeModel,
    processes, skip,
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

/// Runs a command beside what else runs here.
async fn run(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command(OUTBOARD, arguments);
    command.stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}\n{}", text(&output.stdout), text(&output.stderr)))
}

fn bash(command: &str) -> Value {
    json!({ "calls": [{ "name": "bash", "input": { "command": command } }] })
}

/// The arguments of an agent whose model is at this address.
fn agent<'a>(mode: &'a str, url: &'a str) -> [&'a str; 9] {
    ["agent", "--mode", mode, "--task", "Do it.", "--provider", url, "--model", "fake"]
}

/// What agents called, and what their model read of it.
fn answers(told: &Value) -> Vec<&str> {
    let turns = told["turns"].as_array().unwrap();
    let calls = turns.iter().flat_map(|turn| turn["calls"].as_array().unwrap());
    calls.map(|call| call["answer"].as_str().unwrap()).collect()
}

fn workspaces(home: &Home) -> usize {
    std::fs::read_dir(home.state().join("workspaces")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_sees_what_clients_of_a_workspace_see_and_its_programs_pass_the_gate() {
    let home = Home::new();
    home.configure(&json!({
        "mcpServers": { "fix": fixture(&[]) },
        "policy": { "rules": [{ "tools": "fix.count", "verdict": "deny", "reason": "not here" }], "otherwise": "allow" },
    }));
    let program = "cat > work.py <<'END'\n\
        from mcp_tools import ToolError\n\
        from mcp_tools.fix import add, count, slow\n\
        slow(ms=200)\n\
        try:\n    count(note='x')\nexcept ToolError as error:\n    print(error)\n\
        print(add(a=30, b=12)['sum'])\n\
        END\npython3 work.py";
    let steps = vec![bash("cat README.md"), bash(program), bash("ls"), json!({ "text": "42" })];
    let model = FakeModel::start(steps).await;
    let output = run(&home, &[&agent("workspace", &model.messages())[..], &["--json"]].concat()).await;
    let told = json_of(&output);
    assert!(output.status.success() && output.stderr.is_empty(), "{told:#}\n{}", text(&output.stderr));
    let answers = answers(&told);
    assert!(answers[0].starts_with("exit 0\n# Workspace\n"), "{answers:?}");
    assert!(
        answers[1].contains("denied by policy: not here") && answers[1].ends_with("\n42.0"),
        "{answers:?}"
    );
    assert_eq!(answers[2], "exit 0\nREADME.md\nwork.py");
    let seconds = |what: &str| told["seconds"][what].as_f64().unwrap();
    assert!(seconds("tools") >= 0.2 && seconds("code") > 0.0, "{told:#}");
    assert_eq!(workspaces(&home), 0);
    let runs = json_of(&run(&home, &["runs", "--json"]).await);
    assert!(runs["runs"].as_array().unwrap().len() >= 3, "{runs:#}");
    // Word for word what any client is offered.
    let offered = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(home.command(OUTBOARD, &["serve", "--workspace"]));
        client.request("tools/list", json!({}))["result"]["tools"].clone()
    });
    let shape = |tools: &Value, schema: &str| -> Vec<Value> {
        let tools = tools.as_array().unwrap().iter();
        tools.map(|tool| json!([tool["name"], tool["description"], tool[schema]])).collect()
    };
    let seen = shape(&model.requests()[0]["tools"], "input_schema");
    assert_eq!(seen, shape(&offered.await.unwrap(), "inputSchema"));
    assert_eq!(seen.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_in_a_workspace_fetch_and_do_not_print_is_kept_out() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&["--tools", "60"]) } }));
    let program = "python3 - <<'END'\n\
        from mcp_tools.fix import big\n\
        records = big(bytes=20000, form='records')['records']\n\
        print(len(records))\n\
        END";
    let code = "return await fix.big({ bytes: 20000, form: 'records' })";
    let direct = json!({ "calls": [{ "name": "big", "input": { "bytes": 20000, "form": "records" } }] });
    let all = async |what: &str| {
        let stats = json_of(&run(&home, &["stats", "--json"]).await);
        stats["all"][what].as_i64().unwrap_or_else(|| panic!("{stats:#}"))
    };
    let model = FakeModel::start(vec![bash(program), json!({ "text": "200" })]).await;
    let told =
        json_of(&run(&home, &[&agent("workspace", &model.messages())[..], &["--json"]].concat()).await);
    assert_eq!(answers(&told), ["exit 0\n200"], "{told:#}");
    let results = all("results").await;
    assert!((5_000..12_000).contains(&results), "{results}");
    assert!(all("definitions").await > 1_000);
    assert_eq!((all("runs").await, all("calls").await), (2, 1));
    // The command stands among the runs, with what the model read of it.
    let runs = json_of(&run(&home, &["runs", "--json"]).await)["runs"].clone();
    let runs: Vec<&Value> = runs.as_array().unwrap().iter().collect();
    let command = runs.iter().find(|run| run["title"] == "workspace.bash").unwrap();
    let shown = json_of(&run(&home, &["show", command["run"].as_str().unwrap(), "--json"]).await);
    assert_eq!((shown["value"].as_str(), command["command"].as_str()), (Some("exit 0\n200"), Some("agent")));
    assert!(
        runs.iter().any(|run| run["command"] == "agent, program" && run["title"] == "fix.big"),
        "{runs:?}"
    );
    // What is printed was not kept out, and neither is what a model calls itself.
    let whole = program.replace("print(len(records))", "print(records)").replace("20000", "8000");
    let model = FakeModel::start(vec![bash(&whole), json!({ "text": "200" })]).await;
    run(&home, &agent("workspace", &model.messages())).await;
    let model = FakeModel::start(vec![direct, json!({ "text": "200" })]).await;
    run(&home, &agent("direct", &model.messages())).await;
    let more = all("results").await - results;
    assert!((-1_500..1_500).contains(&more), "{more}");
    assert_eq!(all("calls").await, 2);
    // Turns that are played keep nothing out.
    let steps = format!(
        "prompt = 'x'\n[[ways]]\nmode = 'workspace'\nturns = [{{ calls = [{{ tool = 'bash', input = {{ command = {:?} }} }}] }}, {{ answer = 'x' }}]\n\
         [[ways]]\nmode = 'code'\nturns = [{{ calls = [{{ tool = 'execute', input = {{ code = {code:?} }} }}] }}, {{ answer = 'x' }}]\n",
        "python3 -c 'from mcp_tools.fix import big; big(bytes=9000)'"
    );
    std::fs::write(home.project().join("task.toml"), steps).unwrap();
    let before = (all("runs").await, all("calls").await);
    let played = run(&home, &["compare", "--task", "task.toml", "--provider", "scripted", "--json"]).await;
    assert!(!played.stdout.is_empty(), "{}", text(&played.stderr));
    assert_eq!((all("runs").await, all("calls").await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_taken_out_after_an_interrupt_too() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) } }));
    let model =
        FakeModel::start(vec![bash("echo kept > note.txt"), bash("echo begun > later; sleep 60")]).await;
    let url = model.messages();
    let arguments = [&agent("workspace", &url)[..], &["--json", "--export", "out"]].concat();
    let mut command = home.command(OUTBOARD, &arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let ended = tokio::task::spawn_blocking(move || {
        eventually("two turns are asked for", || model.bills().len() == 2);
        processes::signal(pid, "INT");
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    let told = json_of(&ended);
    assert_eq!(
        (ended.status.code(), &told["ended"]),
        (Some(130), &json!("interrupted")),
        "{}",
        text(&ended.stderr)
    );
    assert_eq!(std::fs::read_to_string(home.project().join("out/note.txt")).unwrap(), "kept\n");
    assert_eq!(workspaces(&home), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_begins_with_what_sessions_have_seen_and_none_adds_to_the_next() {
    let home = Home::new();
    let private = json!({ "command": fixture_path(), "labels": ["private", "untrusted"] });
    home.configure(&json!({
        "mcpServers": { "fix": private },
        "policy": {
            "rules": [{ "tools": "fix.*", "when": "taint.private && taint.untrusted", "verdict": "deny", "reason": "seen" }],
            "otherwise": "allow",
        },
    }));
    let code = "return await fix.add({ a: 1, b: 2 })";
    let program = "python3 -c 'from mcp_tools.fix import add; print(add(a=1, b=2))'";
    let ways = [
        ("direct", "{ tool = 'add', input = { a = 1, b = 2 } }".to_owned()),
        ("code", format!("{{ tool = 'execute', input = {{ code = '{code}' }} }}")),
        ("workspace", format!("{{ tool = 'bash', input = {{ command = {program:?} }} }}")),
    ]
    .map(|(mode, call)| {
        format!("[[ways]]\nmode = '{mode}'\nturns = [{{ calls = [{call}] }}, {{ answer_from = 'result' }}]\n")
    });
    let task = format!("prompt = 'Add.'\n{}", ways.concat());
    std::fs::write(home.project().join("task.toml"), task).unwrap();
    let compare = ["compare", "--task", "task.toml", "--provider", "scripted", "--json"];
    let answered = |output: &Output| -> Vec<u64> {
        let compared = json_of(output);
        let ways = compared["comparisons"][0]["ways"].as_array().unwrap().clone();
        ways.iter().map(|way| way["answered"].as_u64().unwrap()).collect()
    };
    // Each has seen something by its end, and the next begins without it.
    let output = run(&home, &compare).await;
    assert_eq!(answered(&output), [1, 1, 1], "{}", text(&output.stderr));
    // What earlier commands have seen holds in all of them.
    let output = run(&home, &compare).await;
    assert_eq!(answered(&output), [0, 0, 0], "{}", text(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_workspace_can_be_made_the_others_are_compared_and_that_is_told() {
    let home = Home::new();
    home.configure(&json!({
        "mcpServers": { "fix": fixture(&[]) },
        "workspace": { "show": ["/not/there"] },
    }));
    let way = |mode: &str, tool: &str| {
        format!(
            "[[ways]]\nmode = '{mode}'\nturns = [{{ calls = [{{ tool = '{tool}' }}] }}, {{ answer = 'x' }}]\n"
        )
    };
    let task = format!("prompt = 'Do it.'\n{}{}", way("code", "search"), way("workspace", "bash"));
    std::fs::write(home.project().join("task.toml"), task).unwrap();
    let compare = ["compare", "--task", "task.toml", "--provider", "scripted"];
    let output = run(&home, &[&compare[..], &["--json"]].concat()).await;
    let compared = &json_of(&output)["comparisons"][0];
    assert_eq!(compared["ways"].as_array().unwrap().len(), 1, "{compared:#}");
    let left_out = compared["leftOut"].to_string();
    assert!(left_out.contains("direct: the task has no written turns for it"), "{left_out}");
    assert!(left_out.contains("workspace: no workspace can be made here: "), "{left_out}");
    assert!(text(&output.stderr).contains("mode `workspace` is left out: "), "{}", text(&output.stderr));
    let shown = text(&run(&home, &compare).await.stdout);
    assert!(shown.contains("\nleft out: workspace: no workspace can be made here: "), "{shown}");
    let alone = run(&home, &[&compare[..], &["--modes", "workspace"]].concat()).await;
    assert!(!alone.status.success() && text(&alone.stderr).contains("/not/there"), "{}", text(&alone.stderr));
    let model = FakeModel::start(vec![json!({ "text": "not asked" })]).await;
    let output = run(&home, &agent("workspace", &model.messages())).await;
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("look at /not/there"), "{told}");
    assert!(told.contains("--mode code") && model.requests().is_empty(), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_the_terminal_is_asked_what_a_program_in_a_workspace_wants() {
    let home = Home::new();
    home.configure(&json!({
        "mcpServers": { "fix": fixture(&[]) },
        "policy": { "rules": [{ "tools": "fix.add", "verdict": "ask", "reason": "a test asks" }], "otherwise": "allow" },
    }));
    let program = "python3 -c 'from mcp_tools.fix import add; print(add(a=30, b=12))' 2>&1";
    let model = FakeModel::start(vec![bash(program), json!({ "text_from": "result" })]).await;
    let line = format!(
        "exec {OUTBOARD} {}",
        agent("workspace", &model.messages()).join(" ").replace("Do it.", "task")
    );
    let mut script = home.command("script", &["-qfec", &line, "/dev/null"]);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (status, shown) = tokio::task::spawn_blocking(move || {
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (mut shown, mut byte) = (String::new(), [0]);
        while matches!(output.read(&mut byte), Ok(1)) {
            shown.push(char::from(byte[0]));
            if shown.ends_with("[d] deny ") {
                writeln!(input, "a").unwrap();
            }
        }
        (child.wait().unwrap(), shown)
    })
    .await
    .unwrap();
    assert!(status.success(), "{shown}");
    assert!(shown.contains("may this command call fix.add?") && shown.contains("{'sum': 42"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_workspace_are_kept_where_a_person_wants_them() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) } }));
    let steps = || vec![bash("mkdir d; echo kept > d/f; ln -s /etc/passwd l"), json!({ "text": "done" })];
    let model = FakeModel::start(steps()).await;
    let url = model.messages();
    let arguments = [&agent("workspace", &url)[..], &["--export", "out"]].concat();
    let output = run(&home, &arguments).await;
    let told = text(&output.stderr);
    assert!(output.status.success() && told.contains("l was left: no plain file"), "{told}");
    assert_eq!(std::fs::read_to_string(home.project().join("out/d/f")).unwrap(), "kept\n");
    assert_eq!(workspaces(&home), 0);
    for (mode, part) in [("workspace", "is there already"), ("code", "--export is for --mode workspace")] {
        let folder = if mode == "code" { "new" } else { "out" };
        let output = run(&home, &[&agent(mode, &url)[..], &["--export", folder]].concat()).await;
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(part), "{told}");
    }
    assert_eq!(model.requests().len(), 2, "nobody was asked for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_leaves_no_process_and_no_file_of_a_workspace() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) } }));
    let mark = format!("8{}", std::process::id());
    let model = FakeModel::start(vec![bash(&format!("setsid nohup sleep {mark} & sleep {mark}"))]).await;
    let url = model.messages();
    let arguments = [&agent("workspace", &url)[..], &["--json"]].concat();
    let mut command = home.command(OUTBOARD, &arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let running = move || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| text_of(line).starts_with("sleep") && text_of(line).contains(&mark)).count()
    };
    let (children, ended, left) = tokio::task::spawn_blocking(move || {
        eventually("both run", || running() == 2);
        let children = processes::children_of(pid);
        processes::signal(pid, "INT");
        let ended = child.wait_with_output().unwrap();
        eventually("no sleep is left", || running() == 0);
        (children, ended, running())
    })
    .await
    .unwrap();
    let told = json_of(&ended);
    assert_eq!((ended.status.code(), &told["ended"]), (Some(130), &json!("interrupted")));
    assert!(children.len() >= 2 && children.iter().all(|pid| !processes::is_alive(*pid)), "{children:?}");
    assert_eq!((left, workspaces(&home)), (0, 0));
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The Rust examples on the library that need `outboard` itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_work_with_what_outboard_offers() {
    for (example, call) in [
        (
            "code",
            json!({ "name": "execute", "input": { "code": "return (await fix.add({ a: 30, b: 12 })).sum" } }),
        ),
        (
            "workspace",
            json!({ "name": "bash", "input": { "command": "python3 -c 'from mcp_tools.fix import add; print(add(a=30, b=12))'" } }),
        ),
    ] {
        let program = fixture_path().with_file_name(example);
        if !program.is_file() {
            skip(&format!("no example `{example}`: cargo build --examples -p outboard-agent"));
            continue;
        }
        let home = Home::new();
        home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) } }));
        let model =
            FakeModel::start(vec![json!({ "calls": [call] }), json!({ "text_from": "result" })]).await;
        let mut command = home.command(program, &["fake", "What is 30 + 12?"]);
        command.env("OUTBOARD", OUTBOARD).env("ANTHROPIC_API_KEY", "k").env("MODEL_URL", model.messages());
        command.stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{example}: {said}{}", text(&output.stderr));
        assert!(said.starts_with("2 turns, ") && said.contains("42"), "{example}: {said}");
        assert_eq!(workspaces(&home), 0);
    }
}
