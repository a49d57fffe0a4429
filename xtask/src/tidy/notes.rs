//! No notes to be done later: what is left over belongs to the tracker, where someone sees it.
//! Talks to nothing. Looks at comments in Rust, and at every word in the other languages.

use super::Finding;
use super::source::Source;

const NOTES: &[&str] = &["TODO", "FIXME", "XXX"];
/// Endings of files that are searched without a lexer.
const PLAIN: &[&str] = &[".md", ".toml", ".c", ".h", ".js", ".mjs", ".ts", ".py", ".sh"];
const MESSAGE: &str = "no notes for later: do it, or file it where someone sees it";

/// Finds notes in the comments of a Rust file.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let noted = source.comments.iter().flat_map(|comment| {
        let lines = comment.text.lines().enumerate();
        lines.filter(|(_, line)| has_note(line)).map(|(offset, _)| comment.line + offset)
    });
    noted.map(|line| Finding::new(source.path, line, "note", MESSAGE)).collect()
}

/// Finds notes in a file of another language.
pub(crate) fn check_plain(path: &str, text: &str) -> Vec<Finding> {
    if !PLAIN.iter().any(|ending| path.ends_with(ending)) && !path.starts_with(".ci/") {
        return Vec::new();
    }
    let noted = text.lines().zip(1..).filter(|(line, _)| has_note(line));
    noted.map(|(_, line)| Finding::new(path, line, "note", MESSAGE)).collect()
}

fn has_note(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| NOTES.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_in_comments_and_nowhere_else() {
        for (text, lines) in [
            ("// TODO: x", &[1_usize][..]),
            ("/* a\n FIXME */", &[2]),
            ("/// XXX", &[1]),
            ("let a = \"TODO\";", &[]),
            ("// mktemp a.XXXXXX", &[]),
            ("// a todo list", &[]),
            ("// MY_TODO", &[]),
        ] {
            let found = check(&Source::new("a.rs", text, false));
            assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), lines, "{text}");
        }
    }

    #[test]
    fn other_languages_are_searched_word_by_word() {
        for (path, text, count) in [
            ("a.py", "# TODO x", 1),
            ("a.c", "/* XXX */", 1),
            (".ci/run", "# FIXME", 1),
            ("a.json", "TODO", 0),
        ] {
            assert_eq!(check_plain(path, text).len(), count, "{path} {text}");
        }
    }
}
