//! The workspace through the whole program: `bash` for a client, and what a person's other commands see of it.

use outboard_testkit::{
    client::{Client, Home, eventually},
    daytona::{FakeDaytona, KEY},
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

/// A user with one upstream and this said of workspaces, and a client of `serve` with these arguments.
fn serve(workspace: &Value, arguments: &[&str]) -> (Home, Client) {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) }, "workspace": workspace }));
    let client = Client::connect(home.command(OUTBOARD, &[&["serve"], arguments].concat()));
    (home, client)
}

fn tools(client: &mut Client) -> Vec<String> {
    let listed = client.request("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap().clone();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn bash(client: &mut Client, command: &str) -> String {
    client.call("bash", json!({ "command": command })).1
}

fn outboard(home: &Home, arguments: &[&str]) -> (bool, String, String) {
    let ran = home.command(OUTBOARD, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ran.status.success(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn bash_is_there_only_where_it_is_wanted() {
    let (_home, mut client) = serve(&json!(null), &[]);
    assert_eq!(tools(&mut client), ["search", "execute"]);
    let answer = client.request("tools/call", json!({ "name": "bash", "arguments": { "command": "id" } }));
    assert!(answer["error"]["message"].as_str().unwrap().starts_with("there is no tool `bash` here"));
    for (workspace, arguments) in [(json!(null), &["--workspace"][..]), (json!(true), &[])] {
        let (_home, mut client) = serve(&workspace, arguments);
        assert_eq!(tools(&mut client), ["search", "execute", "bash"]);
    }
}

#[test]
fn a_client_works_in_its_workspace() {
    let (home, mut client) = serve(&json!({ "diskMegabytes": 64 }), &[]);
    assert_eq!(bash(&mut client, "echo kept > f; echo hello; echo oops >&2"), "exit 0\nhello\noops");
    assert_eq!(bash(&mut client, "cat f; id -un; pwd"), "exit 0\nkept\nagent\n/home/agent");
    assert!(bash(&mut client, "cat README.md").contains("64 MB of disk"));
    let (failed, text) =
        client.call("bash", json!({ "command": "printf 'a\\033[2Jb\\xe2\\x80\\xae'; exit 7" }));
    assert_eq!((failed, text.as_str()), (true, "exit 7\na\\x1b[2Jb\\u{202e}"));
    let (failed, text) = client.call("bash", json!({ "command": "sleep 600", "timeout": 0.3 }));
    assert!(failed && text.starts_with("ended after 300 ms, the timeout, "), "{text}");
    let (failed, text) = client.call("bash", json!({ "cmd": "ls" }));
    assert!(failed && text.starts_with("bash takes { command: string, "), "{text}");
    // One that gives up is not waited for, and the next has the place.
    let id = client.ask("tools/call", json!({ "name": "bash", "arguments": { "command": "sleep 600" } }));
    client.notify("notifications/cancelled", json!({ "requestId": id }));
    assert_eq!(bash(&mut client, "cat f"), "exit 0\nkept");
    let host = home.project();
    let probe = format!("ls {} /root 2>&1 | sort; env | sort | cut -d= -f1 | xargs", host.display());
    let text = bash(&mut client, &probe);
    assert!(text.matches("No such file or directory").count() == 2, "{text}");
    assert!(!text.contains("OUTBOARD_STATE_DIR"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_outboard_was_started_to_ignore_its_workspaces_do_not() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": {}, "workspace": true }));
    let script = r#"trap "" HUP INT USR1; exec "$0" serve"#;
    let mut client = Client::connect(home.command("/bin/sh", &["-c", script, OUTBOARD]));
    let said = bash(&mut client, "grep SigIgn /proc/self/status");
    // Those two the C library keeps for itself.
    let expected = ["exit 0\nSigIgn:\t0000000000000000", "exit 0\nSigIgn:\t0000000180000000"];
    assert!(expected.contains(&said.as_str()), "{said}");
}

#[test]
fn a_person_looks_after_workspaces_of_running_sessions() {
    let (home, mut client) = serve(&json!(true), &[]);
    let (done, text, _) = outboard(&home, &["workspace", "list"]);
    assert!(done && text.starts_with("no session has a workspace"), "{text}");
    bash(&mut client, "mkdir d; echo in > d/in; ln -s /etc/passwd link; printf x > $'e\\033[2J'");
    let (done, text, errors) = outboard(&home, &["workspace", "list"]);
    assert!(done && text.starts_with("w1-") && text.contains(" test "), "{text}{errors}");
    std::fs::write(home.project().join("put.csv"), "a,b\n").unwrap();
    let (done, _, errors) = outboard(&home, &["workspace", "put", "put.csv", "data/put.csv"]);
    assert!(done, "{errors}");
    assert_eq!(bash(&mut client, "cat data/put.csv"), "exit 0\na,b");
    let (done, _, errors) = outboard(&home, &["workspace", "get", "d/in"]);
    assert!(done && std::fs::read_to_string(home.project().join("in")).unwrap() == "in\n", "{errors}");
    let (done, text, _) = outboard(&home, &["workspace", "files"]);
    assert!(
        done && text.contains("d/in") && text.contains("no plain file") && !text.contains('\u{1b}'),
        "{text}"
    );
    let (done, text, errors) = outboard(&home, &["workspace", "export", "out"]);
    assert!(done && text.starts_with("3 files, "), "{text}{errors}");
    assert!(errors.contains("link was left") && !errors.contains("\u{1b}[2J"), "{errors}");
    assert!(home.project().join("out/d/in").is_file() && !home.project().join("out/link").exists());
    let (done, _, errors) = outboard(&home, &["workspace", "export", "out"]);
    assert!(!done && errors.contains("is there already"), "{errors}");
    let (done, _, errors) = outboard(&home, &["workspace", "reset", "--workspace", "w9"]);
    assert!(!done && errors.contains("there is no workspace `w9`"), "{errors}");
    let (done, _, errors) = outboard(&home, &["workspace", "reset"]);
    assert!(done, "{errors}");
    let told = bash(&mut client, "ls");
    assert!(told.starts_with("the workspace is gone, with its files: a person began it anew"), "{told}");
    assert_eq!(bash(&mut client, "ls"), "exit 0\nREADME.md");
}

#[test]
fn what_cannot_be_made_as_required_is_refused_with_what_lacks() {
    let (_home, mut client) = serve(&json!({ "show": ["/not/there"] }), &[]);
    let (failed, text) = client.call("bash", json!({ "command": "ls" }));
    assert!(failed && text.starts_with("not run: there is no workspace: "), "{text}");
    assert!(text.contains("look at /not/there"), "{text}");
}

#[test]
fn nothing_of_a_workspace_outlives_its_session() {
    let (home, mut client) = serve(&json!(true), &[]);
    let mark = format!("7{}", std::process::id());
    bash(&mut client, &format!("setsid nohup sleep {mark} & sleep {mark} &"));
    let running = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes
            .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
            .filter(|line| String::from_utf8_lossy(line).contains(&mark))
            .count()
    };
    eventually("both run", || running() == 2);
    client.close();
    eventually("its processes are gone", || running() == 0);
    assert_eq!(std::fs::read_dir(home.state().join("workspaces")).unwrap().count(), 0);
}

#[test]
fn a_container_is_a_workspace_whose_programs_call_tools() {
    let engine = match outboard_testkit::container::Engine::find() {
        Ok(engine) => engine,
        Err(why) => {
            return outboard_testkit::skip(&format!(
                "`bash` in a container: no engine makes one here: {why}"
            ));
        }
    };
    let settings = json!({
        "on": false, "runtime": "jail", "engine": engine.words, "image": engine.root, "show": engine.show, "memoryMegabytes": 256,
    });
    let (home, mut client) = serve(&settings, &["--workspace=container"]);
    assert_eq!(bash(&mut client, "echo kept > f; hostname; id -u"), "exit 0\nworkspace\n1000");
    let script = "from mcp_tools.fix import echo\nprint(echo(value='through the wall')['value'])\n";
    let called = bash(&mut client, &format!("cat f; cd /tmp; python3 - <<'E'\n{script}E"));
    assert_eq!(called, "exit 0\nkept\nthrough the wall");
    let (done, text, errors) = outboard(&home, &["workspace", "list"]);
    assert!(done && text.contains("  not in force: landlock: containers have none"), "{text}{errors}");
    let (done, _, errors) = outboard(&home, &["workspace", "export", "out"]);
    assert!(done && home.project().join("out/f").is_file(), "{errors}");
    let (done, _, errors) = outboard(&home, &["workspace", "reset"]);
    assert!(done, "{errors}");
    assert!(bash(&mut client, "ls").starts_with("the workspace is gone"));
    assert_eq!(bash(&mut client, "ls"), "exit 0\nREADME.md");
    client.close();
    for folder in ["workspaces", "containers"] {
        assert_eq!(std::fs::read_dir(home.state().join(folder)).unwrap().count(), 0, "{folder}");
    }
}

#[test]
fn a_wall_that_is_not_there_is_told_with_what_to_do() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": {}, "workspace": { "on": false, "image": "debian:12" } }));
    let none = |arguments: &[&str]| {
        let mut command = home.command(OUTBOARD, arguments);
        let ran = command.env("PATH", home.project()).stdin(std::process::Stdio::null()).output().unwrap();
        assert!(!ran.status.success());
        String::from_utf8(ran.stderr).unwrap()
    };
    let told = none(&["serve", "--workspace=container"]);
    assert!(told.contains("neither podman nor docker is on the path; install one"), "{told}");
    let told = none(&["serve", "--workspace=vm"]);
    assert!(told.contains("[possible values: jail, container, daytona]"), "{told}");
    let engine = json!({ "runtime": "container", "engine": "/not/there" });
    home.configure(&json!({ "mcpServers": {}, "workspace": engine }));
    let told = none(&["serve"]);
    assert!(told.contains("no image is named, and none is fetched unasked: set `workspace.image`"), "{told}");
    let engine = json!({ "runtime": "container", "engine": "/not/there", "image": "debian:12" });
    home.configure(&json!({ "mcpServers": {}, "workspace": engine }));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    let (failed, text) = client.call("bash", json!({ "command": "ls" }));
    assert!(failed && text.contains("the engine `/not/there` cannot be started"), "{text}");
}

#[test]
fn a_remote_sandbox_is_a_workspace_whose_programs_call_tools_and_a_killed_outboards_is_swept() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(FakeDaytona::start());
    let home = Home::new();
    let daytona = json!({ "url": fake.url(), "keyEnv": "DAYTONA_TEST_KEY" });
    let workspace = json!({ "runtime": "daytona", "daytona": daytona });
    let rule = json!({ "tools": "fix.count", "verdict": "deny", "reason": "not here" });
    let policy = json!({ "rules": [rule], "otherwise": "allow" });
    home.configure(
        &json!({ "mcpServers": { "fix": fixture(&[]) }, "workspace": workspace, "policy": policy }),
    );
    let start = || {
        let mut command = home.command(OUTBOARD, &["serve"]);
        command.env("DAYTONA_TEST_KEY", KEY);
        Client::connect(command)
    };
    let mut client = start();
    assert_eq!(bash(&mut client, "echo kept > f; echo hello"), "exit 0\nhello");
    let call = |what: &str| format!("python3 -c 'from mcp_tools.fix import *; print({what})' 2>&1; cat f");
    let text = bash(&mut client, &call("add(a=2, b=3)"));
    assert!(text.contains("5") && text.ends_with("kept"), "{text}");
    let text = bash(&mut client, &call("count()"));
    assert!(text.contains("not here"), "the gate is the same: {text}");
    let text = bash(&mut client, "env; cat /proc/self/environ");
    assert!(!text.contains(KEY), "{text}");
    let (_, listed, _) = outboard(&home, &["workspace", "list"]);
    assert!(listed.contains("the service's word"), "{listed}");
    let killed = std::process::Command::new("kill").args(["-KILL", &client.pid().to_string()]).status();
    assert!(killed.unwrap().success() && fake.sandboxes() == 1);
    let mut next = start();
    assert_eq!(bash(&mut next, "cat f 2>/dev/null; echo anew"), "exit 0\nanew");
    assert_eq!(fake.sandboxes(), 1, "what the killed one left is gone");
    next.close();
    eventually("its own is gone", || fake.sandboxes() == 0);
}

#[test]
fn a_remote_sandbox_without_a_key_is_told() {
    let home = Home::new();
    home.configure(&json!({ "mcpServers": {} }));
    let ran = home.command(OUTBOARD, &["serve", "--workspace=daytona"]).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && said.contains("DAYTONA_API_KEY"), "{said}");
}
