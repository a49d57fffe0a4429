//! How clients of each revision open, and that any opening may follow any other.

use serde_json::json;

use crate::{
    client::{Client, modern, text},
    runtime::{Fake, catalogue},
};

#[tokio::test]
async fn every_older_revision_is_agreed_to() {
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let mut client = Client::new(&Fake::new(catalogue(1, 2)));
        let answer = client.initialize(asked).await;
        assert_eq!(answer["result"]["protocolVersion"], agreed, "{answer}");
        assert_eq!(answer["result"]["capabilities"], json!({ "tools": { "listChanged": true } }));
        assert_eq!(answer["result"]["serverInfo"]["name"], "outboard");
        assert!(answer["result"]["instructions"].as_str().unwrap().contains("server_0"));

        let tools = client.ask("tools/list", json!({})).await;
        let names: Vec<_> =
            tools["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["search", "execute"]);
        assert_eq!(tools["result"].get("resultType"), None);
        assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
    }
}

#[tokio::test]
async fn the_newest_revision_needs_no_session() {
    let mut client = Client::new(&Fake::new(catalogue(1, 2)));
    let answer = client.ask("server/discover", modern(json!({}))).await;
    let versions = answer["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")) && versions.contains(&json!("2024-11-05")), "{answer}");
    assert!(answer["result"]["instructions"].is_string());

    let tools = client.ask("tools/list", modern(json!({}))).await;
    assert_eq!(
        (&tools["result"]["resultType"], &tools["result"]["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    let params = modern(json!({ "name": "execute", "arguments": { "code": "return 2" } }));
    let answer = client.ask("tools/call", params).await;
    assert_eq!((text(&answer), &answer["result"]["resultType"]), ("2", &json!("complete")));
}

#[tokio::test]
async fn a_probe_locks_no_revision() {
    let mut client = Client::new(&Fake::new(catalogue(1, 2)));
    let bare = client.ask("server/discover", json!({})).await;
    assert_eq!(bare["error"]["code"], -32602, "{bare}");
    let mut unknown = modern(json!({}));
    unknown["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    assert_eq!(client.ask("server/discover", unknown).await["error"]["code"], -32022);
    assert!(client.ask("server/discover", modern(json!({}))).await["result"].is_object());
    assert!(client.initialize("2025-11-25").await["result"].is_object());
    assert_eq!(text(&client.call("execute", json!({ "code": "return 1" })).await), "1");
    assert!(client.ask("tools/list", modern(json!({}))).await["result"]["ttlMs"].is_number());
    assert!(client.initialize("2025-06-18").await["result"].is_object());
}

#[tokio::test]
async fn tools_carry_hints_and_meta() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let answer = client.ask("tools/list", json!({})).await;
    let [search, execute] = answer["result"]["tools"].as_array().unwrap().as_slice() else {
        panic!("{answer}")
    };
    for tool in [search, execute] {
        assert_eq!(
            tool["_meta"],
            json!({ "anthropic/alwaysLoad": true, "anthropic/maxResultSizeChars": 500_000 })
        );
        assert_eq!(tool.get("outputSchema"), None);
    }
    assert_eq!(
        search["annotations"],
        json!({ "title": "Find tools", "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false })
    );
    assert_eq!(
        execute["annotations"],
        json!({ "title": "Run a script", "readOnlyHint": false, "destructiveHint": true, "idempotentHint": false, "openWorldHint": true })
    );
}
