//! The example programs do what their words say.

use std::process::Stdio;

use outboard_testkit::{fixture_path, model::FakeModel};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_direct_example_works_with_a_servers_tools_as_they_are() {
    let model = FakeModel::start(vec![
        json!({ "text": "", "calls": [{ "name": "add", "input": { "a": 30, "b": 12 } }] }),
        json!({ "text_from": "result" }),
    ])
    .await;
    let fixture = fixture_path();
    let example = fixture.with_file_name("direct");
    let mut command = std::process::Command::new(example);
    command.args(["fake", "What is 30 + 12?"]).arg(&fixture).stdin(Stdio::null());
    command.env("MODEL_URL", model.messages()).env("ANTHROPIC_API_KEY", "k");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("2 turns, ") && said.ends_with("{\"sum\":42.0}\n"), "{said}");
}

/// Whatever the way, the model is told the same: else their figures say nothing about each other.
#[test]
fn the_system_prompt_is_the_same_wherever_it_stands() {
    for (copy, text) in [
        ("agent.py", include_str!("../../../../examples/python/agent.py")),
        ("agent.ts", include_str!("../../../../examples/typescript/agent.ts")),
    ] {
        assert!(text.contains(outboard_agent::SYSTEM), "{copy}");
    }
}
