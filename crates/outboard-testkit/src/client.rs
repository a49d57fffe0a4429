//! A raw MCP client over a child's stdin and stdout, for tests of the whole program. It is written by hand, because
//! an SDK would hide what is on the wire. It blocks; every wait has a deadline.

#![expect(clippy::needless_pass_by_value, reason = "tests write the JSON that they send in place")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Directories of their own for one user of Outboard, deleted at the end.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Empty directories under the system's temporary one.
    ///
    /// # Panics
    /// If they cannot be made.
    pub fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("outboard-test-{}-{number}", std::process::id()));
        for folder in ["config", "state", "project"] {
            std::fs::create_dir_all(root.join(folder)).expect("make a temporary directory");
        }
        Self { root }
    }

    /// The project that commands are run in.
    pub fn project(&self) -> PathBuf {
        self.root.join("project")
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Writes the user's `outboard.json`, of a user who trusts every server and wants to be asked nothing, unless it
    /// says otherwise.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure(&self, configuration: &Value) {
        let mut trusting = configuration.clone();
        let Some(members) = trusting.as_object_mut() else { return self.configure_exactly(configuration) };
        members.entry("policy").or_insert_with(|| json!({"otherwise": "allow"}));
        // What is told of a failure must not depend on what this machine has.
        members.entry("typeCheck").or_insert_with(|| json!("off"));
        for entry in
            trusting["mcpServers"].as_object_mut().into_iter().flat_map(|servers| servers.values_mut())
        {
            if let Some(entry) = entry.as_object_mut() {
                entry.entry("trust").or_insert(json!(true));
            }
        }
        self.configure_exactly(&trusting);
    }

    /// Writes the user's `outboard.json` as it is given.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure_exactly(&self, configuration: &Value) {
        std::fs::write(self.root.join("config/outboard.json"), configuration.to_string())
            .expect("write outboard.json");
    }

    /// A command of the program `exe` in the project, with nothing of this user's.
    pub fn command(&self, exe: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = Command::new(exe.as_ref());
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.root)
            .env("OUTBOARD_CONFIG_DIR", self.root.join("config"))
            .env("OUTBOARD_STATE_DIR", self.root.join("state"));
        command
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Leftovers in the temporary directory harm nobody.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// An MCP server as a child process, and what it said.
#[derive(Debug)]
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    unclaimed: Vec<Value>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    next_id: i64,
}

impl Client {
    /// Starts the command and nothing else.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start the server");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut stderr_pipe = BufReader::new(child.stderr.take().expect("stderr is piped"));
        #[expect(clippy::disallowed_methods, reason = "a test reads all that comes, or ends")]
        let (sender, lines) = mpsc::channel();
        let out = std::thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { break };
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&stderr);
        let err = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stderr_pipe.read(&mut buffer) {
                sink.lock().expect("no reader panics").push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        });
        Self { child, stdin, lines, unclaimed: Vec::new(), stderr, readers: vec![out, err], next_id: 0 }
    }

    /// Starts the command and does the handshake of 2025-11-25.
    ///
    /// # Panics
    /// If the server does not answer it.
    pub fn connect(command: Command) -> Self {
        let mut client = Self::start(command);
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "0"},
        });
        let answer = client.request("initialize", params);
        assert!(answer["result"]["protocolVersion"].is_string(), "{answer}\n{}", client.stderr());
        client.notify("notifications/initialized", json!({}));
        client
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server wrote to stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no reader panics").clone()
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// If the server's input is closed.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the server reads its input");
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.send_raw(format!("{message}\n").as_bytes());
    }

    /// Sends a request and does not wait; gives its id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let message = json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params});
        self.send_raw(format!("{message}\n").as_bytes());
        self.next_id
    }

    /// Sends a request and waits for its answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Waits for the answer to a request.
    pub fn answer(&mut self, id: i64) -> Value {
        self.wait_for(&format!("the answer to request {id}"), |message| {
            message["id"] == id && message.get("method").is_none()
        })
    }

    /// Waits for a notification.
    pub fn notification(&mut self, method: &str) -> Value {
        self.wait_for(method, |message| message["method"] == method)
    }

    /// Waits for a message, keeping the others for later.
    ///
    /// # Panics
    /// If it does not come, or if the server writes anything but JSON-RPC to stdout.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unclaimed.iter().position(&wanted) {
            return self.unclaimed.remove(at);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(error) => panic!("no {what}: {error}\nstderr:\n{}", self.stderr()),
            };
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|_| panic!("stdout carries no JSON-RPC: {line}"));
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            if wanted(&message) {
                return message;
            }
            self.unclaimed.push(message);
        }
    }

    /// Calls a tool; gives whether it is an error, and its text.
    pub fn call(&mut self, tool: &str, arguments: Value) -> (bool, String) {
        let id = self.ask("tools/call", json!({"name": tool, "arguments": arguments}));
        self.called(id)
    }

    /// Waits for the answer to a `tools/call`.
    ///
    /// # Panics
    /// If it is no result.
    pub fn called(&mut self, id: i64) -> (bool, String) {
        let answer = self.answer(id);
        let result = answer.get("result").unwrap_or_else(|| panic!("no result: {answer}"));
        let texts: Vec<&str> = result["content"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|block| block["text"].as_str())
            .collect();
        (result["isError"] == true, texts.join("\n"))
    }

    /// Runs a script that must succeed; gives its text.
    ///
    /// # Panics
    /// If it fails.
    pub fn execute(&mut self, code: &str) -> String {
        let (failed, text) = self.call("execute", json!({"code": code}));
        assert!(!failed, "{code}\n{text}\nstderr:\n{}", self.stderr());
        text
    }

    /// Runs a script that must fail; gives its text.
    ///
    /// # Panics
    /// If it succeeds.
    pub fn failing(&mut self, code: &str) -> String {
        let (failed, text) = self.call("execute", json!({"code": code}));
        assert!(failed, "{code}\n{text}");
        text
    }

    /// Closes the input and waits for the end; gives the exit code.
    pub fn close(&mut self) -> Option<i32> {
        drop(self.stdin.take());
        self.wait_for_end()
    }

    /// Waits for the process to end; gives its exit code, `None` if a signal ended it.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the server does not end\nstderr:\n{}", self.stderr());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        // A server that did not end by itself fails another test; here it must only not stay.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// Waits until something holds.
///
/// # Panics
/// If it does not in time.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
