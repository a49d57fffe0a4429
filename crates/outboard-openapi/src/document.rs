//! An API's description as text with an index: nothing is built of it before it is looked at, so that a document of many
//! megabytes costs little more than its own length. It is untrusted: references are followed within it and no further.

mod external;
pub(crate) mod members;
mod reference;
mod yaml;

use std::{collections::HashMap, ops::Range};

use members::Members;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use external::{Unread, references};
pub(crate) use reference::{Unresolved, Walk};

/// Bytes of a document at most.
pub(crate) const LARGEST: usize = 128 << 20;
/// Levels of nesting of what is built at once.
const DEEPEST: usize = 100;

/// Which specification a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Swagger 2.0.
    V2,
    /// OpenAPI 3.0.
    V30,
    /// OpenAPI 3.1 and later.
    V31,
}

/// A description that has been read.
pub struct Document {
    text: String,
    version: Version,
    hash: String,
    /// Where what is referred to most stands, by its pointer.
    places: HashMap<String, Range<usize>>,
    root: HashMap<String, Range<usize>>,
    unread: Unread,
}

/// Why a text is no description that can be used.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is too large.
    #[error("it has {0} bytes, and {LARGEST} are read at most")]
    TooLarge(usize),
    /// It is no text.
    #[error("it is not text in UTF-8")]
    NoText,
    /// It is neither JSON nor YAML.
    #[error("it is neither JSON nor YAML: {0}")]
    Syntax(String),
    /// It is something else.
    #[error("it is no OpenAPI document: {0}")]
    Other(String),
}

impl Document {
    /// Reads a document in JSON or YAML.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Unreadable> {
        if bytes.len() > LARGEST {
            return Err(Unreadable::TooLarge(bytes.len()));
        }
        let hash = Self::hash_of(&bytes);
        let why = |_: &str| {
            "no other document is read unless that is asked for: --references, or \"references\": true in the entry"
                .to_owned()
        };
        Self::of_json(json_of_bytes(bytes)?, hash, why)
    }

    /// Takes a document that others were put beside, with why some were not.
    pub(crate) fn gathered(json: String, unread: &HashMap<String, String>) -> Result<Self, Unreadable> {
        let hash = Self::hash_of(json.as_bytes());
        let unknown = || "it is not there".to_owned();
        Self::of_json(json, hash, |target| unread.get(target).cloned().unwrap_or_else(unknown))
    }

    fn of_json(text: String, hash: String, why: impl Fn(&str) -> String) -> Result<Self, Unreadable> {
        let members = Members::of(&text).ok_or_else(|| {
            Unreadable::Other("it must be an object with `openapi` or `swagger`".to_owned())
        })?;
        let version = version(&members)?;
        let mut places = HashMap::new();
        index_sections(&text, &members, "", &mut places);
        for (number, other) in members.get(OTHERS).and_then(Members::of).unwrap_or_default().0 {
            let at = format!("/{OTHERS}/{}", reference::escaped(&number));
            let Some(within) = Members::of(other.get()) else { continue };
            places.insert(at.clone(), range(&text, other.get()));
            index(&text, other.get(), &at, 1, &mut places);
            index_sections(&text, &within, &at, &mut places);
        }
        let unread = external::unread(&text, why);
        let root =
            members.0.iter().map(|(name, value)| (name.to_string(), range(&text, value.get()))).collect();
        Ok(Self { version, hash, places, root, unread, text })
    }

    /// The hash that the document of these bytes has.
    pub(crate) fn hash_of(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Which specification it follows.
    pub fn version(&self) -> Version {
        self.version
    }

    /// SHA-256 of its bytes as they were read, lower-case hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The other documents that it refers to and that are not in it.
    pub(crate) fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Bytes that it holds in memory, about.
    pub fn weight(&self) -> usize {
        self.text.len() + self.places.keys().map(|key| key.len() + 64).sum::<usize>()
    }

    /// The text of a member of the whole.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.root.get(name).map(|range| &self.text[range.clone()])
    }

    /// The text at a place.
    pub(crate) fn at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or("null")
    }

    /// Where a part of the document's text stands in it.
    pub(crate) fn range(&self, part: &str) -> Range<usize> {
        range(&self.text, part)
    }
}

/// The member of a document under which others stand that were put beside it.
pub(crate) const OTHERS: &str = "x-outboard-documents";

/// What is indexed, and how many levels below.
const SECTIONS: &[(&str, usize)] = &[
    ("components", 2),
    ("definitions", 1),
    ("parameters", 1),
    ("responses", 1),
    ("securityDefinitions", 1),
    ("paths", 1),
];

fn index_sections(whole: &str, members: &Members<'_>, at: &str, places: &mut HashMap<String, Range<usize>>) {
    for (name, depth) in SECTIONS {
        if let Some(section) = members.get(name) {
            index(whole, section, &format!("{at}/{name}"), *depth, places);
        }
    }
}

fn index(whole: &str, section: &str, at: &str, depth: usize, places: &mut HashMap<String, Range<usize>>) {
    let Some(members) = Members::of(section) else { return };
    for (name, value) in members.0 {
        let pointer = format!("{at}/{}", reference::escaped(&name));
        if depth > 1 {
            index(whole, value.get(), &pointer, depth - 1, places);
        }
        places.insert(pointer, range(whole, value.get()));
    }
}

fn range(whole: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    start..start.saturating_add(part.len())
}

/// The JSON text of a document in JSON or YAML.
pub(crate) fn json_of_bytes(bytes: Vec<u8>) -> Result<String, Unreadable> {
    String::from_utf8(bytes).map_err(|_| Unreadable::NoText).and_then(json_of)
}

fn json_of(text: String) -> Result<String, Unreadable> {
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    let json = match text.trim_start().starts_with(['{', '[']) {
        true => match serde_json::from_str::<&serde_json::value::RawValue>(&text) {
            Ok(_) => return Ok(text),
            Err(error) => Some(error.to_string()),
        },
        false => None,
    };
    // YAML may begin in the same way.
    yaml::to_json(&text).map_err(|problem| Unreadable::Syntax(json.unwrap_or_else(|| problem.to_string())))
}

fn version(members: &Members<'_>) -> Result<Version, Unreadable> {
    let said = |name: &str| members.get(name).map(|text| text.trim_matches('"').to_owned());
    match (said("openapi"), said("swagger")) {
        (Some(version), _) if version.starts_with("3.0") => Ok(Version::V30),
        (Some(version), _) if version.starts_with("3.") || version == "3" => Ok(Version::V31),
        (None, Some(version)) if version == "2" || version.starts_with("2.") => Ok(Version::V2),
        (Some(version), _) => {
            Err(Unreadable::Other(format!("OpenAPI `{}` is not known here", shown(&version))))
        }
        (None, Some(version)) => {
            Err(Unreadable::Other(format!("Swagger `{}` is not known here, only 2.0", shown(&version))))
        }
        (None, None) => Err(Unreadable::Other("it has neither `openapi` nor `swagger`".to_owned())),
    }
}

/// A text of the document, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

/// A part of a document as a tree, unless it is nested beyond reading.
pub(crate) fn built(text: &str) -> Option<Value> {
    if members::depth(text) > DEEPEST {
        return None;
    }
    serde_json::from_str(text).ok()
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("version", &self.version).field("bytes", &self.text.len()).finish()
    }
}
