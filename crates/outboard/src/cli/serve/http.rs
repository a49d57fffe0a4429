//! `serve --http`: where it listens, under which names, and by whose tokens. Refuses what would let strangers run code.
//! The protocol is the face's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::Args;
use outboard_face::{
    Face,
    http::{HttpError, HttpFace, HttpOptions, Keys, PATH},
};
use outboard_runtime::ids::Principal;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Failure, escaped};

/// Options of `outboard serve` over HTTP.
#[derive(Debug, Args)]
pub(super) struct Http {
    /// Serve MCP over HTTP at this address instead of stdio, for many clients; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<String>,
    /// Serve only clients that send the token in this variable (`Authorization: Bearer …`); NAME says whose it is. May be
    /// given several times
    #[arg(long, value_name = "[NAME=]VARIABLE", requires = "http")]
    token_env: Vec<String>,
    /// A name under which clients reach this machine, besides `localhost`. May be given several times
    #[arg(long, value_name = "HOST", requires = "http")]
    allow_host: Vec<String>,
}

/// Where clients are to be served, and which.
pub(super) struct Endpoint {
    address: SocketAddr,
    keys: Keys,
    options: HttpOptions,
}

impl Http {
    /// The endpoint that the options ask for, if they do.
    pub(super) fn endpoint(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Endpoint>, Failure> {
        let Some(given) = &self.http else { return Ok(None) };
        let address = address(given).ok_or_else(|| {
            Failure::new(format_args!("could not understand the address `{}`", escaped(given)))
                .hint("for example: --http 127.0.0.1:8722")
                .code(2)
        })?;
        let mut keys = Keys::default();
        for token in &self.token_env {
            add(&mut keys, token, variable)?;
        }
        keys.may_serve(address).map_err(|error| refused(&error))?;
        if let Some(odd) = self.allow_host.iter().find(|host| !is_host(host)) {
            return Err(Failure::new(format_args!(
                "`{}` is no name that could stand in `Host`",
                escaped(odd)
            ))
            .hint("a name alone, without scheme and port: --allow-host box.example")
            .code(2));
        }
        let options = HttpOptions { hosts: self.allow_host.clone(), ..HttpOptions::default() };
        Ok(Some(Endpoint { address, keys, options }))
    }
}

/// Whether this is a host as clients write it, without a port.
fn is_host(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    bare.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(plain))
}

impl Endpoint {
    /// Serves clients until `stop` is cancelled. Says where.
    pub(super) async fn serve(self, face: Face, stop: CancellationToken) -> Result<(), Failure> {
        let listener = TcpListener::bind(self.address).await.map_err(|error| {
            Failure::new(format_args!("could not listen at {}: {error}", self.address))
                .hint("another port, or port 0 for any that is free")
        })?;
        let address = listener.local_addr().map_err(|error| Failure::could_not(&error))?;
        let open = self.keys.is_empty();
        report::note(format_args!("serving MCP at http://{address}{PATH}"));
        if open {
            report::hint(
                "every program of every user on this machine may use it; --token-env asks for a token",
            );
        }
        let face = HttpFace::new(face, self.keys, self.options);
        face.serve(listener, stop).await.map_err(|error| refused(&error))
    }
}

/// An address, or a port of this machine.
fn address(given: &str) -> Option<SocketAddr> {
    if let Ok(address) = given.parse() {
        return Some(address);
    }
    let port = given.strip_prefix("localhost:").unwrap_or(given);
    port.parse().ok().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn add(keys: &mut Keys, given: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<(), Failure> {
    let (name, of) = given.split_once('=').unwrap_or((given, given));
    let shown = escaped(of);
    if name.trim().is_empty() || of.is_empty() {
        return Err(Failure::new(format_args!("could not understand --token-env `{}`", escaped(given)))
            .hint("for example: --token-env ann=ANN_TOKEN")
            .code(2));
    }
    let token = variable(of).filter(|token| !token.is_empty()).ok_or_else(|| {
        Failure::new(format_args!("the variable {shown} of --token-env is not set"))
            .hint(format_args!("for example: export {shown}=\"$(openssl rand -hex 32)\""))
            .code(2)
    })?;
    keys.add(Principal::from(name), &token).map_err(|weak| {
        Failure::new(format_args!("could not use the token in {shown}: {weak}"))
            .hint(format_args!("for example: export {shown}=\"$(openssl rand -hex 32)\""))
            .code(2)
    })
}

fn refused(error: &HttpError) -> Failure {
    let failure = Failure::could_not(error);
    match error {
        HttpError::Exposed(_) => failure.hint("--token-env NAME=VARIABLE asks clients for a token").code(2),
        HttpError::Listener(_) => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_port_of_this_machine_is_understood() {
        for (given, expected) in [
            ("127.0.0.1:8722", Some("127.0.0.1:8722")),
            ("[::1]:0", Some("[::1]:0")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("localhost:8722", Some("127.0.0.1:8722")),
            ("8722", Some("127.0.0.1:8722")),
            ("example.com:80", None),
            ("127.0.0.1", None),
            ("70000", None),
            ("", None),
        ] {
            assert_eq!(address(given), expected.map(|address| address.parse().unwrap()), "{given}");
        }
    }

    #[test]
    fn a_host_is_a_name_alone() {
        for host in ["box.example", "box", "xn--bcher-kva.example", "10.0.0.1", "::1", "[::1]", "my_box"] {
            assert!(is_host(host), "{host}");
        }
        for odd in ["", "http://box", "box:80", "box/mcp", "*.example", "b\u{fc}cher.example", "a b", "[box]"]
        {
            assert!(!is_host(odd), "{odd}");
        }
    }

    #[test]
    fn tokens_come_from_variables_and_say_whose_they_are() {
        let variable = |name: &str| match name {
            "ANN" => Some("0123456789abcdef-ann".to_owned()),
            "SHORT" => Some("0123".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let endpoint = |http: &str, tokens: &[&str]| {
            let http = Http {
                http: Some(http.to_owned()),
                token_env: tokens.iter().map(|&token| token.to_owned()).collect(),
                allow_host: Vec::new(),
            };
            http.endpoint(&variable).map(|endpoint| endpoint.map(|endpoint| format!("{:?}", endpoint.keys)))
        };
        assert_eq!(endpoint("0", &[]).unwrap().unwrap(), "[]");
        assert_eq!(endpoint("0.0.0.0:0", &["ann=ANN"]).unwrap().unwrap(), "[\"ann\"]");
        assert_eq!(endpoint("0", &["ANN"]).unwrap().unwrap(), "[\"ANN\"]");
        for (http, tokens) in [
            ("0.0.0.0:0", &[][..]),
            ("0", &["NONE"]),
            ("0", &["EMPTY"]),
            ("0", &["SHORT"]),
            ("0", &["=ANN"]),
            ("0", &["ann="]),
            ("0", &["ann=ANN", "ben=ANN"]),
            ("nowhere", &[]),
        ] {
            assert!(endpoint(http, tokens).is_err(), "{http} {tokens:?}");
        }
    }
}
