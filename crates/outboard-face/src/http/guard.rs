//! Who may speak: by the address that a request was sent to, by where it comes from, and by the key that it shows.
//!
//! A web page can make a browser send requests to this machine, also under a name of its own that it has let lead here (DNS
//! rebinding). Such requests tell by `Host` and `Origin`, which pages cannot forge. Whoever can run programs on this
//! machine forges both; against them only a key helps.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use hyper::{
    HeaderMap, Uri,
    header::{self, HeaderName},
    http::uri::Authority,
};
use outboard_runtime::ids::Principal;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::HttpError;

/// Characters of the shortest key that is taken.
const SHORTEST: usize = 16;

/// The keys that clients show as bearer tokens, and who shows each. Of a key only its hash is held.
#[derive(Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    principal: Principal,
    hash: [u8; 32],
}

/// A key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// It could be guessed.
    #[error("it has {0} characters, and needs {SHORTEST} at least")]
    Short(usize),
    /// No client could send it.
    #[error("a header can only carry printable ASCII without spaces")]
    Unprintable,
    /// One key cannot tell two principals apart.
    #[error("it is also the token of `{0}`")]
    Shared(Principal),
}

/// A request does not show whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It shows no key.
    Nobody,
    /// It shows one that nobody has.
    Stranger,
}

impl Keys {
    /// Whoever shows this key is this principal.
    pub fn add(&mut self, principal: Principal, key: &str) -> Result<(), WeakKey> {
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(WeakKey::Unprintable);
        }
        if key.len() < SHORTEST {
            return Err(WeakKey::Short(key.len()));
        }
        let hash = hash(key.as_bytes());
        if let Some(same) = self.0.iter().find(|known| known.hash == hash && known.principal != principal) {
            return Err(WeakKey::Shared(same.principal.clone()));
        }
        self.0.push(Key { principal, hash });
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses addresses that others than this machine's own programs reach, unless there are keys.
    pub fn may_serve(&self, address: SocketAddr) -> Result<(), HttpError> {
        if self.is_empty() && !address.ip().to_canonical().is_loopback() {
            return Err(HttpError::Exposed(address));
        }
        Ok(())
    }

    /// Who sends a request with these headers; `None` where nobody has to prove it. Takes as long for any key: hashes are
    /// compared, all of them and whole.
    pub(super) fn principal(&self, headers: &HeaderMap) -> Result<Option<Principal>, Unknown> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else { return Err(Unknown::Nobody) };
        let given = given.as_bytes();
        let (scheme, key) = given.split_at_checked(7).ok_or(Unknown::Nobody)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return Err(Unknown::Nobody);
        }
        let hash = hash(key.trim_ascii());
        let mut found = None;
        for known in &self.0 {
            if bool::from(known.hash.ct_eq(&hash)) {
                found = Some(known.principal.clone());
            }
        }
        found.map(Some).ok_or(Unknown::Stranger)
    }
}

/// Shows whose keys there are, and no hash.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.principal)).finish()
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// The names under which this endpoint is reached.
pub(super) struct Hosts {
    address: IpAddr,
    names: Vec<String>,
}

impl Hosts {
    pub(super) fn new(address: SocketAddr, names: &[String]) -> Self {
        let names = names.iter().map(|name| bare(name).to_ascii_lowercase()).collect();
        Self { address: address.ip().to_canonical(), names }
    }

    /// Whether a request was sent to this endpoint by one of its names. Says what is wrong.
    pub(super) fn reached(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
        let host = one(headers, &header::HOST).map_err(|()| "`Host` has to stand there once")?;
        let host = host.ok_or("`Host` is missing")?;
        let host = Authority::try_from(host).map_err(|_| "`Host` is no address")?;
        if !self.named(&host) || uri.authority().is_some_and(|asked| !self.named(asked)) {
            return Err("`Host` is no name of this endpoint");
        }
        Ok(())
    }

    fn named(&self, authority: &Authority) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let host = bare(authority.host()).to_ascii_lowercase();
        if self.names.contains(&host) {
            return true;
        }
        let local = self.address.is_loopback() || self.address.is_unspecified();
        match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
            // No page can have an address as its name lead to another one.
            Ok(address) => {
                address == self.address || self.address.is_unspecified() || local && address.is_loopback()
            }
            Err(_) => local && host == "localhost",
        }
    }
}

/// Whether a request comes from no web page, or from one that was got where the request was sent to. A browser says the same of
/// both, also where a proxy that speaks TLS stands between; that `Host` is a name of the endpoint is judged before.
pub(super) fn comes_from_here(headers: &HeaderMap) -> Result<(), &'static str> {
    let origin = one(headers, &header::ORIGIN).map_err(|()| "`Origin` stands there more than once")?;
    let Some(origin) = origin else { return Ok(()) };
    let host = one(headers, &header::HOST).ok().flatten().and_then(|host| Authority::try_from(host).ok());
    let own = || {
        let (host, origin) = (host?, Uri::try_from(origin).ok()?);
        let usual = match origin.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
        let origin = origin.authority()?;
        let same = origin.host().eq_ignore_ascii_case(host.host()) && port(origin) == port(&host);
        (same && !origin.as_str().contains('@')).then_some(())
    };
    own().ok_or("web pages of other origins are not served")
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The value of a header that may stand there once, as text.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    value.to_str().map(Some).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_names_of_the_endpoint_reach_it() {
        let (uri, loopback) = (Uri::from_static("/mcp"), "127.0.0.1:8000".parse().unwrap());
        for (address, name, host, reached) in [
            (loopback, "", "127.0.0.1:8000", true),
            (loopback, "", "localhost:8000", true),
            (loopback, "", "LocalHost", true),
            (loopback, "", "[::1]:8000", true),
            (loopback, "", "127.0.0.2:9", true),
            (loopback, "box.lan", "box.lan:8000", true),
            (loopback, "", "box.lan", false),
            (loopback, "", "evil.example", false),
            (loopback, "", "localhost.evil.example", false),
            (loopback, "", "127.0.0.1.evil.example", false),
            (loopback, "", "localhost.", false),
            (loopback, "", "10.0.0.1", false),
            (loopback, "", "localhost@evil.example", false),
            (loopback, "", "evil@localhost", false),
            (loopback, "", "", false),
            ("10.0.0.1:80".parse().unwrap(), "", "10.0.0.1", true),
            ("10.0.0.1:80".parse().unwrap(), "", "localhost", false),
            ("10.0.0.1:80".parse().unwrap(), "", "127.0.0.1", false),
            ("0.0.0.0:80".parse().unwrap(), "", "10.0.0.7", true),
            ("0.0.0.0:80".parse().unwrap(), "", "evil.example", false),
        ] {
            let hosts = Hosts::new(address, &[name.to_owned()]);
            let found = hosts.reached(&uri, &headers(&[(header::HOST, host)]));
            assert_eq!(found.is_ok(), reached && !host.is_empty(), "{host} at {address}: {found:?}");
        }
        let hosts = Hosts::new(loopback, &[]);
        let twice = headers(&[(header::HOST, "localhost"), (header::HOST, "evil.example")]);
        assert!(hosts.reached(&uri, &headers(&[])).is_err() && hosts.reached(&uri, &twice).is_err());
        let elsewhere = Uri::from_static("http://evil.example/mcp");
        assert!(hosts.reached(&elsewhere, &headers(&[(header::HOST, "localhost")])).is_err());
    }

    #[test]
    fn pages_of_other_origins_are_told_by_their_origin() {
        for (host, origin, own) in [
            ("localhost:8000", "http://localhost:8000", true),
            ("127.0.0.1:8000", "http://127.0.0.1:8000", true),
            ("Box.example", "https://box.example", true),
            ("box.example:443", "https://box.example", true),
            ("[::1]:8000", "http://[::1]:8000", true),
            ("localhost:8000", "http://127.0.0.1:8000", false),
            ("localhost:8000", "http://localhost:3000", false),
            ("localhost:8000", "http://localhost", false),
            ("box.example", "http://box.example:8000", false),
            ("10.0.0.1:8000", "http://10.0.0.2:8000", false),
            ("localhost:8000", "http://evil.example", false),
            ("localhost:8000", "http://evil.example:8000", false),
            ("localhost:8000", "http://localhost:8000.evil.example", false),
            ("localhost:8000", "http://localhost:8000@evil.example", false),
            ("localhost:8000", "http://evil@localhost:8000", false),
            ("localhost:8000", "chrome-extension://localhost:8000", false),
            ("localhost:8000", "null", false),
            ("localhost:8000", "", false),
            ("localhost:8000", "//localhost:8000", false),
        ] {
            let found = comes_from_here(&headers(&[(header::HOST, host), (header::ORIGIN, origin)]));
            assert_eq!(found.is_ok(), own, "{host} {origin:?}");
        }
        assert!(comes_from_here(&headers(&[(header::HOST, "localhost")])).is_ok());
        let twice = [
            (header::HOST, "localhost:8000"),
            (header::ORIGIN, "http://localhost:8000"),
            (header::ORIGIN, "http://evil.example"),
        ];
        assert!(comes_from_here(&headers(&twice)).is_err());
    }

    #[test]
    fn a_key_tells_whose_request_it_is() {
        let mut keys = Keys::default();
        keys.add("ann".into(), "ann's-0123456789").unwrap();
        keys.add("ben".into(), "ben's-0123456789").unwrap();
        for (given, expected) in [
            ("Bearer ann's-0123456789", Ok(Some(Principal::from("ann")))),
            ("bearer  ben's-0123456789", Ok(Some(Principal::from("ben")))),
            ("Bearer ann's-012345678", Err(Unknown::Stranger)),
            ("Bearer ann's-01234567890", Err(Unknown::Stranger)),
            ("Bearer ", Err(Unknown::Stranger)),
            ("Basic ann's-0123456789", Err(Unknown::Nobody)),
            ("ann's-0123456789", Err(Unknown::Nobody)),
            ("", Err(Unknown::Nobody)),
        ] {
            assert_eq!(keys.principal(&headers(&[(header::AUTHORIZATION, given)])), expected, "{given}");
        }
        let twice = [
            (header::AUTHORIZATION, "Bearer ann's-0123456789"),
            (header::AUTHORIZATION, "Bearer ben's-0123456789"),
        ];
        assert_eq!(keys.principal(&headers(&twice)), Err(Unknown::Nobody));
        assert_eq!(keys.principal(&headers(&[])), Err(Unknown::Nobody));
        assert_eq!(Keys::default().principal(&headers(&[])), Ok(None));
        assert!(!format!("{keys:?}").contains("0123"));
    }

    #[test]
    fn keys_that_prove_nothing_are_refused() {
        let mut keys = Keys::default();
        assert_eq!(keys.add("ann".into(), "short"), Err(WeakKey::Short(5)));
        assert_eq!(keys.add("ann".into(), "with space 0123456789"), Err(WeakKey::Unprintable));
        assert_eq!(keys.add("ann".into(), ""), Err(WeakKey::Short(0)));
        keys.add("ann".into(), "0123456789abcdef").unwrap();
        assert_eq!(keys.add("ben".into(), "0123456789abcdef"), Err(WeakKey::Shared("ann".into())));
    }

    #[test]
    fn without_a_key_only_this_machine_is_served() {
        let mut keys = Keys::default();
        for (address, served) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:1", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:0", true),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("10.0.0.1:80", false),
        ] {
            assert_eq!(keys.may_serve(address.parse().unwrap()).is_ok(), served, "{address}");
        }
        keys.add("ann".into(), "0123456789abcdef").unwrap();
        assert!(keys.may_serve("0.0.0.0:0".parse().unwrap()).is_ok());
    }
}
