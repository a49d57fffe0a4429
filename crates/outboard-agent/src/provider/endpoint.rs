//! Where a model's API is and what opens it. Addresses are https, or http on this machine alone, because a key goes there.
//! A key is shown to nobody: neither by `Debug` nor in what a server says.

use std::fmt;

use serde_json::Value;
use url::{Host, Url};

/// Shorter keys are words that local servers want to hear, and no secrets: they stay where they stand in what is said.
const SECRET: usize = 12;
/// What stands in place of a key.
const HIDDEN: &str = "***";

/// The key of an API.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Takes it, without spaces around it; `None` if it cannot be sent in a header.
    pub fn new(key: &str) -> Option<Self> {
        let key = key.trim();
        let sendable = !key.is_empty() && key.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        sendable.then(|| Self(key.to_owned()))
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// A text in which the key does not stand.
    pub fn taken_out_of(&self, text: &str) -> String {
        text.replace(&self.0, HIDDEN)
    }

    /// Takes the key out of what a model or a tool says, if it is long enough to be a secret.
    pub(crate) fn take_out_of_text(&self, text: &mut String) {
        if self.0.len() >= SECRET && text.contains(&self.0) {
            *text = self.taken_out_of(text);
        }
    }

    /// The same of every text in a value, names of members among them.
    pub(crate) fn take_out_of(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.take_out_of_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.take_out_of(value)),
            Value::Object(members) => {
                members.values_mut().for_each(|value| self.take_out_of(value));
                if members.keys().any(|name| self.0.len() >= SECRET && name.contains(&self.0)) {
                    let renamed = std::mem::take(members).into_iter();
                    *members = renamed.map(|(name, value)| (self.taken_out_of(&name), value)).collect();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// How much of the end of a text may be the beginning of the key, in bytes.
    fn begun_at_end_of(&self, text: &str) -> usize {
        let most = self.0.len().saturating_sub(1).min(text.len());
        (1..=most).rev().find(|length| text.as_bytes().ends_with(&self.0.as_bytes()[..*length])).unwrap_or(0)
    }
}

/// So little of a key tells nobody anything.
const HARMLESS: usize = 4;

/// Takes a key out of words that come in pieces: what may be its beginning waits for the next piece.
pub(crate) struct Sieve<'a> {
    key: Option<&'a Key>,
    held: String,
}

impl<'a> Sieve<'a> {
    pub(crate) fn new(key: Option<&'a Key>) -> Self {
        Self { key: key.filter(|key| key.0.len() >= SECRET), held: String::new() }
    }

    /// What can be shown now.
    pub(crate) fn pass(&mut self, words: &str) -> String {
        let Some(key) = self.key else { return words.to_owned() };
        self.held.push_str(words);
        let mut text = key.taken_out_of(&self.held);
        // The key is ASCII, and so is whatever it begins with.
        self.held = text.split_off(text.len() - key.begun_at_end_of(&text));
        text
    }

    /// What waited, when nothing more comes: if it is much of the key it is not shown.
    pub(crate) fn rest(self) -> String {
        if self.held.len() <= HARMLESS { self.held } else { HIDDEN.to_owned() }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Which API an address speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's Messages.
    Anthropic,
    /// OpenAI's chat completions, and what is compatible with them.
    OpenAi,
}

/// An API's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where turns are asked for.
    pub url: Url,
    /// What it speaks.
    pub dialect: Dialect,
    /// Whether it is OpenAI itself, which has other names for some things than what is compatible with it.
    pub is_openai: bool,
}

/// An address that no key is sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEndpoint {
    /// It is none.
    #[error("use `{0}` as a model's API: it is neither `anthropic`, `openai`, `scripted` nor a URL")]
    NoUrl(String),
    /// It is not encrypted and not on this machine.
    #[error("use `{0}` as a model's API: it must be https, or http on this machine (127.0.0.1, localhost)")]
    Open(String),
    /// It carries a name and password.
    #[error("use a model's API by a URL that carries a name or a password: give the key by `--key-env`")]
    Credentials,
}

impl Endpoint {
    /// Anthropic's own.
    pub fn anthropic() -> Self {
        Self::fixed("https://api.anthropic.com/v1/messages", Dialect::Anthropic)
    }

    /// OpenAI's own.
    pub fn openai() -> Self {
        Self { is_openai: true, ..Self::fixed("https://api.openai.com/v1/chat/completions", Dialect::OpenAi) }
    }

    fn fixed(url: &str, dialect: Dialect) -> Self {
        let url = Url::parse(url).expect("the address of a well-known API is one");
        Self { url, dialect, is_openai: false }
    }

    /// The API at an address: one that ends in `/messages` speaks Anthropic's Messages, any other chat completions, whose
    /// path is added to it.
    ///
    /// # Errors
    /// If no key may be sent there.
    pub fn at(text: &str) -> Result<Self, NoEndpoint> {
        let mut url = Url::parse(text).map_err(|_| NoEndpoint::NoUrl(bare(text)))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NoEndpoint::Credentials);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(NoEndpoint::Open(bare(text))),
            _ => return Err(NoEndpoint::NoUrl(bare(text))),
        }
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        if path.ends_with("/messages") {
            url.set_path(&path);
            return Ok(Self { url, dialect: Dialect::Anthropic, is_openai: false });
        }
        let path = if path.ends_with("/chat/completions") { path } else { path + "/chat/completions" };
        url.set_path(&path);
        let is_openai = is_at(&url, "api.openai.com");
        Ok(Self { url, dialect: Dialect::OpenAi, is_openai })
    }

    /// Whose API it is, if it is that of the models' maker: list prices are its own.
    pub fn maker(&self) -> Option<&'static str> {
        match self.dialect {
            Dialect::Anthropic if is_at(&self.url, "api.anthropic.com") => Some("anthropic"),
            Dialect::OpenAi if self.is_openai => Some("openai"),
            Dialect::Anthropic | Dialect::OpenAi => None,
        }
    }

    /// The host, for people.
    pub fn host(&self) -> String {
        self.url.host_str().unwrap_or("the API").to_owned()
    }

    pub(crate) fn is_here(&self) -> bool {
        is_loopback(&self.url)
    }
}

fn is_at(url: &Url, host: &str) -> bool {
    url.scheme() == "https" && url.host_str() == Some(host) && url.port().is_none()
}

/// An address without what may be a key in it.
fn bare(text: &str) -> String {
    text.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_over_https_or_nowhere_but_to_this_machine() {
        for (text, url, dialect) in [
            ("http://127.0.0.1:9/v1/messages", "http://127.0.0.1:9/v1/messages", Dialect::Anthropic),
            ("http://localhost:9/v1/", "http://localhost:9/v1/chat/completions", Dialect::OpenAi),
            ("https://a.example/x/chat/completions", "https://a.example/x/chat/completions", Dialect::OpenAi),
            ("http://[::1]/", "http://[::1]/chat/completions", Dialect::OpenAi),
        ] {
            let endpoint = Endpoint::at(text).unwrap();
            assert_eq!((endpoint.url.as_str(), endpoint.dialect), (url, dialect), "{text}");
        }
        for text in [
            "http://a.example/v1",
            "http://127.0.0.1.a.example/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "anthropics",
            "https://me:secret@a.example/",
            "http://a.example/v1?key=secret",
            "ftp://a.example/v1#secret",
            "nothing?secret",
        ] {
            let refused = Endpoint::at(text).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn a_makers_own_api_is_known_by_its_address() {
        for (text, maker) in [
            ("https://api.openai.com/v1", Some("openai")),
            ("https://api.openai.com:443/v1/chat/completions", Some("openai")),
            ("https://api.anthropic.com/v1/messages", Some("anthropic")),
            ("https://api.openai.com:8443/v1", None),
            ("https://api.openai.com.a.example/v1", None),
            ("https://api.anthropic.com/v1", None),
            ("https://a.example/api.openai.com", None),
            ("http://127.0.0.1/v1", None),
        ] {
            assert_eq!(Endpoint::at(text).unwrap().maker(), maker, "{text}");
        }
        assert!(Endpoint::at("https://api.openai.com/v1").unwrap().is_openai);
        assert_eq!(
            [Endpoint::openai().maker(), Endpoint::anthropic().maker()],
            [Some("openai"), Some("anthropic")]
        );
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = Key::new(" sk-secret \n").unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
        assert_eq!(key.taken_out_of("bad key sk-secret!"), "bad key ***!");
        assert_eq!([Key::new(""), Key::new("a b"), Key::new("a\nb")], [None, None, None]);
    }

    #[test]
    fn a_key_is_taken_out_of_values_and_of_words_in_pieces() {
        let key = Key::new("sk-sk-secret-12").unwrap();
        let mut value = serde_json::json!({ "a": ["x sk-sk-secret-12"], "sk-sk-secret-12": { "b": 1 } });
        key.take_out_of(&mut value);
        assert_eq!(value, serde_json::json!({ "a": ["x ***"], "***": { "b": 1 } }));
        let said = "é sk-sk-sk-secret-12, sk-sk-secret-1, sk-sk-secret-12sk-";
        for size in 1..said.len() {
            let mut sieve = Sieve::new(Some(&key));
            let chars: Vec<char> = said.chars().collect();
            let passed: String =
                chars.chunks(size).map(|piece| sieve.pass(&piece.iter().collect::<String>())).collect();
            assert_eq!(passed + &sieve.rest(), "é sk-***, sk-sk-secret-1, ***sk-", "{size}");
        }
        let mut sieve = Sieve::new(Some(&key));
        assert_eq!(
            (sieve.pass("it is sk-sk-secret-1"), sieve.rest()),
            ("it is ".to_owned(), "***".to_owned())
        );
        // What local servers want to hear is a word like others.
        let mut text = "ask ollama".to_owned();
        Key::new("ollama").unwrap().take_out_of_text(&mut text);
        assert_eq!(
            (text.as_str(), Sieve::new(Key::new("ollama").as_ref()).pass("ollam")),
            ("ask ollama", "ollam".to_owned())
        );
    }
}
