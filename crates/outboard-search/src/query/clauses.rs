//! The clauses of a query: a task often names several tools' work one after another.
//! Splits by marks and by words that begin another request; does not parse.

/// Clauses told apart; what follows belongs to the last.
pub(super) const MOST: usize = 32;

/// Words that begin another request after a comma.
const AFTER_COMMA: [&str; 9] =
    ["and", "next", "also", "after", "moreover", "secondly", "thirdly", "plus", "but"];
/// Words that begin another request anywhere.
const ANYWHERE: [&str; 7] =
    ["then", "finally", "additionally", "furthermore", "afterwards", "lastly", "and also"];

/// The parts of a text, in order and complete; the whole of it if it is not to be split.
pub(super) fn split(text: &str, split: bool) -> Vec<&str> {
    if !split {
        return vec![text];
    }
    let mut clauses = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        let rest = &text[next..];
        let ends = match c {
            '.' | '?' | '!' => rest.is_empty() || rest.starts_with(char::is_whitespace),
            ';' | '\n' | '。' | '？' | '！' | '；' => true,
            ',' => AFTER_COMMA.iter().chain(&ANYWHERE).any(|word| opens(rest, word)),
            ' ' => ANYWHERE.iter().any(|word| opens(rest, word)),
            _ => false,
        };
        if ends {
            clauses.push(&text[start..next]);
            start = next;
        }
    }
    clauses.push(&text[start..]);
    clauses
}

fn opens(rest: &str, word: &str) -> bool {
    let rest = rest.strip_prefix(' ').unwrap_or(rest).as_bytes();
    rest.len() > word.len()
        && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
        && !rest[word.len()].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        for (text, expected) in [
            ("list issues", &["list issues"][..]),
            ("Book it. Then pay", &["Book it.", "Then pay"]),
            ("book a room then pay v1.2", &["book a room", "then pay v1.2"]),
            ("read it, and send it", &["read it,", "and send it"]),
            ("red, green", &["red, green"]),
            ("thenceforth andes", &["thenceforth andes"]),
            ("一。二", &["一。", "二"]),
            ("", &[]),
        ] {
            let whole = split(text, true);
            let parts: Vec<&str> =
                whole.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
            assert_eq!(parts, expected, "{text:?}");
            assert_eq!(whole.concat(), text);
        }
    }
}
