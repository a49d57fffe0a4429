//! Small texts for models and people: numbers, sizes, durations, and foreign text made harmless.
//! It does not know what the texts are about.

use std::{borrow::Cow, fmt::Write as _, time::Duration};

/// `text` with control characters made visible (`\x1b`), except line feed and tab, so that it
/// cannot command a terminal. A carriage return before a line feed is dropped.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        if is_control(char) {
            // Writing to a String cannot fail.
            let _ = write!(clean, "\\x{:02x}", u32::from(char));
        } else {
            clean.push(char);
        }
    }
    Cow::Owned(clean)
}

/// [`clean`], with line breaks and tabs as spaces: for text that has to stay on its line.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

fn is_control(char: char) -> bool {
    char.is_control() && char != '\n' && char != '\t'
}

/// `10000` as `10,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size in decimal units: `840 B`, `12 kB`, `1.9 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = bytes.saturating_mul(10) / unit;
            return if tenths < 100 && !tenths.is_multiple_of(10) {
                format!("{}.{} {name}", tenths / 10, tenths % 10)
            } else {
                format!("{} {name}", tenths / 10)
            };
        }
    }
    format!("{bytes} B")
}

/// A limit of bytes in the unit it was most likely set in.
pub(crate) fn limit_size(bytes: u64) -> String {
    for (shift, name) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{} {name}", bytes >> shift);
        }
    }
    size(bytes)
}

/// `600 s`, `1.5 s`, `250 ms`.
pub(super) fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis >= 1000 && millis.is_multiple_of(1000) {
        format!("{} s", millis / 1000)
    } else if millis >= 1000 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{millis} ms")
    }
}

/// `1 mistake`, `2 mistakes`.
pub fn counted(count: usize, singular: &str) -> String {
    format!("{} {singular}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// The longest start of `text` of at most `bytes` bytes that ends between characters.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// `text` if it has at most `bytes` bytes, else its start and `…`.
pub(crate) fn clipped(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", head(text, bytes.saturating_sub('…'.len_utf8()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        for (text, expected) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("a\r\nb\rc\0", "a\nb\\x0dc\\x00"),
            ("\u{9b}2J\u{7f}", "\\x9b2J\\x7f"),
            ("naïve 🦀", "naïve 🦀"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn numbers_and_sizes_read_well() {
        assert_eq!(
            [0, 999, 1000, 10_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "10,000", "1,234,567"]
        );
        assert_eq!(
            [0, 999, 1000, 1900, 12_345, 1_900_000, 50_000_000, u64::MAX].map(size),
            ["0 B", "999 B", "1 kB", "1.9 kB", "12 kB", "1.9 MB", "50 MB", "1844674407 GB"],
        );
        assert_eq!([512 << 20, 1 << 30, 1500].map(limit_size), ["512 MiB", "1 GiB", "1.5 kB"]);
        assert_eq!(
            [600_000, 1500, 250].map(Duration::from_millis).map(duration),
            ["600 s", "1.5 s", "250 ms"]
        );
    }

    #[test]
    fn clipping_never_splits_a_character() {
        for bytes in 0..12 {
            assert!(clipped("🦀🦀🦀", bytes).ends_with('…') || bytes >= 12);
            assert!("🦀🦀🦀".starts_with(head("🦀🦀🦀", bytes)));
        }
    }
}
