//! Daytona's HTTP API, as far as workspaces need it: sandboxes are made, looked at, listed and deleted; files are put into
//! them and commands run. Every answer is bounded in size and time. Redirects are not followed: the key would go along.

use std::{fmt, sync::Once, time::Duration};

use reqwest::{Method, RequestBuilder, StatusCode, Url, redirect::Policy};
use serde_json::{Value, json};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a request may take that waits for nothing.
pub(super) const SOON: Duration = Duration::from_secs(60);
/// Bytes of an answer that tells of sandboxes.
const TOLD: usize = 4 << 20;
/// Characters that are shown of what the service says of a failure.
const SHOWN: usize = 300;
/// Pages of a list that are followed.
const PAGES: usize = 100;
/// The label that says which process asked for a sandbox.
pub(super) const PROCESS: &str = "outboard-process";
/// Separates the parts of a form. Texts that hold it are not sent.
const BOUNDARY: &str = "outboard-7c1f0d9e5b3a4826";

/// A request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiFailed {
    /// Keys are sent to nobody on the way.
    #[error("`{url}` is neither https nor on the loopback")]
    Open {
        /// The address.
        url: String,
    },
    /// The address or the key is none.
    #[error("{what} cannot be used")]
    Unusable {
        /// Which of them.
        what: &'static str,
    },
    /// The service cannot be reached, or does not answer in time.
    #[error("Daytona does not answer: {why}")]
    Silent {
        /// Why, without the address.
        why: String,
    },
    /// The service refuses.
    #[error("Daytona answers {status}: {said}")]
    Refused {
        /// The status.
        status: u16,
        /// In its words.
        said: String,
    },
    /// The answer is larger than one that makes sense.
    #[error("Daytona answers with more than {bound} bytes")]
    Large {
        /// How much is read.
        bound: usize,
    },
    /// The answer is not what the API promises.
    #[error("Daytona's answer makes no sense: {what}")]
    Nonsense {
        /// What is wrong with it.
        what: &'static str,
    },
}

/// The service, and the key to it.
#[derive(Clone)]
pub(super) struct Api {
    client: reqwest::Client,
    url: Url,
    key: String,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// A sandbox as the service tells of it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) toolbox: Option<String>,
    /// The process that asked for it, if it says so.
    pub(super) process: Option<u32>,
}

impl Api {
    pub(super) fn new(url: &str, key: &str) -> Result<Self, ApiFailed> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Whoever was first has installed the same one.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiFailed::Unusable { what: "the key" });
        }
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .build()
            .map_err(|_| ApiFailed::Unusable { what: "the system's TLS" })?;
        Ok(Self { client, url: address(url)?, key: key.to_owned() })
    }

    pub(super) async fn create(&self, asked: &Value) -> Result<Told, ApiFailed> {
        told(&self.json(Method::POST, self.at("sandbox")?, Some(asked), SOON, TOLD).await?)
    }

    pub(super) async fn look(&self, id: &str) -> Result<Told, ApiFailed> {
        told(&self.json(Method::GET, self.at(&format!("sandbox/{id}"))?, None, SOON, TOLD).await?)
    }

    /// Asks for its end. One that is not there has ended.
    pub(super) async fn delete(&self, id: &str) -> Result<(), ApiFailed> {
        let url = self.at(&format!("sandbox/{id}"))?;
        match self.send(self.client.request(Method::DELETE, url), SOON, TOLD).await {
            Ok(_) | Err(ApiFailed::Refused { status: 404, .. }) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// The sandboxes that have these labels, on as many pages as are followed.
    pub(super) async fn labelled(&self, labels: &Value) -> Result<Vec<Told>, ApiFailed> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut url = self.at("sandbox")?;
            url.query_pairs_mut().append_pair("labels", &labels.to_string());
            if let Some(cursor) = &cursor {
                url.query_pairs_mut().append_pair("cursor", cursor);
            }
            let answer = self.json(Method::GET, url, None, SOON, TOLD).await?;
            let items = answer["items"].as_array();
            let items = items.ok_or(ApiFailed::Nonsense { what: "a list has no `items`" })?;
            all.extend(items.iter().map(told).collect::<Result<Vec<_>, _>>()?);
            match answer["nextCursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => break,
            }
        }
        Ok(all)
    }

    pub(super) async fn upload(&self, sandbox: &Told, path: &str, bytes: &[u8]) -> Result<(), ApiFailed> {
        if bytes.windows(BOUNDARY.len()).any(|window| window == BOUNDARY.as_bytes()) {
            return Err(ApiFailed::Unusable { what: "a file that holds a form's boundary" });
        }
        let mut url = self.within(sandbox, "files/upload-v2")?;
        url.query_pairs_mut().append_pair("path", path);
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let request = self.client.post(url).body(body);
        let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        self.send(request, SOON, TOLD).await.map(drop)
    }

    /// Runs a line of a shell, and gives what it wrote. `seconds` is what the service is told of its deadline.
    pub(super) async fn execute(
        &self,
        sandbox: &Told,
        line: &str,
        seconds: u64,
        bound: usize,
    ) -> Result<String, ApiFailed> {
        let url = self.within(sandbox, "process/execute")?;
        let asked = json!({ "command": line, "timeout": seconds });
        let patience = SOON.saturating_add(Duration::from_secs(seconds));
        let answer = self.json(Method::POST, url, Some(&asked), patience, bound).await?;
        let said =
            answer["result"].as_str().ok_or(ApiFailed::Nonsense { what: "a command has no `result`" })?;
        Ok(said.to_owned())
    }

    fn at(&self, path: &str) -> Result<Url, ApiFailed> {
        address(&format!("{}/{path}", self.url.as_str().trim_end_matches('/')))
    }

    /// The address of a sandbox's own tools, which the service tells; the key goes there too.
    fn within(&self, sandbox: &Told, path: &str) -> Result<Url, ApiFailed> {
        let base = sandbox.toolbox.as_deref().ok_or(ApiFailed::Nonsense { what: "no `toolboxProxyUrl`" })?;
        let url = address(&format!("{}/{}/{path}", base.trim_end_matches('/'), sandbox.id))?;
        if site(&url) != site(&self.url) {
            return Err(ApiFailed::Nonsense {
                what: "a `toolboxProxyUrl` of somebody else, who would get the key",
            });
        }
        Ok(url)
    }

    async fn json(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        patience: Duration,
        bound: usize,
    ) -> Result<Value, ApiFailed> {
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let bytes = self.send(request, patience, bound).await?;
        serde_json::from_slice(&bytes).map_err(|_| ApiFailed::Nonsense { what: "it is no JSON" })
    }

    async fn send(
        &self,
        request: RequestBuilder,
        patience: Duration,
        bound: usize,
    ) -> Result<Vec<u8>, ApiFailed> {
        let silent = |error: reqwest::Error| ApiFailed::Silent { why: error.without_url().to_string() };
        let mut answer = request.bearer_auth(&self.key).timeout(patience).send().await.map_err(silent)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(silent)? {
            if bytes.len() + piece.len() > bound {
                return Err(ApiFailed::Large { bound });
            }
            bytes.extend_from_slice(&piece);
        }
        if status.is_success() { Ok(bytes) } else { Err(self.refused(status, &bytes)) }
    }

    fn refused(&self, status: StatusCode, bytes: &[u8]) -> ApiFailed {
        let said = serde_json::from_slice::<Value>(bytes).ok();
        let said = said.as_ref().and_then(|said| said["message"].as_str()).unwrap_or("no more is told");
        // A service that repeats what it was sent does not bring the key into a message.
        let said = shown(&said.replace(&self.key, "…"));
        ApiFailed::Refused { status: status.as_u16(), said }
    }
}

/// What may be shown of a text that came from there.
pub(super) fn shown(said: &str) -> String {
    said.chars().filter(|sign| !sign.is_control()).take(SHOWN).collect()
}

fn told(answer: &Value) -> Result<Told, ApiFailed> {
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let id = text("id").ok_or(ApiFailed::Nonsense { what: "a sandbox has no `id`" })?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err(ApiFailed::Nonsense { what: "an `id` is none" });
    }
    let process = answer["labels"][PROCESS].as_str().and_then(|process| process.parse().ok());
    Ok(Told { id, state: text("state").unwrap_or_default(), toolbox: text("toolboxProxyUrl"), process })
}

/// Whose a host is: its last two labels, or all of it where it is an address.
fn site(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    if url.domain().is_none() {
        return Some(host.to_owned());
    }
    let labels: Vec<&str> = host.rsplit('.').take(2).collect();
    Some(labels.join("."))
}

fn address(text: &str) -> Result<Url, ApiFailed> {
    let url = Url::parse(text).map_err(|_| ApiFailed::Unusable { what: "the address" })?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.scheme() == "https" || (url.scheme() == "http" && here) {
        Ok(url)
    } else {
        Err(ApiFailed::Open { url: text.to_owned() })
    }
}
