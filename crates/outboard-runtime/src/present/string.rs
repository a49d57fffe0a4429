//! JSON strings as text: decoded without failing, measured, and cut between characters.
//! Lone surrogates, which scripts can make and UTF-8 cannot hold, become U+FFFD.

/// What the escapes of a JSON string stand for. `raw` is the string without its quotes. Decodes
/// at most about `bytes` bytes of output.
pub(super) fn decode(raw: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(raw.len().min(bytes.saturating_add(8)));
    let mut rest = raw;
    while !rest.is_empty() && text.len() < bytes {
        let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        if plain > 0 {
            let room = bytes - text.len();
            let whole = &rest[..plain];
            let shown = if whole.len() <= room { whole } else { super::plain::head(whole, room) };
            text.push_str(shown);
            if shown.len() < whole.len() {
                break;
            }
            rest = &rest[plain..];
            continue;
        }
        let (char, length) = escape(rest);
        text.push(char);
        rest = rest.get(length..).unwrap_or_default();
    }
    text
}

/// The character that the escape at the start of `raw` stands for, and its length in bytes.
fn escape(raw: &str) -> (char, usize) {
    match raw.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => unicode(raw),
        Some(byte) if byte.is_ascii() => (char::from(*byte), 2),
        _ => (char::REPLACEMENT_CHARACTER, raw.len()),
    }
}

fn unicode(raw: &str) -> (char, usize) {
    let Some(unit) = code_unit(raw) else { return (char::REPLACEMENT_CHARACTER, 2) };
    if (0xd800..0xdc00).contains(&unit)
        && let Some(low) = raw.get(6..).and_then(code_unit)
        && (0xdc00..0xe000).contains(&low)
    {
        let scalar = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

fn code_unit(raw: &str) -> Option<u32> {
    let digits = raw.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Characters in a JSON string, given without its quotes.
pub(super) fn length(raw: &str) -> usize {
    let bytes = raw.as_bytes();
    let starts = |part: &[u8]| part.iter().filter(|byte| (**byte as i8) >= -0x40).count();
    let mut count = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        count += starts(&bytes[at..at + found]) + 1;
        at += found;
        at += escape(&raw[at..]).1;
        if at >= bytes.len() {
            return count;
        }
    }
    count + starts(&bytes[at..])
}

/// The longest start of a JSON string (given without its quotes) of at most `bytes` bytes that
/// splits neither a character nor an escape nor a pair of surrogates.
pub(super) fn raw_head(raw: &str, bytes: usize) -> &str {
    let whole = super::plain::head(raw, bytes);
    if whole.len() == raw.len() {
        return whole;
    }
    let mut end = 0;
    let mut at = 0;
    while at < whole.len() {
        let plain = memchr::memchr(b'\\', &whole.as_bytes()[at..]).map_or(whole.len(), |found| at + found);
        end = plain;
        at = plain;
        if at < whole.len() {
            at += escape(&raw[at..]).1;
            if at <= whole.len() {
                end = at;
            }
        }
    }
    &whole[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_counted_and_never_split() {
        for (raw, text) in [
            ("", ""),
            ("plain", "plain"),
            (r#"a\n\t\"\\\/b"#, "a\n\t\"\\/b"),
            (r"\u00e9\ud83e\udd80!", "é🦀!"),
            (r"\ud83e", "\u{fffd}"),
            (r"\udd80\ud83ex", "\u{fffd}\u{fffd}x"),
            ("naïve 🦀 text", "naïve 🦀 text"),
        ] {
            assert_eq!(decode(raw, usize::MAX), text);
            assert_eq!(length(raw), text.chars().count(), "{raw}");
            for bytes in 0..=raw.len() {
                let head = raw_head(raw, bytes);
                assert!(head.len() <= bytes);
                assert!(text.starts_with(&decode(head, usize::MAX)), "{head}");
                assert!(text.starts_with(&decode(raw, bytes)), "{raw} {bytes}");
            }
        }
    }
}
