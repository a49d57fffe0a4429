//! Where a model's API is and what opens it. Addresses are https, or http on this machine alone, because a key goes there.
//! A key is shown to nobody: neither by `Debug` nor in what a server says.

use std::fmt;

use url::{Host, Url};

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
        text.replace(&self.0, "***")
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
}
