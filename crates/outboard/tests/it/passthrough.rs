//! `serve --passthrough`, the whole program: tools as they are, through the same gate, recorded as every call is.

use outboard_testkit::client::{Client, Home};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

/// What the server itself answers to this, asked by a client of its own.
fn asked(client: &mut Client, method: &str, params: &Value) -> Value {
    client.request(method, params.clone())["result"].clone()
}

fn without_hints(listing: &Value) -> Vec<Value> {
    let keep = |tool: &Value| json!({ "name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"], "outputSchema": tool["outputSchema"] });
    listing["tools"].as_array().unwrap().iter().map(keep).collect()
}

#[test]
fn one_server_looks_as_if_nobody_stood_between_and_each_call_takes_the_gate() {
    let home = Home::new();
    let rule = json!({ "tools": "fix.count", "verdict": "deny", "reason": "not here" });
    home.configure(&json!({ "mcpServers": { "fix": fixture(&[]) }, "policy": { "rules": [rule], "otherwise": "allow" } }));
    let mut direct = {
        let entry = fixture(&[]);
        Client::connect(home.command(entry["command"].as_str().unwrap(), &[]))
    };
    let mut through = Client::connect(home.command(OUTBOARD, &["serve", "--passthrough"]));
    let listed = asked(&mut through, "tools/list", &json!({}));
    assert_eq!(without_hints(&listed), without_hints(&asked(&mut direct, "tools/list", &json!({}))));
    let add = json!({ "name": "add", "arguments": { "a": 1, "b": 2 } });
    let mut own = asked(&mut direct, "tools/call", &add);
    // What it leaves open is said.
    own["isError"] = json!(false);
    assert_eq!(asked(&mut through, "tools/call", &add), own);
    let denied = through.call("count", json!({}));
    assert!(denied.0 && denied.1.starts_with("denied: ") && denied.1.contains("not here"), "{denied:?}");
    let wrong = through.call("add", json!({ "a": "x" }));
    assert!(wrong.0 && wrong.1.starts_with("invalid_arguments: "), "{wrong:?}");
    through.close();
    let runs = home.command(OUTBOARD, &["runs", "--json"]).output().unwrap();
    let runs: Value = serde_json::from_slice(&runs.stdout).unwrap();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(3), "{runs}");
}

/// Everything but what names how long an answer holds, which a client of the old time is not told.
fn beside_as_asked(client: &mut Client) -> Vec<Value> {
    let argument = json!({ "name": "arg1", "value": "par" });
    let reference = json!({ "type": "ref/prompt", "name": "test_prompt_with_arguments" });
    let prompt = json!({ "name": "test_prompt_with_arguments", "arguments": { "arg1": "a", "arg2": "b" } });
    [
        ("prompts/list", json!({})),
        ("prompts/get", prompt),
        ("prompts/get", json!({ "name": "test_prompt_with_image" })),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({ "uri": "test://static-text" })),
        ("resources/read", json!({ "uri": "test://static-binary" })),
        ("resources/read", json!({ "uri": "test://template/7/data" })),
        ("completion/complete", json!({ "ref": reference, "argument": argument })),
    ]
    .iter()
    .map(|(method, params)| asked(client, method, params))
    .collect()
}

#[test]
fn prompts_and_resources_are_the_servers_own_with_scripts_and_without() {
    let home = Home::new();
    let entry = fixture(&["--suite"]);
    let servers = json!({ "fix": entry });
    home.configure(&json!({ "mcpServers": servers, "policy": { "otherwise": "allow" } }));
    let mut direct = Client::connect(home.command(entry["command"].as_str().unwrap(), &["--suite"]));
    let own = beside_as_asked(&mut direct);
    for arguments in [&["serve", "--passthrough"][..], &["serve"]] {
        let mut through = Client::connect(home.command(OUTBOARD, arguments));
        assert_eq!(beside_as_asked(&mut through), own, "{arguments:?}");
        through.close();
    }
    let rule = json!({ "when": "kind == 'read_resource' && uri == 'test://static-text'", "verdict": "deny", "reason": "not this" });
    home.configure(&json!({ "mcpServers": servers, "policy": { "rules": [rule], "otherwise": "allow" } }));
    let mut through = Client::connect(home.command(OUTBOARD, &["serve"]));
    let denied = through.request("resources/read", json!({ "uri": "test://static-text" }));
    assert!(denied["error"]["message"].as_str().unwrap().contains("not this"), "{denied}");
    asked(&mut through, "resources/read", &json!({ "uri": "test://static-binary" }));
    through.close();
    let runs = home.command(OUTBOARD, &["runs", "--json"]).output().unwrap();
    let runs = String::from_utf8(runs.stdout).unwrap();
    assert!(runs.contains("fix resources/read"), "{runs}");
}

#[test]
fn clients_hear_of_what_they_follow_and_how_far_calls_are() {
    let home = Home::new();
    home.configure(
        &json!({ "mcpServers": { "fix": fixture(&["--suite"]) }, "policy": { "otherwise": "allow" } }),
    );
    let mut client = Client::connect(home.command(OUTBOARD, &["serve", "--passthrough"]));
    let touch = |client: &mut Client| client.call("touch", json!({}));
    assert!(touch(&mut client).1.contains("false"));
    let watched = json!({ "uri": "test://watched-resource" });
    assert_eq!(asked(&mut client, "resources/subscribe", &watched), json!({}));
    assert!(touch(&mut client).1.contains("true"));
    let told = client.notification("notifications/resources/updated");
    assert_eq!(told["params"], watched);
    assert_eq!(asked(&mut client, "resources/unsubscribe", &watched), json!({}));
    assert!(touch(&mut client).1.contains("false"));

    let call =
        json!({ "name": "test_tool_with_progress", "arguments": {}, "_meta": { "progressToken": "mine" } });
    asked(&mut client, "tools/call", &call);
    for progress in [0.0, 50.0, 100.0] {
        let told = client.notification("notifications/progress");
        let expected =
            json!({ "progressToken": "mine", "progress": progress, "total": 100.0, "message": "at work" });
        assert_eq!(told["params"], expected);
    }
}

#[test]
fn a_call_that_tells_how_far_it_is_may_take_longer_than_one_that_is_silent() {
    let home = Home::new();
    let mut entry = fixture(&["--suite"]);
    entry["timeout"] = json!(1);
    home.configure(&json!({ "mcpServers": { "fix": entry }, "policy": { "otherwise": "allow" } }));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    let run = |client: &mut Client, call: &str| {
        client.call("execute", json!({ "code": format!("return await fix.{call}") }))
    };
    let slow = run(&mut client, "test_tool_with_progress({ ms: 700 })");
    assert!(!slow.0 && slow.1.contains("done"), "{slow:?}");
    let silent = run(&mut client, "slow({ ms: 5000 })");
    assert!(silent.0 && silent.1.contains("no answer within 1s"), "{silent:?}");
}

#[test]
fn a_workspace_and_tools_as_they_are_exclude_each_other() {
    let home = Home::new();
    let refused = home.command(OUTBOARD, &["serve", "--passthrough", "--workspace"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
