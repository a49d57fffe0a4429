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

#[test]
fn a_workspace_and_tools_as_they_are_exclude_each_other() {
    let home = Home::new();
    let refused = home.command(OUTBOARD, &["serve", "--passthrough", "--workspace"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
