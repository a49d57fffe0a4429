//! Lines that are no proper requests: each is answered if it can be, and the connection goes on.

use serde_json::{Value, json};

use crate::{
    client::{Client, text},
    runtime::{Fake, catalogue},
};

/// Code and id of the error that answers a line; `None`: no answer.
type Answered = Option<(i64, Value)>;

fn table() -> Vec<(Vec<u8>, Answered)> {
    let none = Value::Null;
    let huge = format!(
        r#"{{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{{"x":"{}"}}}}"#,
        "x".repeat(17 << 20)
    );
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}1{}}}"#,
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let line = |text: &str| text.as_bytes().to_vec();
    vec![
        (line("hello?"), Some((-32700, none.clone()))),
        (line("{\"jsonrpc\":\"2.0\",\"id\":1"), Some((-32700, none.clone()))),
        (line(&deep), Some((-32700, none.clone()))),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":70,\"method\":\"ping\",\"params\":{\"x\":\"\xc3\x28\"}}".to_vec(),
            Some((-32700, json!(70))),
        ),
        (line("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"), Some((-32600, none.clone()))),
        (line("\"ping\""), Some((-32600, none.clone()))),
        (line("{\"jsonrpc\":\"2.0\",\"id\":71,\"method\":7}"), Some((-32600, json!(71)))),
        (line("{\"jsonrpc\":\"3.0\",\"id\":72,\"method\":\"ping\"}"), Some((-32600, json!(72)))),
        (line("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"ping\"}"), Some((-32600, none))),
        (line("{\"jsonrpc\":\"2.0\",\"id\":73,\"method\":\"tools/destroy\"}"), Some((-32601, json!(73)))),
        (line("{\"jsonrpc\":\"2.0\",\"id\":74,\"method\":\"prompts/list\"}"), Some((-32601, json!(74)))),
        (
            line("{\"jsonrpc\":\"2.0\",\"id\":75,\"method\":\"tools/list\",\"params\":5}"),
            Some((-32602, json!(75))),
        ),
        (
            line(
                "{\"jsonrpc\":\"2.0\",\"id\":76,\"method\":\"initialize\",\"params\":{\"protocolVersion\":3}}",
            ),
            Some((-32602, json!(76))),
        ),
        (line(&huge), Some((-32600, json!(77)))),
        (line(""), None),
        (line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/nonsense\",\"params\":[]}"), None),
        (line("{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{}}"), None),
        (line("{\"jsonrpc\":\"2.0\",\"id\":999,\"error\":{\"code\":1,\"message\":\"x\"}}"), None),
        (line("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"x\"}}"), None),
        (
            line(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":999}}",
            ),
            None,
        ),
    ]
}

#[tokio::test]
async fn no_frame_kills_the_connection() {
    for opened in [false, true] {
        let mut client = Client::new(&Fake::new(catalogue(1, 2)));
        if opened {
            client.initialize("2025-11-25").await;
        }
        for (line, expected) in table() {
            let shown = String::from_utf8_lossy(&line[..line.len().min(100)]).into_owned();
            client.send_line(&line).await;
            if let Some((code, id)) = expected {
                let answer = client.next().await.unwrap();
                assert_eq!(
                    (&answer["error"]["code"], &answer["id"]),
                    (&json!(code), &id),
                    "{shown}: {answer}"
                );
            }
            assert_eq!(client.ask("ping", json!({})).await["result"], json!({}), "{shown}");
        }
        assert!(client.initialize("2025-06-18").await["result"].is_object());
        assert_eq!(text(&client.call("execute", json!({ "code": "return 1" })).await), "1");
    }
}
