//! Counts tokens with o200k, an estimate for models whose tokenizer is not public.
//! The tokenizer takes 50 MB and a moment to build; it is built when a text is first counted, and never where
//! lengths decide. It does not bound its input: callers do.

/// The longest token of o200k in bytes: text longer than this many bytes a token cannot fit.
pub(super) const LONGEST_TOKEN: usize = 128;

/// Tokens of `text` in the o200k encoding.
pub fn count_tokens(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
}

/// Tokens of declarations, from their length alone: two for each seven bytes of ASCII, and one for each other character.
/// Of those of 51 real servers one took more than that, and most a fifth less.
pub fn estimate_tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().count() - ascii;
    (ascii * 2).div_ceil(7) + others
}

/// Whether `text` has at most `limit` tokens. Counts nothing where its length alone decides: a token stands for a byte
/// at least.
pub(super) fn fits(text: &str, limit: usize) -> bool {
    text.len() <= limit || tokens_within(text, limit).is_some()
}

/// Tokens of `text` if they are at most `limit`. Stops counting soon after the limit, and does
/// not count at all where the length alone decides.
pub(super) fn tokens_within(text: &str, limit: usize) -> Option<usize> {
    if text.len() / LONGEST_TOKEN > limit {
        return None;
    }
    let tokenizer = bpe_openai::o200k_base();
    let mut count = 0;
    for piece in tokenizer.split(text) {
        count += tokenizer.bpe.count(piece.as_bytes());
        if count > limit {
            return None;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_within_a_limit_agrees_with_counting() {
        for text in ["", "a", "hello world", &" ".repeat(500), &"{\"id\":1},".repeat(300), "naïve 🦀 café"]
        {
            let count = count_tokens(text);
            assert_eq!(tokens_within(text, count), Some(count), "{text:?}");
            assert_eq!(count.checked_sub(1).and_then(|less| tokens_within(text, less)), None, "{text:?}");
            for limit in [0, count / 2, count, count + 1, text.len(), text.len() + 1] {
                assert_eq!(fits(text, limit), count <= limit, "{text:?} within {limit}");
            }
        }
    }

    #[test]
    fn no_token_is_longer_than_assumed() {
        let bpe = &bpe_openai::o200k_base().bpe;
        let longest = (0..bpe.num_tokens()).map(|token| bpe.token_len(token as u32)).max();
        assert!(longest.is_some_and(|bytes| bytes <= LONGEST_TOKEN), "{longest:?}");
    }
}
