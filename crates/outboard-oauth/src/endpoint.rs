//! Addresses of an authorisation server. Whoever names them, a browser is sent there and secrets are posted there: so they
//! are encrypted, or on this machine. Whether the right server is meant is a person's matter.

use std::fmt;

use url::{Host, Url};

/// An address to which a person may be sent, or a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why an address is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Everybody on the way could read along.
    #[error("it is not encrypted: only https is used, and http on this machine's loopback")]
    Plain,
    /// RFC 6749, 3.1 and 3.2.
    #[error("it has a user name, a password or a fragment, which such an address must not have")]
    Parts,
}

impl Endpoint {
    /// Takes an address of `https`, or of `http` on the loopback.
    ///
    /// # Errors
    /// For any other.
    pub fn new(url: Url) -> Result<Self, Unfit> {
        let is_open = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !is_open || url.host().is_none() {
            return Err(Unfit::Plain);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Unfit::Parts);
        }
        Ok(Self(url))
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whose it is: scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an address names this machine's loopback by a number, or as `localhost`.
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
    fn only_what_is_encrypted_or_on_this_machine_is_used() {
        for (url, expected) in [
            ("https://auth.example/authorize?tenant=a", Ok(())),
            ("http://127.0.0.1:8080/token", Ok(())),
            ("http://[::1]:8080/token", Ok(())),
            ("http://localhost/token", Ok(())),
            ("http://auth.example/token", Err(Unfit::Plain)),
            ("http://localhost.evil.example/token", Err(Unfit::Plain)),
            ("http://10.0.0.1/token", Err(Unfit::Plain)),
            ("javascript:alert(1)", Err(Unfit::Plain)),
            ("file:///etc/passwd", Err(Unfit::Plain)),
            ("--help:x", Err(Unfit::Plain)),
            ("https://me@auth.example/", Err(Unfit::Parts)),
            ("https://me:pass@auth.example/", Err(Unfit::Parts)),
            ("https://auth.example/#x", Err(Unfit::Parts)),
        ] {
            let Ok(parsed) = Url::parse(url) else {
                assert!(expected.is_err(), "{url}");
                continue;
            };
            assert_eq!(Endpoint::new(parsed).map(drop), expected, "{url}");
        }
    }
}
