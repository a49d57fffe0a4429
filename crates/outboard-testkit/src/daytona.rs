//! A fake of Daytona's service on the loopback: sandboxes are folders here, and their commands really run, by bash. Paths of a
//! workspace are put below the folder wherever they stand. It misbehaves as it is told. It keeps nothing in.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::fixture::wire::{Connection, Request};

/// The only key that is taken.
pub const KEY: &str = "dtn-test-key-4711";
/// What is put below a sandbox's folder.
const MOVED: [&str; 5] = ["/home/agent", "/opt/outboard", "/tmp/outboard", "/run/outboard", "/node_modules"];
const JSON: (&str, &str) = ("content-type", "application/json");

/// How the service misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sandbox ends in the state `error`.
    Fails,
    /// A command's answer is no JSON.
    NoJson,
    /// A command's answer is larger than anybody reads.
    Huge,
    /// The refusal repeats the key.
    Repeats,
}

struct Made {
    folder: TempDir,
    labels: Value,
    looks: u64,
}

#[derive(Default)]
struct State {
    sandboxes: BTreeMap<String, Made>,
    fault: Option<Fault>,
    asked: Vec<Value>,
}

/// A fake service that listens.
pub struct FakeDaytona {
    url: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl FakeDaytona {
    /// Listens on the loopback.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen on the loopback");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, base) = (Arc::clone(&state), url.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (state, base) = (Arc::clone(&shared), base.clone());
                tokio::spawn(async move {
                    let mut connection = Connection::new(socket);
                    while let Some(request) = connection.read().await {
                        let (status, body) = answer(&state, &base, &request).await;
                        if connection.respond(status, &[JSON], body.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, state, accepting }
    }

    /// Where the API is.
    pub fn url(&self) -> String {
        format!("{}/api", self.url)
    }

    /// Misbehaves from now on.
    pub fn fault(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// How many sandboxes there are.
    pub fn sandboxes(&self) -> usize {
        lock(&self.state).sandboxes.len()
    }

    /// Takes all sandboxes away.
    pub fn vanish(&self) {
        lock(&self.state).sandboxes.clear();
    }

    /// What was asked for when sandboxes were made.
    pub fn asked(&self) -> Vec<Value> {
        lock(&self.state).asked.clone()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // What runs on in it names its folder. Where there is no pkill, it ends with the machine.
        let folder = self.folder.path().as_os_str();
        let _ = std::process::Command::new("pkill").args(["-KILL", "-f"]).arg(folder).status();
    }
}

impl Drop for FakeDaytona {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no(status: u16, message: &str) -> (u16, String) {
    (status, json!({ "statusCode": status, "message": message }).to_string())
}

async fn answer(state: &Mutex<State>, base: &str, request: &Request) -> (u16, String) {
    let key = request.headers.get("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let fault = lock(state).fault;
    if key != Some(KEY) || fault == Some(Fault::Repeats) {
        return no(401, &format!("invalid key {}", key.unwrap_or_default()));
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let words: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match (request.method.as_str(), words.as_slice()) {
        ("POST", ["api", "sandbox"]) => create(state, base, &request.body),
        ("GET", ["api", "sandbox"]) => list(state, base, query),
        ("GET", ["api", "sandbox", id]) => look(state, base, id),
        ("DELETE", ["api", "sandbox", id]) => match lock(state).sandboxes.remove(*id) {
            Some(made) => (200, told(base, id, &made, "destroying").to_string()),
            None => no(404, "no such sandbox"),
        },
        (_, ["toolbox", id, rest @ ..]) => {
            let Some(folder) = lock(state).sandboxes.get(*id).map(|made| made.folder.path().to_owned())
            else {
                return no(404, "no such sandbox");
            };
            match (request.method.as_str(), rest) {
                ("POST", ["files", "upload-v2"]) => upload(&folder, query, &request.body),
                ("GET", ["files", "download"]) => {
                    let path = moved(&folder, &parameter(query, "path"));
                    match std::fs::read_to_string(path) {
                        Ok(text) => (200, text),
                        Err(error) => no(404, &error.to_string()),
                    }
                }
                ("POST", ["process", "execute"]) => execute(&folder, &request.body, fault).await,
                _ => no(404, "no such path"),
            }
        }
        _ => no(404, "no such path"),
    }
}

fn create(state: &Mutex<State>, base: &str, body: &[u8]) -> (u16, String) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = format!("sb-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = TempDir::new().expect("make a sandbox's folder");
    let made = Made { folder, labels: asked["labels"].clone(), looks: 0 };
    let answer = told(base, &id, &made, "creating").to_string();
    let mut state = lock(state);
    state.asked.push(asked);
    state.sandboxes.insert(id, made);
    (200, answer)
}

fn list(state: &Mutex<State>, base: &str, query: &str) -> (u16, String) {
    let labels: Value = serde_json::from_str(&parameter(query, "labels")).unwrap_or_default();
    let state = lock(state);
    let asked = labels.as_object().cloned().unwrap_or_default();
    let has = |made: &Made| asked.iter().all(|(name, value)| made.labels.get(name) == Some(value));
    let items = state.sandboxes.iter().filter(|(_, made)| has(made));
    let items: Vec<_> = items.map(|(id, made)| told(base, id, made, "started")).collect();
    (200, json!({ "items": items, "nextCursor": null }).to_string())
}

fn look(state: &Mutex<State>, base: &str, id: &str) -> (u16, String) {
    let mut state = lock(state);
    let failed = state.fault == Some(Fault::Fails);
    let Some(made) = state.sandboxes.get_mut(id) else { return no(404, "no such sandbox") };
    made.looks += 1;
    let now = if failed {
        "error"
    } else if made.looks > 1 {
        "started"
    } else {
        "creating"
    };
    (200, told(base, id, made, now).to_string())
}

fn told(base: &str, id: &str, made: &Made, state: &str) -> Value {
    json!({
        "id": id, "organizationId": "org", "name": id, "user": "daytona", "env": {}, "labels": made.labels,
        "public": false, "networkBlockAll": true, "target": "local", "cpu": 1, "gpu": 0, "memory": 1,
        "disk": 1, "kvm": false, "state": state, "toolboxProxyUrl": format!("{base}/toolbox"),
    })
}

/// The text with every path of a workspace below the folder.
fn moved(folder: &Path, text: &str) -> String {
    MOVED
        .iter()
        .fold(text.to_owned(), |text, path| text.replace(path, &format!("{}{path}", folder.display())))
}

fn upload(folder: &Path, query: &str, body: &[u8]) -> (u16, String) {
    let path = moved(folder, &parameter(query, "path"));
    let Some(boundary) = body.split(|byte| *byte == b'\r').next() else { return no(400, "no form") };
    let find = |what: &[u8]| body.windows(what.len()).position(|window| window == what);
    let last = [b"\r\n", boundary].concat();
    let (Some(from), Some(to)) = (find(b"\r\n\r\n"), find(&last)) else { return no(400, "no form") };
    let bytes = &body[from + 4..to];
    let bytes = match std::str::from_utf8(bytes) {
        Ok(text) => moved(folder, text).into_bytes(),
        Err(_) => bytes.to_vec(),
    };
    let above = Path::new(&path).parent().unwrap_or(folder);
    match std::fs::create_dir_all(above).and_then(|()| std::fs::write(&path, bytes)) {
        Ok(()) => {
            let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
            (200, json!({ "name": name, "path": path, "type": "file" }).to_string())
        }
        Err(error) => no(400, &error.to_string()),
    }
}

async fn execute(folder: &Path, body: &[u8], fault: Option<Fault>) -> (u16, String) {
    match fault {
        Some(Fault::NoJson) => return (200, "<html>".to_owned()),
        Some(Fault::Huge) => return (200, json!({ "result": "x".repeat(8 << 20) }).to_string()),
        _ => {}
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let line = moved(folder, asked["command"].as_str().unwrap_or_default());
    let ran = tokio::process::Command::new("/bin/bash")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await;
    match ran {
        Ok(ran) => {
            let result = String::from_utf8_lossy(&ran.stdout);
            (200, json!({ "exitCode": ran.status.code(), "result": result }).to_string())
        }
        Err(error) => no(400, &error.to_string()),
    }
}

/// A parameter of a query, or nothing.
fn parameter(query: &str, name: &str) -> String {
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = values.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap_or_default();
    percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned()
}
