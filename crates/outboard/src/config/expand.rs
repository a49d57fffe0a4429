//! Variables in configuration values: `${VAR}`, `${VAR:-default}` and `${env:VAR}`.
//! There is no other syntax, no nesting and no command substitution.

/// A variable that is named and not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{name}` is not set")]
pub(crate) struct Unset {
    pub(crate) name: String,
}

/// Replaces the variables of a text by their values. A `${` without its `}` or around
/// something that is no variable name stays as it is.
pub(crate) fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, Unset> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        let inside = &rest[start + 2..start + end];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside.strip_prefix("env:").unwrap_or(inside), None),
        };
        if is_name(name) {
            match (variable(name), default) {
                (Some(value), None) => out.push_str(&value),
                (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
                (_, Some(default)) => out.push_str(default),
                (None, None) => return Err(Unset { name: name.to_owned() }),
            }
        } else {
            out.push_str(&rest[start..=start + end]);
        }
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The variables that a text names.
pub(crate) fn named(text: &str) -> Vec<String> {
    let names = std::cell::RefCell::new(Vec::new());
    // A variable that is always set makes expansion visit every name.
    let _ = expand(text, &|name| {
        names.borrow_mut().push(name.to_owned());
        Some(String::new())
    });
    names.into_inner()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        match name {
            "TOKEN" => Some("s3cret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn the_three_forms_are_expanded_and_nothing_else() {
        for (text, expected) in [
            ("Bearer ${TOKEN}", Ok("Bearer s3cret")),
            ("${env:TOKEN}/${TOKEN}", Ok("s3cret/s3cret")),
            ("${MISSING:-fallback}", Ok("fallback")),
            ("${EMPTY:-fallback}|${EMPTY}", Ok("fallback|")),
            ("${MISSING:-}", Ok("")),
            ("${MISSING}", Err("MISSING")),
            ("${env:MISSING}", Err("MISSING")),
            ("$TOKEN $(id) ${not a name} ${1X} ${", Ok("$TOKEN $(id) ${not a name} ${1X} ${")),
            ("${MISSING:-${TOKEN}}", Ok("${TOKEN}")),
        ] {
            let expanded = expand(text, &variables);
            assert_eq!(
                expanded,
                expected.map(str::to_owned).map_err(|name| Unset { name: name.to_owned() }),
                "{text}"
            );
        }
    }

    #[test]
    fn named_variables_are_found_without_their_values() {
        assert_eq!(named("${A}-${env:B}-${C:-d}"), ["A", "B", "C"]);
    }
}
