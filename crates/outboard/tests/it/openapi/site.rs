//! A small HTTP API on the loopback, with its own document: pets by pages, uploads, a key that is asked for, and errors.
//! It says what it was sent.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What one request was.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

pub(crate) struct Site {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
    folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        // It ends with the process: nobody waits for a server of a test.
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(socket, address, &kept));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pets.json"), document().to_string()).unwrap();
        Self { address, sent, folder }
    }

    /// Its document as a file.
    pub(crate) fn document(&self) -> PathBuf {
        self.folder.path().join("pets.json")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An entry that reaches it.
    pub(crate) fn entry(&self) -> Value {
        json!({"openapi": self.document(), "baseUrl": self.url(), "auth": {"key": "k3y-0123456789"}})
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

fn document() -> Value {
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    let pet = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        // Where it is not: a document is a stranger's.
        "servers": [{"url": "https://evil.example"}],
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
            "schemas": {"Pet": {"type": "object", "required": ["name"], "properties": {
                "id": {"type": "integer", "readOnly": true}, "name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}
            }}},
        },
        "paths": {
            "/pets": {
                "get": {
                    "operationId": "list_pets", "tags": ["pets"], "summary": "List pets by pages",
                    "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                    "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}}}},
                },
                "post": {"operationId": "add_pet", "tags": ["pets"], "requestBody": {"required": true, "content": pet}, "responses": {"201": {"content": pet}}},
            },
            "/pets/{id}": {
                "parameters": [id],
                "get": {"operationId": "get_pet", "tags": ["pets"], "responses": {"200": {"content": pet}}},
                "delete": {"operationId": "delete_pet", "tags": ["pets"], "responses": {"204": {}}},
            },
            "/pets/{id}/photo": {"parameters": [id], "post": {"operationId": "upload_photo", "tags": ["files"], "requestBody": {"content": {
                "multipart/form-data": {"schema": {"type": "object", "properties": {"photo": {"type": "string", "format": "binary"}, "note": {"type": "string"}}}},
            }}}},
            "/away": {"get": {"operationId": "away", "servers": [{"url": "https://evil.example/api"}]}},
            "/echo": {"get": {"operationId": "echo"}},
        },
    })
}

fn serve(socket: TcpStream, address: SocketAddr, kept: &Mutex<Vec<Sent>>) {
    let mut reader = BufReader::new(socket);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let words: Vec<&str> = lines[0].split(' ').collect();
    let sent = Sent {
        method: words[0].to_owned(),
        target: words[1].to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    kept.lock().unwrap().push(sent.clone());
    let (status, link, answer) = answer(&sent, address);
    let body = if status == 204 { String::new() } else { answer.to_string() };
    let link = link
        .map_or(String::new(), |page| format!("link: <http://{address}/pets?page={page}>; rel=\"next\"\r\n"));
    let head = format!(
        "HTTP/1.1 {status} As-Told\r\ncontent-type: application/json\r\n{link}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // The client may be gone already.
    let _ = reader.get_mut().write_all((head + &body).as_bytes());
}

/// Status, the page that comes next, and the body.
fn answer(sent: &Sent, address: SocketAddr) -> (u16, Option<u32>, Value) {
    if sent.headers.get("x-key").map(String::as_str) != Some("k3y-0123456789") {
        return (401, None, json!({"message": "who are you?"}));
    }
    let (path, query) = sent.target.split_once('?').unwrap_or((&sent.target, ""));
    match (sent.method.as_str(), path) {
        ("GET", "/pets") => {
            let page: u32 = query.strip_prefix("page=").map_or(1, |page| page.parse().unwrap());
            let pets: Vec<Value> =
                (0..2).map(|n| json!({"id": page * 10 + n, "name": format!("pet {page}.{n}")})).collect();
            (200, (page < 3).then_some(page + 1), json!(pets))
        }
        ("POST", "/pets") => {
            let mut pet: Value = serde_json::from_str(&sent.body).unwrap();
            pet["id"] = 7.into();
            (201, None, pet)
        }
        ("GET", "/echo") => (200, None, json!({"headers": sent.headers, "host": address.to_string()})),
        ("DELETE", _) => (204, None, Value::Null),
        ("POST", _) => (
            200,
            None,
            json!({"type": sent.headers["content-type"].split(';').next(), "bytes": sent.body.len()}),
        ),
        ("GET", path) => (404, None, json!({"message": format!("no pet {path}")})),
        _ => (405, None, Value::Null),
    }
}
