//! The upstream over an in-memory pipe: what it lists, what it answers, what it refuses.
//! The processes of the demo are not started here.

use serde_json::{Value, json};

use crate::{fakes::InMemory, tool_server::ToolServer};

async fn call(client: &InMemory, tool: &str, arguments: Value) -> Value {
    client.request("tools/call", &json!({ "name": tool, "arguments": arguments })).await["result"].take()
}

#[tokio::test]
async fn tools_are_listed_with_exact_types_and_as_read_only() {
    let client = InMemory::open().await;
    let tools = client.request("tools/list", &json!({})).await["result"]["tools"].take();
    let [chunk, total] = [&tools[0], &tools[1]];
    assert_eq!([&chunk["name"], &total["name"]], ["get_data_chunk", "get_total_pages"]);
    for tool in [chunk, total] {
        assert_eq!(
            tool["annotations"],
            json!({ "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false })
        );
    }
    assert_eq!(chunk["inputSchema"]["properties"]["page"]["type"], "integer");
    assert_eq!(chunk["inputSchema"]["required"], json!(["page"]));
    assert_eq!(total["outputSchema"]["properties"]["result"]["type"], "integer");
    let record = &chunk["outputSchema"]["properties"]["records"]["items"];
    assert_eq!(record["required"], json!(["id", "user_id", "activity", "timestamp", "metadata"]));
    assert_eq!(record["properties"]["metadata"]["properties"]["success"]["type"], "boolean");
    client.close().await;
}

#[tokio::test]
async fn structured_content_and_text_say_the_same() {
    let client = InMemory::open().await;
    for (tool, arguments) in [("get_total_pages", json!({})), ("get_data_chunk", json!({ "page": 30 }))] {
        let result = call(&client, tool, arguments).await;
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result["structuredContent"], "{tool}");
        assert_eq!(result["isError"], false);
    }
    let total = call(&client, "get_total_pages", json!({})).await;
    assert_eq!(total["structuredContent"], json!({ "result": 30 }));
    client.close().await;
}

#[tokio::test]
async fn a_wrong_page_is_a_tool_error_that_names_the_range() {
    let client = InMemory::open().await;
    for page in [0, 31, -7] {
        let result = call(&client, "get_data_chunk", json!({ "page": page })).await;
        assert_eq!(result["isError"], true);
        assert_eq!(result["content"][0]["text"], format!("no page {page}: pages are 1 to 30"));
    }
    client.close().await;
}
