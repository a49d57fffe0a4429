//! A checker that does as its argument says: what tests ask. It reads messages of LSP and answers them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program for tests, which ends as it is told"
)]

use std::io::{BufRead as _, Read as _, Write as _};

use serde_json::{Value, json};

fn main() {
    let how = std::env::args().nth(1).unwrap_or_default();
    let mut input = std::io::stdin().lock();
    let mut text = String::new();
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).unwrap() == 0 {
                return;
            }
            match line.trim() {
                "" => break,
                line => length = line.rsplit(' ').next().unwrap().parse().unwrap(),
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).unwrap();
        let message: Value = serde_json::from_slice(&body).unwrap();
        if let Some(changed) = message.pointer("/params/contentChanges/0/text").and_then(Value::as_str) {
            changed.clone_into(&mut text);
        }
        let Some(id) = message.get("id").filter(|_| message.get("method").is_some()) else { continue };
        let result = match message["method"].as_str().unwrap() {
            "initialize" if how == "old" => json!({"capabilities": {}}),
            "initialize" => json!({
                "capabilities": {"positionEncoding": "utf-8", "diagnosticProvider": {}},
                "serverInfo": {"name": "fixture", "version": std::process::id().to_string()},
            }),
            _ if how == "silent" => continue,
            _ if how == "broken" => std::process::exit(3),
            _ if how == "flood" => loop {
                say(&json!({"method": "window/logMessage", "params": {"message": "x".repeat(1_000)}}));
            },
            _ if how == "endless" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 1 << 20]);
                }
            }
            // A mistake that shows what it was given: the text's last line and its environment.
            _ => {
                say(&json!({"id": "q", "method": "workspace/configuration", "params": {"items": [{}, {}]}}));
                let lines = text.lines().count();
                let mut environment: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
                environment.sort();
                let told = format!("{} {}", text.lines().last().unwrap_or_default(), environment.join(" "));
                json!({"items": [{"severity": 1, "code": 2322, "message": told,
                    "range": {"start": {"line": lines.saturating_sub(1), "character": 0}}}]})
            }
        };
        say(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }
}

fn say(message: &Value) {
    let text = message.to_string();
    let mut output = std::io::stdout().lock();
    // Who does not listen any more has ended it.
    if write!(output, "Content-Length: {}\r\n\r\n{text}", text.len()).and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}
