//! The messages in a response: one JSON document, or an event stream of them. A body over the limit
//! costs its own request. Which request a message answers is not looked at.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{Stream, StreamExt};
use reqwest::{Response, header::CONTENT_TYPE};
use sse_stream::{Sse, SseByteStream};
use tracing::warn;

use crate::connection::{Failure, Message, message};

/// What a response gave next.
pub(super) enum Read {
    Messages(Vec<Message>),
    Failed(Failure),
    /// Nothing more comes; where to resume and after what pause, if the server said so.
    Ended {
        resume: Option<(String, Option<Duration>)>,
    },
}

pub(super) enum Body {
    Whole { response: Option<Response>, limit: usize },
    Events(Box<Events>),
}

pub(super) struct Events {
    stream: Pin<Box<dyn Stream<Item = Result<Sse, sse_stream::Error>> + Send>>,
    /// Bytes since the last event.
    unread: Arc<AtomicUsize>,
    last_id: Option<String>,
    pause: Option<Duration>,
}

pub(super) fn read(response: Response, limit: usize) -> Body {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream") {
        return Body::Whole { response: Some(response), limit };
    }
    let unread = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&unread);
    let bytes = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        if count.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len() > limit {
            return Err(io::Error::other(format!(
                "an event has more than {limit} bytes (setting `limits.toolResultBytes`)"
            )));
        }
        Ok(chunk)
    });
    let stream = Box::pin(SseByteStream::new(bytes));
    Body::Events(Box::new(Events { stream, unread, last_id: None, pause: None }))
}

/// The whole of a body, unless it is longer than `limit`.
pub(super) async fn whole(mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broke(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(Failure::Unreadable(format!(
                "the response has more than {limit} bytes (setting `limits.toolResultBytes`)"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Body {
    pub(super) async fn next(&mut self) -> Read {
        match self {
            Self::Events(events) => events.next().await,
            Self::Whole { response, limit } => match response.take() {
                None => Read::Ended { resume: None },
                Some(response) => match whole(response, *limit).await {
                    Ok(body) => messages(body),
                    Err(failure) => Read::Failed(failure),
                },
            },
        }
    }
}

impl Events {
    async fn next(&mut self) -> Read {
        loop {
            let event = match self.stream.next().await {
                None => return Read::Ended { resume: self.last_id.take().map(|id| (id, self.pause)) },
                Some(Err(error)) => return self.broken(&error),
                Some(Ok(event)) => event,
            };
            self.unread.store(0, Ordering::Relaxed);
            self.pause = event.retry.map(Duration::from_millis).or(self.pause);
            if event.id.is_some() {
                self.last_id = event.id;
            }
            let Some(data) = event.data.filter(|data| !data.trim().is_empty()) else { continue };
            match message::read(data) {
                Ok(messages) => return Read::Messages(messages),
                Err(error) => warn!(%error, "skipped an event that is no MCP message"),
            }
        }
    }

    /// A broken stream may be resumed where it broke.
    fn broken(&mut self, error: &sse_stream::Error) -> Read {
        match self.last_id.take() {
            Some(id) => Read::Ended { resume: Some((id, self.pause)) },
            None => Read::Failed(Failure::Lost(format!("the event stream broke: {error}"))),
        }
    }
}

fn messages(body: Vec<u8>) -> Read {
    let text = String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    match message::read(text) {
        Ok(messages) => Read::Messages(messages),
        Err(error) => Read::Failed(Failure::Unreadable(format!("the response is no MCP message: {error}"))),
    }
}

fn broke(error: &reqwest::Error) -> Failure {
    Failure::Lost(format!("the response broke: {}", super::endpoint::chain(error)))
}
