//! Variables in the texts of clients, from each client's way of writing them to Outboard's `${VAR}`.
//! It expands nothing. What has no counterpart is an error that says why, or a note.

use crate::config::named;

/// Converts a text; notes say what a person should know.
pub(super) type Convert = fn(&str, &mut Vec<String>) -> Result<String, String>;

/// For clients that write variables as Outboard does.
#[expect(clippy::unnecessary_wraps, reason = "one type for all ways of writing")]
pub(super) fn same(text: &str, _: &mut Vec<String>) -> Result<String, String> {
    Ok(text.to_owned())
}

/// For clients that have no variables.
#[expect(clippy::unnecessary_wraps, reason = "one type for all ways of writing")]
pub(super) fn plain(text: &str, notes: &mut Vec<String>) -> Result<String, String> {
    for name in named(text) {
        push(notes, format!("`${{{name}}}` is plain text there and the variable `{name}` here"));
    }
    Ok(text.to_owned())
}

/// For clients that also write `$VAR`.
#[expect(clippy::unnecessary_wraps, reason = "one type for all ways of writing")]
pub(super) fn dollar(text: &str, _: &mut Vec<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        let length = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        out.push_str(&rest[..at]);
        if length == 0 || after.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('$');
            rest = after;
        } else {
            out.push_str(&format!("${{{}}}", &after[..length]));
            rest = &after[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// For editors: `${env:VAR}`, `${userHome}`, `${input:…}` and what only an open folder gives a value.
pub(super) fn editor(text: &str, notes: &mut Vec<String>) -> Result<String, String> {
    between(text, "${", |inside| {
        if let Some(name) = inside.strip_prefix("env:") {
            return Ok(format!("${{{name}}}"));
        }
        if let Some(id) = inside.strip_prefix("input:") {
            let name = variable_of(id);
            push(
                notes,
                format!(
                    "the editor asks for `{id}`; here it is the variable `{name}`, which must be set where Outboard is started"
                ),
            );
            return Ok(format!("${{{name}}}"));
        }
        match inside {
            "userHome" => Ok("${HOME}".to_owned()),
            "pathSeparator" | "/" => Ok(std::path::MAIN_SEPARATOR_STR.to_owned()),
            _ if named(&format!("${{{inside}}}")).is_empty() || inside.starts_with("workspaceFolder") => {
                Err(format!("`${{{inside}}}` has a value only within the editor"))
            }
            _ => Ok(format!("${{{inside}}}")),
        }
    })
}

/// For opencode: `{env:VAR}` and `{file:…}`.
pub(super) fn braces(text: &str, _: &mut Vec<String>) -> Result<String, String> {
    let text = between(text, "{env:", |name| Ok(format!("${{{name}}}")))?;
    between(&text, "{file:", |path| {
        Err(format!("`{{file:{path}}}` reads a file, which Outboard does not; put its content in a variable"))
    })
}

/// Replaces each `start…}` by what `change` makes of what is inside.
fn between(
    text: &str,
    start: &str,
    mut change: impl FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        let Some(end) = rest[at..].find('}') else { break };
        out.push_str(&rest[..at]);
        out.push_str(&change(&rest[at + start.len()..at + end])?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The variable that stands for a question of an editor.
fn variable_of(id: &str) -> String {
    let name: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn push(notes: &mut Vec<String>, note: String) {
    if !notes.contains(&note) {
        notes.push(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_variable_becomes_ours() {
        for (convert, text, expected) in [
            (same as Convert, "${A} ${A:-b} $A", Ok("${A} ${A:-b} $A")),
            (plain, "$A {env:A} ${A}", Ok("$A {env:A} ${A}")),
            (dollar, "$A/$B_2 ${C} ${D:-e} $ $1 $$", Ok("${A}/${B_2} ${C} ${D:-e} $ $1 $$")),
            (
                editor,
                "Bearer ${env:A} ${userHome}/x ${input:api-key} ${A}",
                Ok("Bearer ${A} ${HOME}/x ${API_KEY} ${A}"),
            ),
            (editor, "${input:1st.key} ${/}${unclosed", Ok("${_1ST_KEY} /${unclosed")),
            (editor, "${workspaceFolder}/x", Err("`${workspaceFolder}` has a value only within the editor")),
            (editor, "${config:a.b}", Err("`${config:a.b}` has a value only within the editor")),
            (braces, "Bearer {env:A} {x} ${A}", Ok("Bearer ${A} {x} ${A}")),
            (
                braces,
                "{file:~/.key}",
                Err("`{file:~/.key}` reads a file, which Outboard does not; put its content in a variable"),
            ),
        ] {
            let converted = convert(text, &mut Vec::new());
            assert_eq!(converted, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn what_changes_its_meaning_is_noted_once() {
        let mut notes = Vec::new();
        plain("${A} and ${A}", &mut notes).unwrap();
        editor("${input:key} ${input:key}", &mut notes).unwrap();
        assert_eq!(
            notes,
            [
                "`${A}` is plain text there and the variable `A` here",
                "the editor asks for `key`; here it is the variable `KEY`, which must be set where Outboard is started",
            ]
        );
    }
}
