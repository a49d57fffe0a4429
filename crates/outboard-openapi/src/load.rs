//! Where documents come from: a file, or an address whose content is kept for the next start. A document is asked for
//! without credentials, and only when its entry names it, or asks for what it refers to.

mod gather;

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant, SystemTime},
};

use reqwest::{
    Method,
    header::{ACCEPT, HeaderValue},
};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    document::{Document, LARGEST, Unreadable, json_of_bytes},
    http::{Http, Outgoing, REDIRECTS, target, whole},
    spec::{References, Source},
};
use gather::Near;

/// A kept document younger than this is used without asking for it again.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a document is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no document.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoadFailure {
    /// It cannot be read.
    #[error("read {0}: {1}")]
    Read(String, String),
    /// It cannot be used.
    #[error("use {0}: {1}")]
    Unreadable(String, String),
}

/// Documents in use: upstreams of one document share it.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// By their hashes.
    known: Mutex<HashMap<String, Weak<Document>>>,
    /// Whose turn it is to read from one place.
    turns: Mutex<HashMap<String, Weak<Turn>>>,
}

/// How the last reading from a place failed, and when.
type Turn = tokio::sync::Mutex<Option<(Instant, LoadFailure)>>;

impl Documents {
    /// The document, read now or in use already.
    pub(crate) async fn load(
        self: &Arc<Self>,
        source: &Source,
        store: Option<&Path>,
        private: bool,
        references: &References,
    ) -> Result<Arc<Document>, LoadFailure> {
        // An entry for each tag makes many upstreams of one document, which start together: after the first the others
        // find it in use, those from an address find what is kept, and all of them what failed while they waited.
        let asked = Instant::now();
        let turn = self.turn(source, private, references);
        let mut failed = turn.lock().await;
        if let Some((at, failure)) = &*failed
            && *at >= asked
        {
            return Err(failure.clone());
        }
        let read = self.read(source, store, private, references).await;
        *failed = read.as_ref().err().map(|failure| (Instant::now(), failure.clone()));
        read
    }

    async fn read(
        self: &Arc<Self>,
        source: &Source,
        store: Option<&Path>,
        private: bool,
        references: &References,
    ) -> Result<Arc<Document>, LoadFailure> {
        let (bytes, named) = match source {
            Source::File(path) => (file(path).await?, path.display().to_string()),
            Source::Address(url) => {
                (address(url, store, fetched(url, private)).await?, crate::http::shown_address(url))
            }
        };
        let unusable = |error: String| LoadFailure::Unreadable(named.clone(), error);
        let near =
            Near::of(source, references, store, private).map_err(|error| unusable(error.to_string()))?;
        let documents = Arc::clone(self);
        // A large document takes a while, and others are to be served meanwhile.
        let Some(near) = near else {
            let parsed = tokio::task::spawn_blocking(move || documents.parsed(bytes)).await;
            return parsed
                .map_err(|error| unusable(error.to_string()))?
                .map_err(|error| unusable(error.to_string()));
        };
        let first = tokio::task::spawn_blocking(move || several(bytes)).await;
        let first = first
            .map_err(|error| unusable(error.to_string()))?
            .map_err(|error| unusable(error.to_string()))?;
        let gathered = near.gather(first).await.map_err(|error| unusable(error.to_string()))?;
        let parsed =
            tokio::task::spawn_blocking(move || documents.shared(gathered.hash(), || gathered.document()));
        let parsed = parsed.await.map_err(|error| unusable(error.to_string()))?;
        parsed.map_err(|error| unusable(error.to_string()))
    }

    fn parsed(&self, bytes: Vec<u8>) -> Result<Arc<Document>, Unreadable> {
        self.shared(Document::hash_of(&bytes), || Document::parse(bytes))
    }

    /// The document of this hash: in use already, or made now.
    fn shared(
        &self,
        hash: String,
        make: impl FnOnce() -> Result<Document, Unreadable>,
    ) -> Result<Arc<Document>, Unreadable> {
        if let Some(document) = lock(&self.known).get(&hash).and_then(Weak::upgrade) {
            return Ok(document);
        }
        let document = Arc::new(make()?);
        let mut known = lock(&self.known);
        known.retain(|_, document| document.strong_count() > 0);
        // Another may have read the same from elsewhere meanwhile.
        if let Some(other) = known.get(&hash).and_then(Weak::upgrade) {
            return Ok(other);
        }
        known.insert(hash, Arc::downgrade(&document));
        Ok(document)
    }

    fn turn(&self, source: &Source, private: bool, references: &References) -> Arc<Turn> {
        let place = match source {
            Source::File(path) => format!("{} {references:?}", path.display()),
            Source::Address(url) => format!("{url} {private} {references:?}"),
        };
        let mut turns = lock(&self.turns);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&place).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::default());
        turns.insert(place, Arc::downgrade(&turn));
        turn
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a document. One from an address is kept in `store`, and what is kept there is used for a day, or as long as the
/// address gives nothing better.
///
/// # Errors
/// When it cannot be read or is no description.
pub async fn load(
    source: &Source,
    store: Option<&Path>,
    private: bool,
    references: &References,
) -> Result<Arc<Document>, LoadFailure> {
    Arc::new(Documents::default()).load(source, store, private, references).await
}

/// The JSON text of a document that may be one of several.
fn several(bytes: Vec<u8>) -> Result<String, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::TooLarge(bytes.len()));
    }
    json_of_bytes(bytes)
}

async fn file(path: &Path) -> Result<Vec<u8>, LoadFailure> {
    let failed = |error: String| LoadFailure::Read(path.display().to_string(), error);
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        fs::File::open(owned)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    });
    read.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

/// What is at an address, or is kept of it; `fetched` asks for it.
async fn address(
    url: &Url,
    store: Option<&Path>,
    fetched: impl Future<Output = Result<Vec<u8>, String>>,
) -> Result<Vec<u8>, LoadFailure> {
    let place = store.map(|store| kept_at(store, url));
    let kept = place.clone().and_then(|place| {
        let age = fs::metadata(&place).and_then(|facts| facts.modified()).ok()?;
        Some((place, SystemTime::now().duration_since(age).unwrap_or_default()))
    });
    if let Some((place, age)) = &kept
        && *age < FRESH
        && let Ok(bytes) = file(place).await
    {
        return Ok(bytes);
    }
    match fetched.await {
        Ok(bytes) => {
            let Some(place) = place else { return Ok(bytes) };
            let written = tokio::task::spawn_blocking(move || (keep(&place, &bytes), bytes)).await;
            let (written, bytes) = written
                .map_err(|error| LoadFailure::Read(crate::http::shown_address(url), error.to_string()))?;
            if let Err(error) = written {
                tracing::warn!(%error, "the description cannot be kept for the next start");
            }
            Ok(bytes)
        }
        Err(reason) => match kept {
            Some((place, _)) => {
                tracing::warn!(reason, "the description cannot be read again; an earlier one is used");
                file(&place).await
            }
            None => Err(LoadFailure::Read(crate::http::shown_address(url), reason)),
        },
    }
}

/// Asks for a document that a person named, wherever that leads.
async fn fetched(url: &Url, private: bool) -> Result<Vec<u8>, String> {
    let http = Http::new(vec![url.clone()], private)?;
    let exchange = async {
        let response = http.send(asking(url), &[], true).await.map_err(|failure| failure.to_string())?;
        if !response.status().is_success() {
            return Err(format!("HTTP {}", response.status()));
        }
        whole(response, LARGEST).await.map_err(|failure| failure.to_string())
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| format!("no answer within {PATIENCE:?}"))?
}

/// Asks for a document that another one named: redirects lead no further than references do.
async fn fetched_within(
    url: &Url,
    written: &[Url],
    private: bool,
    allowed: &(dyn Fn(&Url) -> bool + Sync),
) -> Result<Vec<u8>, String> {
    let http = Http::new(written.to_vec(), private)?;
    let exchange = async {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let response = http.send_once(&asking(&url)).await.map_err(|failure| failure.to_string())?;
            if let Some(to) = target(&response, &url) {
                if !allowed(&to) {
                    return Err(format!("it redirects to {}", crate::http::shown_address(&to)));
                }
                url = to;
                continue;
            }
            if !response.status().is_success() {
                return Err(format!("HTTP {}", response.status()));
            }
            return whole(response, LARGEST).await.map_err(|failure| failure.to_string());
        }
        Err(format!("it redirects more than {REDIRECTS} times"))
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| format!("no answer within {PATIENCE:?}"))?
}

fn asking(url: &Url) -> Outgoing {
    let accept = HeaderValue::from_static("application/json, application/yaml, text/yaml, */*;q=0.5");
    Outgoing { method: Method::GET, url: url.clone(), headers: vec![(ACCEPT, accept)], body: None }
}

fn kept_at(store: &Path, url: &Url) -> PathBuf {
    let hash: String =
        Sha256::digest(url.as_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    store.join(format!("{hash}.openapi"))
}

/// Replaces what is kept, whole: a reader sees the old content or the new.
fn keep(place: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    // Two entries may keep the same document at once; a temporary file is this user's alone.
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    std::io::Write::write_all(&mut new, bytes)?;
    new.persist(place)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn upstreams_of_one_document_that_start_together_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("api.json");
        fs::write(&path, "{\"openapi\": \"3.1.0\"}").unwrap();
        let documents = Arc::new(Documents::default());
        let (there, gone) = (Source::File(path), Source::File(folder.path().join("gone.json")));
        let load = |source| documents.load(source, None, false, &References::Unread);
        let (one, other) = tokio::join!(load(&there), load(&there));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        let (one, other) = tokio::join!(load(&gone), load(&gone));
        assert_eq!(one.unwrap_err().to_string(), other.unwrap_err().to_string());
        // Whoever comes later looks again.
        fs::rename(folder.path().join("api.json"), folder.path().join("gone.json")).unwrap();
        assert!(load(&gone).await.is_ok());
    }
}
