//! MCP Streamable HTTP: each message is a POST, answered by JSON or by an event stream; before
//! 2026-07-28 a GET stream carries what the server says by itself. It follows no redirect, because our
//! headers are credentials.

mod body;
mod endpoint;

use std::{collections::HashMap, sync::Arc, time::Duration};

use outboard_runtime::ids::UpstreamName;
use tokio::{
    sync::{Semaphore, mpsc},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tracing::debug;
use url::Url;

use self::{
    body::Read,
    endpoint::{Endpoint, PostFailure},
};
use crate::connection::{Event, Failure, Message, Outgoing, Request, Wire};

/// Requests under way at once; more wait.
const AT_ONCE: usize = 128;
/// For telling the server that the session is over.
const GOODBYE: Duration = Duration::from_secs(1);
/// Streams that end before their answer are resumed so often.
const RESUMES: usize = 5;
/// Pauses between attempts to listen, unless the server says otherwise.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
const LISTEN_AGAIN_AT_MOST: Duration = Duration::from_secs(60);

/// An upstream behind a URL.
pub(crate) struct Http {
    upstream: UpstreamName,
    endpoint: Arc<Endpoint>,
}

impl Http {
    /// Checks the headers; nothing is sent yet.
    pub(crate) fn new(
        upstream: UpstreamName,
        url: &Url,
        headers: &[(String, String)],
        max_message_bytes: usize,
    ) -> Result<Self, String> {
        let endpoint = Endpoint::new(url, headers, max_message_bytes)?;
        Ok(Self { upstream, endpoint: Arc::new(endpoint) })
    }

    /// Moves messages until the owner wants no more, then ends the session.
    pub(crate) async fn run(self, wire: Wire) {
        let Wire { mut outgoing, arrivals } = wire;
        let mut posts = Posts {
            endpoint: Arc::clone(&self.endpoint),
            arrivals,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: JoinSet::new(),
            by_id: HashMap::new(),
            listening: false,
        };
        loop {
            tokio::select! {
                next = outgoing.recv() => match next {
                    Some(next) => posts.take(next),
                    None => break,
                },
                Some(done) = posts.tasks.join_next() => posts.done(done.ok().flatten()),
            }
        }
        posts.tasks.shutdown().await;
        if timeout(GOODBYE, self.endpoint.end_session()).await.is_err() {
            debug!(upstream = %self.upstream, "the server did not confirm the end of the session");
        }
    }
}

/// The exchanges under way.
struct Posts {
    endpoint: Arc<Endpoint>,
    arrivals: mpsc::Sender<Event>,
    at_once: Arc<Semaphore>,
    /// Each gives the id of the request that it carried, if any.
    tasks: JoinSet<Option<u64>>,
    by_id: HashMap<u64, AbortHandle>,
    listening: bool,
}

impl Posts {
    fn take(&mut self, outgoing: Outgoing) {
        let (endpoint, arrivals) = (Arc::clone(&self.endpoint), self.arrivals.clone());
        match outgoing {
            Outgoing::Request { id, request, place } => {
                let at_once = Arc::clone(&self.at_once);
                let exchange = async move {
                    let _turn = at_once.acquire_owned().await;
                    drop(place);
                    exchange(&endpoint, &arrivals, id, request).await;
                    Some(id)
                };
                self.by_id.insert(id, self.tasks.spawn(exchange));
            }
            Outgoing::Abandon { id, text } => {
                if let Some(post) = self.by_id.remove(&id) {
                    post.abort();
                }
                // Since 2026-07-28 the end of the stream says it already.
                if !endpoint.is_modern() {
                    self.tell(text);
                }
            }
            Outgoing::Other(text) => self.tell(text),
            Outgoing::Agreed { version, modern } => {
                endpoint.agree(&version, modern);
                if !modern && !self.listening {
                    self.listening = true;
                    self.tasks.spawn(async move {
                        listen(&endpoint, &arrivals).await;
                        None
                    });
                }
            }
        }
    }

    fn tell(&mut self, text: String) {
        let endpoint = Arc::clone(&self.endpoint);
        self.tasks.spawn(async move {
            if let Err(failure) = endpoint.post(text, None).await {
                debug!(?failure, "a notification was not delivered");
            }
            None
        });
    }

    fn done(&mut self, request: Option<u64>) {
        if let Some(id) = request {
            self.by_id.remove(&id);
        }
    }
}

/// One request and everything until its answer, which always comes in some form.
async fn exchange(endpoint: &Endpoint, arrivals: &mpsc::Sender<Event>, id: u64, request: Request) {
    let failure = match endpoint.post(request.text, Some((request.method, request.subject.as_deref()))).await
    {
        Ok(response) => read_answer(endpoint, arrivals, id, response).await.err(),
        Err(PostFailure::SessionEnded(reason)) => {
            let _ = arrivals.send(Event::Stale { reason: reason.clone() }).await;
            Some(Failure::Unavailable(reason))
        }
        Err(PostFailure::Failed(failure)) => Some(failure),
    };
    if let Some(failure) = failure {
        let answer = Message::Answer { id, answer: Err(failure) };
        let _ = arrivals.send(Event::Arrived(answer)).await;
    }
}

/// Passes on what the response carries until the answer was among it.
async fn read_answer(
    endpoint: &Endpoint,
    arrivals: &mpsc::Sender<Event>,
    id: u64,
    response: reqwest::Response,
) -> Result<(), Failure> {
    let mut body = body::read(response, endpoint.max_message_bytes);
    let mut resumes = 0;
    loop {
        match body.next().await {
            Read::Messages(messages) => {
                if forward(arrivals, messages, id).await.is_ok() {
                    return Ok(());
                }
            }
            Read::Failed(failure) => return Err(failure),
            Read::Ended { resume: Some((event, pause)) } if resumes < RESUMES => {
                resumes += 1;
                sleep(pause.unwrap_or(LISTEN_AGAIN).min(LISTEN_AGAIN_AT_MOST)).await;
                let response = endpoint.get(Some(&event)).await.map_err(|reason| {
                    Failure::Lost(format!(
                        "the stream ended before the answer and could not be resumed: {reason}"
                    ))
                })?;
                body = body::read(response, endpoint.max_message_bytes);
            }
            Read::Ended { .. } => {
                return Err(Failure::Lost("the response ended before the answer".to_owned()));
            }
        }
    }
}

/// Passes the messages on. Fails if none of them answers `id`.
async fn forward(arrivals: &mpsc::Sender<Event>, messages: Vec<Message>, id: u64) -> Result<(), Failure> {
    let mut found = Err(Failure::Unreadable("the response does not carry the answer".to_owned()));
    for message in messages {
        if matches!(message, Message::Answer { id: answered, .. } if answered == id) {
            found = Ok(());
        }
        if arrivals.send(Event::Arrived(message)).await.is_err() {
            return Ok(());
        }
    }
    found
}

/// Listens to what the server says by itself, for as long as it lets us.
async fn listen(endpoint: &Endpoint, arrivals: &mpsc::Sender<Event>) {
    let mut pause = LISTEN_AGAIN;
    let mut last_event: Option<String> = None;
    loop {
        let Ok(response) = endpoint.get(last_event.as_deref()).await else { return };
        let mut body = body::read(response, endpoint.max_message_bytes);
        loop {
            match body.next().await {
                Read::Messages(messages) => {
                    pause = LISTEN_AGAIN;
                    for message in messages {
                        if arrivals.send(Event::Arrived(message)).await.is_err() {
                            return;
                        }
                    }
                }
                Read::Failed(failure) => {
                    debug!(%failure, "the stream of notifications broke");
                    break;
                }
                Read::Ended { resume } => {
                    if let Some((event, asked)) = resume {
                        last_event = Some(event);
                        pause = asked.unwrap_or(pause);
                    }
                    break;
                }
            }
        }
        sleep(pause.clamp(LISTEN_AGAIN, LISTEN_AGAIN_AT_MOST)).await;
        pause *= 2;
    }
}
