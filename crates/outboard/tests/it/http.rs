//! Upstreams over Streamable HTTP, through the whole program.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use outboard_testkit::fixture_path;
use serde_json::json;

use crate::harness::{Session, fixture};

/// A running fixture server; it ends with its input.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(switches: &[&str]) -> Self {
        let mut command = Command::new(fixture_path());
        let piped = command.arg("--http").args(switches).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = piped.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, url: format!("http://127.0.0.1:{}/mcp", port.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It has nothing to save; the test is over.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_upstream_over_http_is_a_namespace_like_any_other() {
    for switches in [&[][..], &["--sse"]] {
        let server = Server::start(switches);
        let web = json!({"url": server.url, "headers": {"X-Token": "${UNSET_TOKEN:-s3cret}"}});
        let mut session = Session::of(&[("web", web), ("fix", fixture(&[]))], json!({}));
        let sums = "[await web.add({ a: 1, b: 2 }), await fix.add({ a: 2, b: 2 })].map(r => r.sum)";
        assert_eq!(session.client.execute(sums), "[3,4]", "{switches:?}");
        let headers = session.client.execute("JSON.stringify(await web.headers())");
        assert!(headers.contains("s3cret"), "{headers}");
    }
}

#[test]
fn a_server_that_is_not_there_costs_itself_and_is_named() {
    let upstreams = [("gone", json!({"url": "http://127.0.0.1:9/mcp"})), ("fix", fixture(&[]))];
    let mut session = Session::of(&upstreams, json!({"limits": {"callSeconds": 20}}));
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 2 })).sum"), "3");
    let text = session.client.failing("await gone.anything({})");
    assert!(text.contains("gone"), "{text}");
}
