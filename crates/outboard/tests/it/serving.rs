//! `serve --http`, the whole program: where it says it listens, whom it lets in, that runs of its clients are real and
//! kept apart, and how it ends.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    process::{Child, Command, Stdio},
};

use outboard_testkit::{
    client::{Home, eventually},
    processes,
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

const ANN: &str = "ann-0123456789abcdef";
const BEN: &str = "ben-0123456789abcdef";

/// A running `serve --http`.
struct Server {
    child: Child,
    address: String,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Server {
    fn start(home: &Home, options: &[&str]) -> Self {
        let mut command = home.command(OUTBOARD, &[&["serve", "--http", "127.0.0.1:0"], options].concat());
        let mut child = tokens(&mut command).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it never said where it listens");
            if let Some(url) = line.trim_end().strip_prefix("serving MCP at http://") {
                break url.strip_suffix("/mcp").unwrap().to_owned();
            }
        };
        Self { child, address, stderr }
    }

    fn post(&self, headers: &[(&str, &str)], message: &Value) -> Answer {
        let body = message.to_string();
        let mut text = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\naccept: application/json\r\n",
            self.address
        );
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer { head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
    }

    /// A session of whoever has this token.
    fn session(&self, token: &str) -> String {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let opening = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let answer = self.post(&[("authorization", &format!("Bearer {token}"))], &opening);
        let name = answer.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        name.unwrap_or_else(|| panic!("{} {}", answer.head, answer.body)).to_owned()
    }

    /// Runs a script in a session.
    fn execute(&self, token: &str, session: &str, code: &str) -> String {
        let params = json!({ "name": "execute", "arguments": { "code": code } });
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
        self.post(&[("authorization", &format!("Bearer {token}")), ("mcp-session-id", session)], &call).text()
    }

    /// Runs a script without a session.
    fn alone(&self, token: &str, code: &str) -> String {
        self.called_alone(token, &json!({}), &json!({ "name": "execute", "arguments": { "code": code } }))
            .text()
    }

    /// What a call without a session gives, by a client that can do this.
    fn called_alone(&self, token: &str, capabilities: &Value, params: &Value) -> Answer {
        let mut params = params.clone();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let token = format!("Bearer {token}");
        let headers = [
            ("authorization", token.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "execute"),
        ];
        self.post(&headers, &call)
    }

    /// Asks it to end, and gives its exit code and what else it wrote.
    fn end(mut self) -> (Option<i32>, String) {
        processes::signal(self.child.id(), "TERM");
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    head: String,
    body: Value,
}

impl Answer {
    fn text(&self) -> String {
        let text = self.body["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("{} {}", self.head, self.body)).to_owned()
    }
}

fn tokens(command: &mut Command) -> &mut Command {
    command.env("ANN_TOKEN", ANN).env("BEN_TOKEN", BEN).env("SHORT_TOKEN", "short")
}

fn home(settings: Value) -> Home {
    let home = Home::new();
    let mut configuration = settings;
    configuration["mcpServers"] = json!({ "fix": fixture(&[]) });
    home.configure(&configuration);
    home
}

const BOTH: [&str; 4] = ["--token-env", "ann=ANN_TOKEN", "--token-env", "ben=BEN_TOKEN"];

#[test]
fn what_one_principal_allows_for_always_is_not_allowed_to_another() {
    let asks = json!({ "tools": "fix.add", "verdict": "ask" });
    let home = home(json!({ "policy": { "otherwise": "allow", "rules": [asks] } }));
    let server = Server::start(&home, &BOTH);
    let forms = json!({ "elicitation": { "form": {} } });
    let call =
        json!({ "name": "execute", "arguments": { "code": "return (await fix.add({ a: 1, b: 2 })).sum" } });
    let asked = |answer: &Answer| answer.body["result"]["resultType"] == "input_required";
    let form = server.called_alone(ANN, &forms, &call);
    assert!(asked(&form), "{}", form.body);
    let chosen = json!({ "action": "accept", "content": { "decision": "always allow this tool" } });
    let mut back = call.clone();
    back["requestState"] = form.body["result"]["requestState"].clone();
    back["inputResponses"] = json!({ "approval": chosen });
    let told = server.called_alone(ANN, &forms, &back);
    assert_eq!(told.text(), "3", "{}", told.body);
    eventually("she is not asked any more", || !asked(&server.called_alone(ANN, &forms, &call)));
    assert!(asked(&server.called_alone(BEN, &forms, &call)), "nobody has asked him");
    server.end();
}

#[test]
fn clients_of_both_eras_run_scripts_that_are_kept_apart() {
    let rule = json!({ "when": "principal == 'ben' && name == 'count'", "verdict": "deny", "reason": "ben only reads" });
    let server = Server::start(&home(json!({ "policy": { "rules": [rule], "otherwise": "allow" } })), &BOTH);
    let (ann, ben) = (server.session(ANN), server.session(BEN));
    assert_eq!(server.execute(ANN, &ann, "(await fix.add({ a: 1, b: 2 })).sum"), "3");
    assert_eq!(server.alone(BEN, "(await fix.add({ a: 1, b: 3 })).sum"), "4");
    // Policy knows who is at the other end, in either era.
    let count = "await fix.count({ note: 'x' }); return 'counted'";
    assert_eq!(
        (server.execute(ANN, &ann, count), server.alone(ANN, count)),
        ("counted".to_owned(), "counted".to_owned())
    );
    for refused in [server.execute(BEN, &ben, count), server.alone(BEN, count)] {
        assert!(refused.contains("ben only reads"), "{refused}");
    }
    // What is kept for one, nobody else reads, and not the same principal in another session.
    let long = server.execute(ANN, &ann, "return Array.from({ length: 20000 }, (_, n) => 'row ' + n)");
    let handle =
        long.split("results.get(\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let read = format!("return (await results.get('{handle}')).length");
    assert_eq!(server.execute(ANN, &ann, &read), "20000");
    for other in [server.execute(BEN, &ben, &read), server.alone(ANN, &read), server.alone(BEN, &read)] {
        assert!(other.contains("failed"), "{other}");
    }
    let (code, rest) = server.end();
    assert_eq!(code, Some(0), "{rest}");
}

#[test]
fn its_end_waits_for_answers_and_takes_its_upstreams_with_it() {
    let home = home(json!({}));
    let server = Server::start(&home, &["--token-env", "ann=ANN_TOKEN"]);
    let session = server.session(ANN);
    assert_eq!(server.execute(ANN, &session, "(await fix.add({ a: 1, b: 2 })).sum"), "3");
    let pid = server.child.id();
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| server.execute(ANN, &session, "await fix.slow({ ms: 1500 }); return 'done'"));
        eventually("the script runs", || {
            let runs = home.command(OUTBOARD, &["runs", "--json"]).output().unwrap();
            String::from_utf8_lossy(&runs.stdout).contains("running")
        });
        processes::signal(pid, "TERM");
        assert_eq!(waiting.join().unwrap(), "done");
    });
    let mut server = server;
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(processes::children_of(pid).is_empty());
}

#[test]
fn what_would_let_strangers_in_is_refused_before_anything_starts() {
    let home = home(json!({}));
    for (arguments, told) in [
        (&["--http", "0.0.0.0:0"][..], "only this machine's own addresses may be served without a token"),
        (&["--http", "0.0.0.0:0", "--token-env", "ann=NO_TOKEN"], "NO_TOKEN of --token-env is not set"),
        (&["--http", "0.0.0.0:0", "--token-env", "ann=SHORT_TOKEN"], "needs 16 at least"),
        (
            &["--http", "0", "--token-env", "ann=ANN_TOKEN", "--token-env", "ben=ANN_TOKEN"],
            "also the token of `ann`",
        ),
        (&["--http", "somewhere"], "could not understand the address `somewhere`"),
        (&["--token-env", "ann=ANN_TOKEN"], "--http"),
    ] {
        let mut command = home.command(OUTBOARD, &[&["serve"], arguments].concat());
        let output = tokens(&mut command).stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {stderr}");
        assert!(stderr.contains(told) && !stderr.contains(ANN), "{arguments:?} {stderr}");
        assert!(output.stdout.is_empty());
    }
    let taken = Server::start(&home, &[]);
    let output =
        home.command(OUTBOARD, &["serve", "--http", &taken.address]).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("could not listen"), "{stderr}");
    let mut stream = TcpStream::connect(&taken.address).unwrap();
    stream.write_all(b"GET /mcp HTTP/1.1\r\nhost: evil.example\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(taken.end().0, Some(0));
}

#[test]
fn a_run_that_a_crash_interrupted_is_found_by_its_secret_name_alone() {
    let home = home(json!({ "respondWithinSeconds": 1 }));
    let tokens = ["--token-env", "ann=ANN_TOKEN"];
    let mut server = Server::start(&home, &tokens);
    let going = server.alone(ANN, "(await fix.add({ a: 1, b: 2 })).sum + (await fix.slow({ ms: 60000 }))");
    let name = going.split("\"resume\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(name.starts_with("r1.") && name.len() == 15, "{going}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let server = Server::start(&home, &tokens);
    let session = server.session(ANN);
    let resume = |name: &str| {
        let params = json!({ "name": "execute", "arguments": { "resume": name } });
        let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
        server
            .post(&[("authorization", &format!("Bearer {ANN}")), ("mcp-session-id", &session)], &call)
            .text()
    };
    eventually("the run was taken up", || resume(name).contains("its effect is unknown"));
    assert!(resume("r1").starts_with("there is nothing to resume under `r1`"));
    assert_eq!(server.end().0, Some(0));
}
