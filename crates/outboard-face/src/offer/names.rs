//! Names of upstreams' tools for clients that see them as they are: at most 64 characters that every API takes, the same for
//! the same tools, and no name twice. What a name means is not kept here.

use sha2::{Digest as _, Sha256};

/// Characters of a name that every API takes.
const LONGEST: usize = 64;

/// Whether every API takes this name.
pub fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(plain)
}

/// The name of a tool with its namespace before it, unless another tool has that: then with what sets it apart.
pub fn prefixed(namespace: &str, identifier: &str, is_free: &dyn Fn(&str) -> bool) -> String {
    let whole = format!("{namespace}__{identifier}");
    if is_plain(&whole) && is_free(&whole) { whole } else { hashed(&whole) }
}

/// As much of a name as may be, with what sets it apart.
fn hashed(whole: &str) -> String {
    let plain: String = whole
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .take(LONGEST - 9)
        .collect();
    let hash = Sha256::digest(whole.as_bytes());
    let apart: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{plain}_{apart}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_that_apis_take_and_stays_apart() {
        for (namespace, identifier, expected) in [
            ("github", "create_issue", Some("github__create_issue")),
            ("github", "s\u{f8}k", None),
            (&*"n".repeat(80), "x", None),
        ] {
            let made = prefixed(namespace, identifier, &|_| true);
            assert!(is_plain(&made) && expected.is_none_or(|expected| expected == made), "{made}");
        }
        // A server may call a tool as another one is called for its namespace.
        let made = prefixed("fix", "echo", &|name| name != "fix__echo");
        assert!(made.starts_with("fix__echo_") && is_plain(&made), "{made}");
        assert_ne!(hashed(&"a".repeat(80)), hashed(&"a".repeat(81)));
    }
}
