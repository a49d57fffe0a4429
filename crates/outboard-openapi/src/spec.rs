//! How an API is reached, as a person's configuration says. Whatever the document says, credentials go to these addresses
//! only. Variables have been resolved by the caller.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use globset::GlobMatcher;
use outboard_oauth::{Client, Endpoint, Key, Store};
use outboard_runtime::{catalogue::Annotations, ids::UpstreamName};
use url::Url;

/// One API as an upstream.
#[derive(Clone, Debug)]
pub struct ApiSpec {
    /// Its configured name.
    pub name: UpstreamName,
    /// How it is reached.
    pub reach: Reach,
    /// When its document is read.
    pub start: Start,
    /// How long the calls that it has may still take once it is replaced or removed.
    pub last_calls: Duration,
    /// The longest response that is read, in bytes.
    pub max_response_bytes: usize,
    /// Where documents that came over the network are kept.
    pub store: PathBuf,
}

/// When a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At once.
    AtOnce,
    /// When somebody wants it.
    WhenUsed,
}

/// What is reached, and with what. `Debug` shows no credential.
#[derive(Clone, PartialEq)]
pub struct Reach {
    /// Where the document is.
    pub document: Source,
    /// Where the API is: operations' paths come after this. Confirmed by a person.
    pub base: Option<Url>,
    /// Further addresses that a person has confirmed, for operations that the document has elsewhere.
    pub servers: Vec<Url>,
    /// Headers of every request to those addresses.
    pub headers: Vec<(String, String)>,
    /// Credentials by the names that the document has for its security schemes.
    pub credentials: BTreeMap<String, Credential>,
    /// Only operations with one of these tags; all, if there are none.
    pub tags: Vec<String>,
    /// What is claimed of operations whose names match, instead of what their methods say.
    pub annotations: Vec<(Pattern, Annotations)>,
    /// Whether loopback and private addresses may be reached under names other than those written here.
    pub private: bool,
    /// Which other documents are read that this one refers to.
    pub references: References,
}

/// Which documents are read that a document refers to: a person asks for them, the document does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum References {
    /// None.
    #[default]
    Unread,
    /// Files in the document's own folder and below it, or addresses of its own origin; and what else is named.
    Near {
        /// Further folders, for a document that is a file.
        folders: Vec<PathBuf>,
        /// Further origins.
        origins: Vec<Url>,
    },
}

/// A pattern over names of tools.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern as `tools.allow` has them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let glob = globset::GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| error.kind().to_string())?;
        Ok(Self { text: text.to_owned(), glob: glob.compile_matcher() })
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        self.glob.is_match(name)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// An address; nothing of ours is sent along.
    Address(Url),
}

/// What is filled in for a security scheme.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An API key, a token, or `user:password`, as the scheme has it.
    Text(String),
    /// What a client presents to get a token (OAuth 2.0, client credentials).
    Client {
        /// Its id.
        id: String,
        /// Its secret.
        secret: String,
        /// What to ask for.
        scopes: Vec<String>,
        /// Where tokens are given; confirmed by a person. If it is absent, only an address of the API itself is used.
        token_url: Option<Url>,
    },
    /// Tokens of a sign-in that a person makes (OAuth 2.0, authorization code).
    Login(Box<Login>),
}

/// How a person signs in, and where what comes of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The upstream by the name that a person knows, for messages.
    pub upstream: String,
    /// This program, as the authorisation server knows it.
    pub client: Client,
    /// What to ask for; if it is empty, what the server gives by itself.
    pub scopes: Vec<String>,
    /// Where a person signs in, as configured. If it is absent, a person confirms what the document says.
    pub authorization: Option<Endpoint>,
    /// Where tokens are given, in the same way.
    pub token: Option<Endpoint>,
    /// Who has to have answered, if an answer says who it is from.
    pub issuer: Option<String>,
    /// Where sessions are kept.
    pub store: Store,
    /// What the session is bound to.
    pub key: Key,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Login(login) => login.fmt(f),
            Self::Client { scopes, token_url, .. } => f
                .debug_struct("Client")
                .field("scopes", scopes)
                .field("token_url", token_url)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Reach")
            .field("document", &self.document)
            .field("host", &self.base.as_ref().and_then(Url::host_str))
            .field("headers", &headers)
            .field("credentials", &self.credentials)
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

impl Reach {
    /// An API at this address, without credentials.
    pub fn new(document: Source, base: Url) -> Self {
        Self {
            document,
            base: Some(base),
            servers: Vec::new(),
            headers: Vec::new(),
            credentials: BTreeMap::new(),
            tags: Vec::new(),
            annotations: Vec::new(),
            private: false,
            references: References::Unread,
        }
    }

    /// The addresses to which credentials may go.
    pub(crate) fn confirmed(&self) -> impl Iterator<Item = &Url> {
        self.base.iter().chain(&self.servers)
    }

    /// Whether a person has confirmed where this address leads.
    pub(crate) fn confirms(&self, url: &Url) -> bool {
        self.confirmed().any(|confirmed| confirmed.origin() == url.origin())
    }
}
