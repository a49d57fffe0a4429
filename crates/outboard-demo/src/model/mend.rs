//! Corrects a misspelt name in a script from an error that says "did you mean".
//!
//! It works from the error's words alone, so that the demo shows whether they suffice; it knows no
//! tool names of its own.

/// The script with the name replaced, or nothing when the error does not help.
pub(super) fn mend(script: &str, error: &str) -> Option<String> {
    let (complaint, advice) = error.split_once("did you mean")?;
    let suggested = path(advice).rsplit('.').next().filter(|name| !name.is_empty())?;
    let mistaken = words(complaint)
        .filter(|word| *word != suggested && words(script).any(|used| used == *word))
        .max_by_key(|word| shared_start(word, suggested))
        .filter(|word| shared_start(word, suggested) > 0)?;
    Some(replace_word(script, mistaken, suggested))
}

/// The first dotted name in the text: `data_tools.get_page` of "`data_tools.get_page(…)`?".
fn path(text: &str) -> &str {
    let text = text.trim_start_matches(|c| !is_word(c));
    let end = text.find(|c| !is_word(c) && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn shared_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

fn replace_word(text: &str, word: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let (gap, tail) = rest.split_at(start);
        let (found, after) = tail.split_at(tail.find(|c| !is_word(c)).unwrap_or(tail.len()));
        out.push_str(gap);
        out.push_str(if found == word { with } else { found });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_corrected_from_the_words_of_the_error() {
        let script = "await data_tools.get_chunk(get_chunk_size)";
        let mended = Some("await data_tools.get_data_chunk(get_chunk_size)".to_owned());
        let cases = [
            (
                "3:21  data_tools has no `get_chunk`; did you mean `get_data_chunk(input: { page: number })`?",
                mended.clone(),
            ),
            (
                "data_tools has no tool get_chunk (await it), did you mean data_tools.get_data_chunk?",
                mended.clone(),
            ),
            ("unknown tool \"data_tools.get_chunk\": did you mean: get_data_chunk, get_total_pages", mended),
            ("data_tools has no `get_chunk`", None),
            ("data_tools has no `other`; did you mean `get_data_chunk`?", None),
            ("did you mean", None),
        ];
        for (error, expected) in cases {
            assert_eq!(mend(script, error), expected, "{error}");
        }
    }
}
