//! The environment of upstreams that are child processes: what programs need to run at all, and what their entry
//! names. Nothing else of this process's environment, so that one tool's secret is not every tool's.

use std::collections::BTreeMap;

use super::INSIDE;

/// Variables that are passed on when they are set.
const PASSED: [&str; 27] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMFILES",
    "USERPROFILE",
    "TEMP",
    "TMP",
    "PATHEXT",
];

/// The complete environment of a child whose entry names these variables.
pub(super) fn of_child(
    named: BTreeMap<String, String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> =
        PASSED.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect();
    all.extend(named);
    all.insert(INSIDE.to_owned(), "1".to_owned());
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_what_it_needs_and_what_its_entry_names_and_no_secret_of_another() {
        let ours = |name: &str| match name {
            "PATH" => Some("/bin".to_owned()),
            "ANTHROPIC_API_KEY" | "GITHUB_TOKEN" => Some("secret".to_owned()),
            _ => None,
        };
        let named = BTreeMap::from([("GITHUB_TOKEN".to_owned(), "mine".to_owned())]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            of_child(named, &ours),
            [pair("GITHUB_TOKEN", "mine"), pair("OUTBOARD_INSIDE", "1"), pair("PATH", "/bin")]
        );
    }
}
