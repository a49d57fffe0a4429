//! Which addresses are this machine's or its own network's. They are reached only where a person has written them down or
//! allowed them: a document or a server must not lead into the network that Outboard runs in.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Whether the host is named as one of this machine or its network. Other names may lead there as well.
pub(crate) fn host_is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_private(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => is_private(IpAddr::V6(address)),
        None => true,
    }
}

/// Whether an address is not one of the public network.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

/// IANA's special-purpose registry, as far as it is not reachable globally.
fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    // An older address in new clothes: mapped, compatible, translated (64:ff9b::/96), 6to4.
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inside = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        is_private_v4(Ipv4Addr::new(one, two, three, four))
    };
    let zeros = [a, b, c, d, e] == [0; 5];
    (zeros && (f == 0xffff || f == 0) && (inside(g, h) || f == 0))
        || ([a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] && inside(g, h))
        || (a == 0x64 && b == 0xff9b && c == 1)
        || (a == 0x2002 && inside(b, c))
        || address.is_multicast()
        || (a & 0xfe00) == 0xfc00
        || (a & 0xffc0) == 0xfe80
        || (a & 0xffc0) == 0xfec0
        || (a == 0x2001 && b == 0xdb8)
        || (a == 0x2001 && b == 0)
        || (a == 0x100 && b == 0)
}

pub(super) fn refusal(host: &str) -> String {
    format!(
        "`{}` is at a private address, which nobody has allowed: if that is right, add \"privateAddresses\": true to its entry",
        crate::document::shown(host)
    )
}

/// Looks names up and leaves out what is private.
#[derive(Clone, Debug, Default)]
pub(super) struct Public {
    /// Names that a person has written down knowing where they lead.
    but: HashSet<String>,
}

impl Public {
    pub(super) fn but(names: HashSet<String>) -> Self {
        Self { but: names }
    }
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let all = self.but.contains(&host);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let usable: Vec<SocketAddr> =
                found.iter().copied().filter(|address| all || !is_private(address.ip())).collect();
            if usable.is_empty() && !found.is_empty() {
                return Err(refusal(&host).into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused_unless_a_person_has_written_it() {
        let name = || "localhost".parse::<Name>().ok().unwrap();
        let refused = Public::default().resolve(name()).await.map(Iterator::count).unwrap_err();
        assert!(refused.to_string().contains("private address"), "{refused}");
        let written = Public::but(HashSet::from(["localhost".to_owned()]));
        assert!(written.resolve(name()).await.map(Iterator::count).unwrap() > 0);
    }

    #[test]
    fn private_addresses_are_known_in_every_form() {
        for (host, private) in [
            ("127.0.0.1", true),
            ("127.1", true),
            ("2130706433", true),
            ("0x7f.1", true),
            ("0.0.0.0", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("169.254.169.254", true),
            ("100.64.0.1", true),
            ("198.18.0.1", true),
            ("224.0.0.1", true),
            ("255.255.255.255", true),
            ("8.8.8.8", false),
            ("localhost", true),
            ("api.localhost", true),
            ("localhost.", true),
            ("example.com", false),
            ("[::1]", true),
            ("[::]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::ffff:8.8.8.8]", false),
            ("[64:ff9b::7f00:1]", true),
            ("[2002:7f00:1::]", true),
            ("[fe80::1]", true),
            ("[fc00::1]", true),
            ("[2606:4700::1111]", false),
        ] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert_eq!(host_is_private(&url), private, "{host}");
        }
    }
}
