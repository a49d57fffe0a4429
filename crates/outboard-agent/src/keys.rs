//! Where a key comes from: a variable, or a line of the `.env` in the working directory, of which nothing else is read.
//! A key is never written anywhere.

use crate::provider::endpoint::Key;

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment.
    Variable,
    /// `.env`.
    File,
}

/// A key is there and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use the key in `{name}`: it is empty, or has spaces or characters beyond ASCII")]
pub struct BadKey {
    /// The variable.
    pub name: String,
}

/// The key of this name: the variable, else what the text of a `.env` file says of it.
///
/// # Errors
/// If there is one that no server could be sent.
pub fn find(
    name: &str,
    variable: impl Fn(&str) -> Option<String>,
    env_file: Option<&str>,
) -> Result<Option<(Key, Source)>, BadKey> {
    let set = variable(name).filter(|value| !value.trim().is_empty()).map(|value| (value, Source::Variable));
    let found = set.or_else(|| Some((line(env_file?, name)?, Source::File)));
    let Some((value, source)) = found else { return Ok(None) };
    match Key::new(&value) {
        Some(key) => Ok(Some((key, source))),
        None => Err(BadKey { name: name.to_owned() }),
    }
}

/// The value of `NAME=value` in a `.env` file: the last one, without `export`, quotes and a comment behind it.
fn line(text: &str, name: &str) -> Option<String> {
    let value = text.lines().rev().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })?;
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split_once(quote).map(|(inner, _)| inner.to_owned());
        }
    }
    Some(value.split(" #").next().unwrap_or_default().trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_comes_before_the_file_and_the_file_is_read_as_shells_write_it() {
        let none = |_: &str| None;
        let key = |text: &str| Key::new(text).unwrap();
        for (file, expected) in [
            ("K=abc", Some("abc")),
            ("export K=\"abc\" # mine", Some("abc")),
            ("K='abc'\nOTHER=x", Some("abc")),
            ("K=abc # mine\n", Some("abc")),
            ("# K=old\nK=older\nK = abc", Some("abc")),
            ("KK=abc\nK2=abc", None),
            ("", None),
        ] {
            let found = find("K", none, Some(file)).unwrap();
            assert_eq!(found, expected.map(|text| (key(text), Source::File)), "{file}");
        }
        let set = |name: &str| (name == "K").then(|| "set".to_owned());
        assert_eq!(find("K", set, Some("K=abc")).unwrap(), Some((key("set"), Source::Variable)));
        let bad = find("K", none, Some("K=\"sec ret\"")).unwrap_err();
        assert!(!bad.to_string().contains("sec"), "{bad}");
    }
}
