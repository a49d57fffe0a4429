//! Counts tokens with o200k, an estimate for models whose tokenizer is not public.
//! The tokenizer is built once per process. It does not bound its input: callers do.

/// The longest token of o200k in bytes: text longer than this many bytes a token cannot fit.
pub(super) const LONGEST_TOKEN: usize = 128;

/// Tokens of `text` in the o200k encoding.
pub fn count_tokens(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
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
        }
    }

    #[test]
    fn no_token_is_longer_than_assumed() {
        let bpe = &bpe_openai::o200k_base().bpe;
        let longest = (0..bpe.num_tokens()).map(|token| bpe.token_len(token as u32)).max();
        assert!(longest.is_some_and(|bytes| bytes <= LONGEST_TOKEN), "{longest:?}");
    }
}
