//! Where documents come from: a file, or an address whose content is kept for the next start. A document is asked for
//! without credentials, and only when its entry names it.

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use reqwest::{
    Method,
    header::{ACCEPT, HeaderValue},
};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    document::{Document, LARGEST, Unreadable},
    http::{Http, Outgoing, whole},
    spec::Source,
};

/// A kept document younger than this is used without asking for it again.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a document is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
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
pub(crate) struct Documents(Mutex<HashMap<String, Weak<Document>>>);

impl Documents {
    /// The document, read now or in use already.
    pub(crate) async fn load(
        self: &Arc<Self>,
        source: &Source,
        store: Option<&Path>,
        private: bool,
    ) -> Result<Arc<Document>, LoadFailure> {
        let (bytes, named) = match source {
            Source::File(path) => (file(path).await?, path.display().to_string()),
            Source::Address(url) => (address(url, store, private).await?, crate::http::shown_address(url)),
        };
        let documents = Arc::clone(self);
        // A large document takes a while, and others are to be served meanwhile.
        let parsed = tokio::task::spawn_blocking(move || documents.parsed(bytes)).await;
        let parsed = parsed.map_err(|error| LoadFailure::Unreadable(named.clone(), error.to_string()))?;
        parsed.map_err(|error| LoadFailure::Unreadable(named, error.to_string()))
    }

    fn parsed(&self, bytes: Vec<u8>) -> Result<Arc<Document>, Unreadable> {
        let hash = Document::hash_of(&bytes);
        if let Some(document) = self.lock().get(&hash).and_then(Weak::upgrade) {
            return Ok(document);
        }
        let document = Arc::new(Document::parse(bytes)?);
        let mut known = self.lock();
        known.retain(|_, document| document.strong_count() > 0);
        // Another may have read the same meanwhile.
        if let Some(other) = known.get(&hash).and_then(Weak::upgrade) {
            return Ok(other);
        }
        known.insert(hash, Arc::downgrade(&document));
        Ok(document)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Document>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
) -> Result<Arc<Document>, LoadFailure> {
    Arc::new(Documents::default()).load(source, store, private).await
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

async fn address(url: &Url, store: Option<&Path>, private: bool) -> Result<Vec<u8>, LoadFailure> {
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
    match fetched(url, private).await {
        Ok(bytes) => {
            if let Some(place) = place
                && let Err(error) = keep(&place, &bytes)
            {
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

async fn fetched(url: &Url, private: bool) -> Result<Vec<u8>, String> {
    let http = Http::new(vec![url.clone()], private)?;
    let outgoing = Outgoing {
        method: Method::GET,
        url: url.clone(),
        headers: vec![(
            ACCEPT,
            HeaderValue::from_static("application/json, application/yaml, text/yaml, */*;q=0.5"),
        )],
        body: None,
    };
    let exchange = async {
        let response = http.send(outgoing, &[], true).await.map_err(|failure| failure.to_string())?;
        if !response.status().is_success() {
            return Err(format!("HTTP {}", response.status()));
        }
        whole(response, LARGEST).await.map_err(|failure| failure.to_string())
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| format!("no answer within {PATIENCE:?}"))?
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
    let new = place.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    std::io::Write::write_all(&mut options.open(&new)?, bytes)?;
    fs::rename(&new, place)
}
