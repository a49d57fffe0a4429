//! A fake of the APIs of model providers on the loopback: Anthropic's Messages and OpenAI's chat completions, streaming and
//! not. It says turns that it was given, fails where it is told to, and counts what each turn would bill in o200k tokens:
//! an estimate. For tests only: it checks no key, but notes which one came.

mod bill;
mod say;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::fixture::wire::{Connection, Request};

/// What is said or done at a request, in the order of requests. As JSON: a turn `{"text", "calls": [{"name", "input"}]}`,
/// or `{"text_from": "result"}` for the text of the last result, or a fault: `{"status": 429, "retry_after": "1"}` (with a `type` of error),
/// `{"overloaded": true}` (an error within a stream that began well), `{"cut": 3}` (the next turn's stream is cut after so many
/// events), `{"raw": "…"}` (a body that is no answer).
pub type Step = Value;

/// A turn's bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Tokens that the request carries.
    pub input: u64,
    /// Tokens that the turn has.
    pub output: u64,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    bills: Vec<Bill>,
    requests: Vec<Value>,
    keys: Vec<Option<String>>,
    said: usize,
}

/// A fake model that listens.
pub struct FakeModel {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl FakeModel {
    /// Listens on the loopback and goes through these steps.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen on the loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(Mutex::new(State { steps: steps.into(), ..State::default() }));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&shared), socket));
            }
        });
        Self { address, state, accepting }
    }

    /// Where Anthropic's Messages are.
    pub fn messages(&self) -> String {
        format!("http://{}/v1/messages", self.address)
    }

    /// Where chat completions are, without their own path.
    pub fn completions(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What was billed so far, turn by turn.
    pub fn bills(&self) -> Vec<Bill> {
        lock(&self.state).bills.clone()
    }

    /// The bodies of all requests.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.state).requests.clone()
    }

    /// The key that came with each request.
    pub fn keys(&self) -> Vec<Option<String>> {
        lock(&self.state).keys.clone()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves steps of the file that the command line names, prints its address as a line, and goes on until its input ends.
/// `GET /bills` tells what was billed.
///
/// # Panics
/// If it cannot do what it is told: it has nobody to report to but the test that started it.
pub fn main() -> std::process::ExitCode {
    let steps = match steps(std::env::args_os().nth(1)) {
        Ok(steps) => steps,
        Err(why) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "error: {why}\nhint: outboard-fake-model FILE");
            return std::process::ExitCode::from(2);
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("start a runtime");
    runtime.block_on(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let model = FakeModel::start(steps).await;
        let mut stdout = tokio::io::stdout();
        stdout.write_all(format!("http://{}\n", model.address).as_bytes()).await.expect("print the address");
        stdout.flush().await.expect("print the address");
        let mut ignored = Vec::new();
        let _ = tokio::io::stdin().read_to_end(&mut ignored).await;
    });
    runtime.shutdown_background();
    std::process::ExitCode::SUCCESS
}

/// The steps of a file.
fn steps(file: Option<std::ffi::OsString>) -> Result<Vec<Step>, String> {
    let file = file.ok_or("which file has the steps, a JSON list?")?;
    let shown = file.to_string_lossy();
    let text = std::fs::read_to_string(&file).map_err(|error| format!("could not read {shown}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{shown} is no list of steps: {error}"))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(state: Arc<Mutex<State>>, socket: TcpStream) {
    let mut connection = Connection::new(socket);
    while let Some(request) = connection.read().await {
        if answer(&state, &request, &mut connection).await.is_err() {
            return;
        }
    }
}

/// Which API a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Anthropic,
    OpenAi,
}

const JSON: (&str, &str) = ("content-type", "application/json");

async fn answer(state: &Mutex<State>, request: &Request, connection: &mut Connection) -> std::io::Result<()> {
    if request.method == "GET" {
        let bills: Vec<Value> = lock(state)
            .bills
            .iter()
            .map(|bill| json!({ "input": bill.input, "output": bill.output }))
            .collect();
        let body = json!({ "counted": "o200k estimate", "bills": bills }).to_string();
        return connection.respond(200, &[JSON], body.as_bytes()).await;
    }
    let dialect = if request.path.split('?').next().is_some_and(|path| path.ends_with("/messages")) {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    };
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let (step, cut) = {
        let mut state = lock(state);
        state.requests.push(body.clone());
        let bearer = request.headers.get("authorization").and_then(|text| text.strip_prefix("Bearer "));
        let key = request.headers.get("x-api-key").map(String::as_str).or(bearer);
        state.keys.push(key.map(str::to_owned));
        let step = state.steps.pop_front();
        match step.as_ref().and_then(|step| step["cut"].as_u64()) {
            // The turn itself is said whole at the next try.
            Some(cut) => (state.steps.front().cloned(), Some(usize::try_from(cut).unwrap_or(0))),
            None => (step, None),
        }
    };
    let Some(step) = step else {
        let error = json!({ "error": { "type": "invalid_request_error", "message": "the fake model has no more to say" } });
        return connection.respond(400, &[JSON], error.to_string().as_bytes()).await;
    };
    if let Some(raw) = step["raw"].as_str() {
        return connection.respond(200, &[JSON], raw.as_bytes()).await;
    }
    if let Some(status) = step["status"].as_u64() {
        let message = step["message"].as_str().unwrap_or("not now");
        let kind = step["type"].as_str().unwrap_or("rate_limit_error");
        let error = json!({ "type": "error", "error": { "type": kind, "message": message } });
        let mut headers = vec![JSON];
        headers.extend(step["retry_after"].as_str().map(|pause| ("retry-after", pause)));
        headers.extend(step["location"].as_str().map(|to| ("location", to)));
        let status = u16::try_from(status).unwrap_or(500);
        return connection.respond(status, &headers, error.to_string().as_bytes()).await;
    }
    let mut turn = step.clone();
    if step["text_from"] == "result" {
        turn["text"] = Value::String(bill::last_result(&body));
    }
    let whole = cut.is_none() && step["overloaded"] != true;
    let number = lock(state).said;
    let bill = Bill { input: bill::input(&body), output: bill::output(&turn) };
    if whole {
        let mut state = lock(state);
        state.said += 1;
        state.bills.push(bill);
    }
    if body["stream"] != true && whole {
        let said = say::whole(dialect, number, &turn, bill);
        return connection.respond(200, &[JSON], said.to_string().as_bytes()).await;
    }
    let mut events = say::events(dialect, number, &turn, bill);
    if step["overloaded"] == true {
        events.truncate(1);
        events.push(
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
        );
    }
    connection.open_stream(&[]).await?;
    for event in events.iter().take(cut.unwrap_or(usize::MAX)) {
        let name = event["type"].as_str().map(|name| format!("event: {name}\n")).unwrap_or_default();
        connection.event("", &format!("{name}data: {event}\n")).await?;
    }
    if cut.is_some() {
        // Without the end of the body: the connection breaks.
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    if dialect == Dialect::OpenAi {
        connection.event("", "data: [DONE]\n").await?;
    }
    connection.close_stream().await
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn whoever_gives_no_steps_is_told_what_is_wanted() {
        let told = |file: Option<&str>| steps(file.map(Into::into)).unwrap_err();
        assert!(told(None).contains("which file has the steps"));
        assert!(told(Some("/not/there.json")).starts_with("could not read /not/there.json: "));
        assert!(
            told(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).contains("is no list of steps")
        );
    }
}
