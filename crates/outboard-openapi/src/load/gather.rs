//! One document of several: what a document refers to is read, if a person asked for that and it lies where they said, and
//! put beside it, with every reference pointing there. Each is read once, so circles end; number, bytes and distance are
//! bounded. What is not read stays a reference that leads nowhere, with the reason.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{address, fetched_within};
use crate::{
    document::{self, Document, LARGEST, OTHERS, Unreadable, references},
    spec::{References, Source},
};

/// Other documents that are read.
const MOST: usize = 5_000;
/// How many documents may lie between one and the first.
const FARTHEST: usize = 20;
/// How long all of them are waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where other documents may lie.
pub(super) struct Near<'a> {
    /// The first document's own place.
    base: Url,
    folders: Vec<PathBuf>,
    origins: Vec<Url>,
    store: Option<&'a Path>,
    private: bool,
    most: usize,
}

/// A document with what it refers to.
pub(super) struct Gathered {
    json: String,
    /// Why others are not in it, by how it refers to them.
    unread: HashMap<String, String>,
}

impl Gathered {
    /// The document of it.
    pub(super) fn document(self) -> Result<Document, Unreadable> {
        Document::gathered(self.json, &self.unread)
    }

    /// What tells it from others.
    pub(super) fn hash(&self) -> String {
        Document::hash_of(self.json.as_bytes())
    }
}

impl<'a> Near<'a> {
    /// What a person asked for, if they did.
    pub(super) fn of(
        source: &Source,
        references: &References,
        store: Option<&'a Path>,
        private: bool,
    ) -> io::Result<Option<Self>> {
        let References::Near { folders, origins } = references else { return Ok(None) };
        let mut near = Self {
            base: Url::parse("file:///").map_err(io::Error::other)?,
            folders: Vec::new(),
            origins: origins.clone(),
            store,
            private,
            most: MOST,
        };
        match source {
            Source::File(path) => {
                let path = fs::canonicalize(path)?;
                near.folders.extend(path.parent().map(Path::to_owned));
                for folder in folders {
                    let missing =
                        |error| io::Error::other(format!("`references` names {}: {error}", folder.display()));
                    near.folders.push(fs::canonicalize(folder).map_err(missing)?);
                }
                near.base =
                    Url::from_file_path(path).map_err(|()| io::Error::other("its path is no address"))?;
            }
            // A document from elsewhere has no business with files, whatever is named.
            Source::Address(url) => {
                near.base = url.clone();
                near.origins.push(url.clone());
            }
        }
        near.base.set_fragment(None);
        Ok(Some(near))
    }

    /// Reads whatever the first document, a JSON text, refers to.
    pub(super) async fn gather(&self, first: String) -> Result<Gathered, Unreadable> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut all = All { bytes: first.len(), ..All::default() };
        all.parts.push(Part { url: self.base.clone(), json: first, far: 0 });
        all.known.insert(self.base.clone(), Ok(0));
        let mut at = 0;
        while at < all.parts.len() {
            let mut edits = Vec::new();
            let found: Vec<_> = references(&all.parts[at].json).collect();
            for (range, reference) in found {
                let (target, fragment) = reference.split_once('#').unwrap_or((&reference, ""));
                let number = match target {
                    "" => Ok(at),
                    target => self.find(target, at, &mut all, deadline).await,
                };
                match number {
                    Ok(number) if number == at && at == 0 && target.is_empty() => {}
                    Ok(0) => edits.push((range, format!("#{fragment}"))),
                    Ok(number) => edits.push((range, format!("#/{OTHERS}/{number}{fragment}"))),
                    Err((named, why)) => {
                        edits.push((range, format!("{named}#{fragment}")));
                        all.unread.insert(named, why);
                    }
                }
            }
            let edited = edited(&all.parts[at].json, &edits);
            all.bytes = (all.bytes + edited.len()).saturating_sub(all.parts[at].json.len());
            all.parts[at].json = edited;
            at += 1;
        }
        let json = joined(&all.parts);
        if json.len() > LARGEST {
            return Err(Unreadable::TooLarge(json.len()));
        }
        Ok(Gathered { json, unread: all.unread })
    }

    /// The number of the document that a reference means, read now or before; or how it is named, and why it is not there.
    async fn find(
        &self,
        target: &str,
        from: usize,
        all: &mut All,
        deadline: tokio::time::Instant,
    ) -> Result<usize, (String, String)> {
        let joined = all.parts[from].url.join(target);
        let mut url = joined.map_err(|error| (target.to_owned(), format!("it is no address: {error}")))?;
        url.set_fragment(None);
        // Whoever wrote what was fetched must not read here, whatever the first document may.
        if url.scheme() == "file" && all.parts[from].url.scheme() != "file" {
            let why = "it is a file of this machine, and the document that refers to it is from elsewhere";
            return Err((self.named(&url), why.to_owned()));
        }
        if let Some(known) = all.known.get(&url) {
            return known.clone().map_err(|why| (self.named(&url), why));
        }
        let far = all.parts[from].far + 1;
        let read = match all.parts.len() > self.most {
            true => Err(format!("more than {} documents are not read", self.most)),
            false if far > FARTHEST => Err(format!("more than {FARTHEST} documents lie between")),
            false => {
                let left = LARGEST.saturating_sub(all.bytes);
                let read = tokio::time::timeout_at(deadline, self.read(&url, left)).await;
                read.unwrap_or_else(|_| Err(format!("there was no time for it: all have {PATIENCE:?}")))
            }
        };
        let number = read.map(|json| {
            all.bytes += json.len();
            all.parts.push(Part { url: url.clone(), json, far });
            all.parts.len() - 1
        });
        all.known.insert(url.clone(), number.clone());
        number.map_err(|why| (self.named(&url), why))
    }

    async fn read(&self, url: &Url, left: usize) -> Result<String, String> {
        let bytes = match url.scheme() {
            "file" => {
                let path = self.allowed(url)?;
                super::file(&path).await.map_err(|failure| failure.to_string())?
            }
            "http" | "https" => {
                let is_near = |url: &Url| self.origins.iter().any(|near| near.origin() == url.origin());
                if !is_near(url) {
                    let origin = url.origin().ascii_serialization();
                    return Err(format!(
                        "it lies elsewhere, and is read only if that is named: \"references\": [\"{}\"]",
                        document::shown(&origin)
                    ));
                }
                let fetched = fetched_within(url, &self.origins, self.private, &is_near);
                address(url, self.store, fetched).await.map_err(|failure| failure.to_string())?
            }
            other => return Err(format!("`{}` addresses are not read", document::shown(other))),
        };
        if bytes.len() > left {
            return Err(format!("all documents together would have more than {LARGEST} bytes"));
        }
        document::json_of_bytes(bytes).map_err(|error| error.to_string())
    }

    /// The file of an address, if it lies in one of the folders, wherever links lead.
    fn allowed(&self, url: &Url) -> Result<PathBuf, String> {
        let path = url.to_file_path().map_err(|()| "it is no file of this machine".to_owned())?;
        let path = fs::canonicalize(path).map_err(|error| error.to_string())?;
        if !self.folders.iter().any(|folder| path.starts_with(folder)) {
            return Err(
                "it lies outside the document's folder, and is read only if its folder is named: \"references\": [\"…\"]"
                    .to_owned(),
            );
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(path),
            Ok(_) => Err("it is no file".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A document by a name for people: from the first one's place, if it lies there.
    fn named(&self, url: &Url) -> String {
        self.base.make_relative(url).filter(|name| !name.is_empty()).unwrap_or_else(|| url.to_string())
    }
}

#[derive(Default)]
struct All {
    parts: Vec<Part>,
    known: HashMap<Url, Result<usize, String>>,
    unread: HashMap<String, String>,
    bytes: usize,
}

struct Part {
    url: Url,
    json: String,
    far: usize,
}

/// A JSON text with other texts at some places, which come in their order.
fn edited(json: &str, edits: &[(std::ops::Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(json.len() + edits.len() * 16);
    let mut done = 0;
    for (range, text) in edits {
        out.push_str(&json[done..range.start]);
        out.push_str(&serde_json::Value::from(text.as_str()).to_string());
        done = range.end;
    }
    out.push_str(&json[done..]);
    out
}

/// The first document with the others as a member of it.
fn joined(parts: &[Part]) -> String {
    let first = parts[0].json.trim_end();
    let Some(open) = first.strip_suffix('}').filter(|_| parts.len() > 1) else { return first.to_owned() };
    let mut out = String::with_capacity(parts.iter().map(|part| part.json.len() + 16).sum());
    out.push_str(open);
    out.push_str(if open.trim_end().ends_with('{') { "" } else { "," });
    out.push_str(&format!("\"{OTHERS}\":{{"));
    for (number, part) in parts.iter().enumerate().skip(1) {
        let comma = if number > 1 { "," } else { "" };
        out.push_str(&format!("{comma}\"{number}\":"));
        out.push_str(&part.json);
    }
    out.push_str("}}");
    out
}

#[cfg(test)]
mod tests;
