//! An authorisation server with an API behind it, on the loopback. Codes and refresh tokens hold once, access tokens until
//! there is another; whoever presents one twice is refused. It says what it was asked.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

#[derive(Default)]
struct State {
    /// The challenge and the redirect of the code that was given out last.
    code: Option<(String, String, String)>,
    number: usize,
    refused: Vec<String>,
    grants: Vec<String>,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let kept = Arc::clone(&state);
        // It ends with the process: nobody waits for a server of a test.
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(socket, &kept));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The API's document, which says where to sign in.
    pub(crate) fn document(&self) -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": "Pets", "version": "1"},
            "components": {"securitySchemes": {"person": {"type": "oauth2", "flows": {"authorizationCode": {
                "authorizationUrl": self.url("/authorize?tenant=t"), "tokenUrl": self.url("/token"), "scopes": {"read": "", "write": ""},
            }}}}},
            "security": [{"person": ["read"]}],
            "paths": {"/me": {"get": {"operationId": "me", "responses": {"200": {"content": {"application/json": {}}}}}}},
        })
    }

    /// The grants that were given tokens, in their order.
    pub(crate) fn grants(&self) -> Vec<String> {
        self.state.lock().unwrap().grants.clone()
    }

    /// What was presented and did not hold.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.state.lock().unwrap().refused.clone()
    }

    /// Takes every refresh token back.
    pub(crate) fn revoke(&self) {
        self.state.lock().unwrap().number += 1_000;
    }
}

/// Asks for an address as a browser does; gives the status and where it leads.
pub(crate) fn browse(url: &str) -> (u16, Option<String>, String) {
    let url = Url::parse(url).unwrap();
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&host).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let location = answer.lines().find_map(|line| line.strip_prefix("location: ")).map(str::to_owned);
    (status, location, answer)
}

fn serve(socket: TcpStream, state: &Mutex<State>) {
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
    let header = |name: &str| {
        lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
    };
    let mut body = vec![0; header("content-length").map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let target = lines[0].split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut state = state.lock().unwrap();
    let (status, location, answer) = match path {
        "/authorize" => authorize(&mut state, &fields(query.as_bytes())),
        "/token" => token(&mut state, &fields(&body)),
        _ => {
            let expected = format!("Bearer access-{:04}-secret", state.number);
            match header("authorization") {
                Some((_, given)) if given == expected => (200, None, json!({"name": "Ada"})),
                _ => (401, None, json!({"message": "who are you?"})),
            }
        }
    };
    let location = location.map_or(String::new(), |location| format!("location: {location}\r\n"));
    let answer = answer.to_string();
    let response = format!(
        "HTTP/1.1 {status} As-Told\r\ncontent-type: application/json\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    );
    // The client may be gone already.
    let _ = reader.get_mut().write_all(response.as_bytes());
}

fn fields(form: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn authorize(state: &mut State, asked: &HashMap<String, String>) -> (u16, Option<String>, Value) {
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let is_good = field("response_type") == "code"
        && field("client_id") == "me"
        && field("code_challenge_method") == "S256"
        && field("tenant") == "t";
    if !is_good {
        return (400, None, json!(asked));
    }
    let mut redirect = Url::parse(&field("redirect_uri")).unwrap();
    let code = format!("code-{}-secret", state.number);
    state.code = Some((code.clone(), field("code_challenge"), redirect.to_string()));
    redirect.query_pairs_mut().append_pair("code", &code).append_pair("state", &field("state"));
    (302, Some(redirect.to_string()), Value::Null)
}

fn token(state: &mut State, form: &HashMap<String, String>) -> (u16, Option<String>, Value) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier").as_bytes()));
    let presented = (field("code"), challenge, field("redirect_uri"));
    let holds = match field("grant_type").as_str() {
        "authorization_code" => state.code.take() == Some(presented),
        "refresh_token" => field("refresh_token") == format!("refresh-{:04}-secret", state.number),
        _ => false,
    };
    if !holds || field("client_id") != "me" {
        state.refused.push(format!("{form:?}"));
        return (400, None, json!({"error": "invalid_grant"}));
    }
    state.number += 1;
    state.grants.push(field("grant_type"));
    let number = state.number;
    // It has ended as soon as it was given: whoever calls next has to renew it.
    let tokens = json!({
        "access_token": format!("access-{number:04}-secret"), "token_type": "Bearer", "expires_in": 20,
        "refresh_token": format!("refresh-{number:04}-secret"), "scope": "read",
    });
    (200, None, tokens)
}
