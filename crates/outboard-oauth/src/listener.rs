//! The one page that this program serves: it takes the redirect that ends a sign-in, on this machine's loopback, at a port
//! of its own (RFC 8252, 7.3). Whatever else comes is sent away and changes nothing. It runs no script and shows nothing
//! of what it was sent.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use url::Url;

use crate::attempt::{Attempt, Code, Verdict};

const PATH: &str = "/callback";
/// Bytes of a request's head: an address with a long code, and a browser's headers.
const HEAD: usize = 32 << 10;
/// Connections at once. Browsers open some that they do not use.
const AT_ONCE: usize = 32;
/// How long a connection may take to say what it wants, and to take the page.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections in a row that cannot be taken, and the pause after each.
const FAILURES: u32 = 100;
const BREATH: Duration = Duration::from_millis(50);

/// Waits on the loopback for the end of a sign-in.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    redirect: Url,
    host: String,
}

/// How a sign-in ended in the browser.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server's yes.
    Code(Code),
    /// Its no, in its own words, escaped and shortened.
    Refused(String),
}

/// A request for the page.
struct Request {
    stream: TcpStream,
    query: String,
}

impl Listener {
    /// Listens at a port of the loopback; at any that is free, if it is 0.
    ///
    /// # Errors
    /// When there is no such port to be had.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let host = format!("127.0.0.1:{}", socket.local_addr()?.port());
        let redirect = Url::parse(&format!("http://{host}{PATH}")).map_err(io::Error::other)?;
        // An address does not write out the port that everybody expects.
        let host = redirect[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        Ok(Self { socket, redirect, host })
    }

    /// Where the server is to send the browser.
    pub fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// Waits for the answer to this attempt, for as long as it takes. What is no answer to it does not end it; `stray` is
    /// told why.
    ///
    /// # Errors
    /// When the port cannot be listened at any longer.
    pub async fn answer(self, attempt: &Attempt, stray: impl Fn(&'static str)) -> io::Result<Outcome> {
        let (mut connections, mut failures) = (JoinSet::new(), 0);
        let outcome = loop {
            let request = tokio::select! {
                accepted = self.socket.accept(), if connections.len() < AT_ONCE => {
                    match accepted {
                        Ok((stream, _)) => {
                            failures = 0;
                            connections.spawn(request(stream, self.host.clone()));
                        }
                        Err(error) if failures >= FAILURES => return Err(error),
                        // One that went before it was taken, or no descriptor to spare just now.
                        Err(_) => {
                            failures += 1;
                            sleep(BREATH).await;
                        }
                    }
                    continue;
                }
                Some(asked) = connections.join_next() => match asked {
                    Ok(Some(request)) => request,
                    // It wanted something else, or broke off.
                    Ok(None) | Err(_) => continue,
                },
            };
            let (status, words, outcome) = match attempt.judge(&request.query) {
                Verdict::Code(code) => (
                    "200 OK",
                    "Outboard has the answer. Whether you are signed in, it says in the terminal; this page can be closed.",
                    Outcome::Code(code),
                ),
                Verdict::Refused(told) => (
                    "200 OK",
                    "You are not signed in. The terminal says why; this page can be closed.",
                    Outcome::Refused(told),
                ),
                Verdict::Stray(why) => {
                    stray(why);
                    connections.spawn(sent_away(
                        request.stream,
                        "400 Bad Request",
                        "This is no answer to the sign-in that is under way.",
                    ));
                    continue;
                }
            };
            // The browser may be gone already.
            let _ = timeout(PATIENCE, page(request.stream, status, words)).await;
            break outcome;
        };
        drop(self.socket);
        connections.shutdown().await;
        Ok(outcome)
    }
}

/// Reads what a connection wants. Anything but the page is answered at once.
async fn request(mut stream: TcpStream, host: String) -> Option<Request> {
    let head = timeout(PATIENCE, head(&mut stream)).await.ok().flatten()?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    // A page of somebody else's whose name was made to lead here names another host.
    let is_ours = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim())
        .eq([host.as_str()]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, words) = match (is_ours, path, method) {
        (true, PATH, "GET") => return Some(Request { query: query.to_owned(), stream }),
        (true, PATH, _) => ("405 Method Not Allowed", "This is read with GET."),
        (true, ..) => ("404 Not Found", "There is nothing here."),
        (false, ..) => ("400 Bad Request", "This is not the host that was asked."),
    };
    sent_away(stream, status, words).await
}

async fn sent_away(stream: TcpStream, status: &'static str, words: &'static str) -> Option<Request> {
    // Whoever it is may be gone already.
    let _ = timeout(PATIENCE, page(stream, status, words)).await;
    None
}

/// The head of a request, if it is one.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&chunk[..read]);
        if let Some(end) = head[from..].windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(from + end);
            return String::from_utf8(head).ok();
        }
        if head.len() > HEAD {
            return None;
        }
    }
}

async fn page(mut stream: TcpStream, status: &str, words: &str) -> io::Result<()> {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Outboard</title><p>{words}</p></html>\n"
    );
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::task::JoinHandle;

    use super::*;
    use crate::{Endpoint, Expected};

    struct Waiting {
        attempt: Arc<Attempt>,
        redirect: Url,
        strays: Arc<AtomicUsize>,
        answer: JoinHandle<io::Result<Outcome>>,
    }

    async fn wait() -> Waiting {
        let listener = Listener::bind(0).await.unwrap();
        let redirect = listener.redirect().clone();
        let endpoint = Endpoint::new(Url::parse("https://auth.example").unwrap()).unwrap();
        let attempt = Arc::new(Attempt::new(endpoint, redirect.clone(), Expected::Origin));
        let strays = Arc::new(AtomicUsize::new(0));
        let (own, counted) = (Arc::clone(&attempt), Arc::clone(&strays));
        let answer = tokio::spawn(async move {
            let count = |_| {
                counted.fetch_add(1, Ordering::Relaxed);
            };
            listener.answer(&own, count).await
        });
        Waiting { attempt, redirect, strays, answer }
    }

    impl Waiting {
        fn state(&self) -> String {
            let url = self.attempt.url("me", &[]);
            url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
        }

        fn host(&self) -> String {
            format!("127.0.0.1:{}", self.redirect.port().unwrap())
        }

        /// What comes back for these bytes.
        async fn send(&self, request: &str) -> String {
            let mut stream = TcpStream::connect(self.host()).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }

        async fn get(&self, target: &str) -> String {
            self.send(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host())).await
        }
    }

    #[tokio::test]
    async fn only_the_redirect_itself_ends_the_wait_and_only_once() {
        let waiting = wait().await;
        let (state, host) = (waiting.state(), waiting.host());
        // A browser opens connections that it never uses.
        let _idle = TcpStream::connect(&host).await.unwrap();
        for (target, status) in [
            ("/", "404"),
            ("/favicon.ico", "404"),
            (&*format!("/other?code=abc&state={state}"), "404"),
            (&*format!("/callback/?code=abc&state={state}"), "404"),
            ("/callback?code=abc&state=guessed", "400"),
            ("/callback", "400"),
        ] {
            let answer = waiting.get(target).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
            assert!(!answer.contains("abc"), "{answer}");
        }
        assert_eq!(waiting.strays.load(Ordering::Relaxed), 2);
        for request in [
            format!("POST /callback?code=abc&state={state} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            format!("GET /callback?code=abc&state={state} HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            format!("GET /callback?code=abc&state={state} HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n"),
            format!("GET /callback?code=abc&state={state} HTTP/1.1\r\n\r\n"),
        ] {
            let answer = waiting.send(&request).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
        }
        assert!(!waiting.answer.is_finished());
        let page = waiting.get(&format!("/callback?code=abc&state={state}")).await;
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("default-src 'none'"), "{page}");
        assert!(!page.contains("abc") && !page.contains(&state), "{page}");
        let outcome = waiting.answer.await.unwrap().unwrap();
        assert_eq!(outcome, Outcome::Code(Code("abc".to_owned())));
        // Nobody listens any more: a second redirect reaches nothing.
        assert!(TcpStream::connect(host).await.is_err());
    }

    #[tokio::test]
    async fn a_refusal_ends_the_wait_with_the_servers_words() {
        let waiting = wait().await;
        let page = waiting.get(&format!("/callback?error=access_denied&state={}", waiting.state())).await;
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("not signed in"), "{page}");
        let outcome = waiting.answer.await.unwrap().unwrap();
        assert_eq!(outcome, Outcome::Refused("access_denied".to_owned()));
    }

    #[tokio::test]
    async fn a_head_without_end_is_not_read_to_its_end() {
        let waiting = wait().await;
        let mut stream = TcpStream::connect(waiting.host()).await.unwrap();
        let mut sent = 0;
        // The listener hangs up at some point.
        while sent < 64 << 20 && stream.write_all(&[b'x'; 1 << 16]).await.is_ok() {
            sent += 1 << 16;
        }
        assert!(sent < 64 << 20);
        assert!(!waiting.answer.is_finished());
        waiting.answer.abort();
    }
}
