//! A JSON text as the stream from which Python's `marshal.loads` makes the same value as `json.loads` would, in less than
//! half of the time. Texts that are not certain to give the same are left to `json.loads`, errors included. The stream
//! is at most about two and a half times as long as its text.

/// Texts shorter than this many bytes are not worth it.
const WORTHWHILE: usize = 1 << 10;
/// Values nested deeper than this are left to `json.loads`: the readers' own bounds differ.
const DEEPEST: u32 = 200;
/// Names of members that Python keeps as it keeps those in code, so that they are found at once; it never forgets them.
const MOST_NAMES: usize = 1 << 10;
/// Texts up to this length may be written once and referred to afterwards, if they come again soon.
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 32;
/// Places for texts to come again: each is another text's soon, so what is remembered is bounded.
const PLACES: usize = 1 << 10;

// The types of Python's Python/marshal.c.
const NONE: u8 = b'N';
const FALSE: u8 = b'F';
const TRUE: u8 = b'T';
const INT: u8 = b'i';
const LONG: u8 = b'l';
const FLOAT: u8 = b'g';
const TEXT: u8 = b'u';
const ASCII: u8 = b'a';
const SHORT_ASCII: u8 = b'z';
const SHORT_ASCII_INTERNED: u8 = b'Z';
const LIST: u8 = b'[';
const DICT: u8 = b'{';
const END: u8 = b'0';
const REFERENCE: u8 = b'r';
/// Added to a type: the value can be named afterwards.
const NAMED: u8 = 0x80;

/// Appends the stream for a text, which must be valid JSON; appends nothing and returns `false` if `json.loads` is to
/// read it.
pub(crate) fn write(json: &str, out: &mut Vec<u8>) -> bool {
    if json.len() < WORTHWHILE {
        return false;
    }
    let before = out.len();
    out.reserve(json.len());
    let mut writer =
        Writer { text: json.as_bytes(), at: 0, out, seen: vec![None; PLACES], named: 0, names: 0 };
    let written = writer.value(DEEPEST).is_some();
    if !written {
        out.truncate(before);
    }
    written
}

struct Writer<'a> {
    text: &'a [u8],
    at: usize,
    out: &'a mut Vec<u8>,
    /// Texts that came lately, each with its number among what can be referred to.
    seen: Vec<Option<(&'a [u8], u32)>>,
    /// What can be referred to.
    named: u32,
    /// Names of members among it.
    names: usize,
}

impl<'a> Writer<'a> {
    fn value(&mut self, deeper: u32) -> Option<()> {
        match self.token()? {
            b'"' => self.string(),
            b'{' => self.object(deeper.checked_sub(1)?),
            b'[' => self.array(deeper.checked_sub(1)?),
            b't' => self.word(4, TRUE),
            b'f' => self.word(5, FALSE),
            b'n' => self.word(4, NONE),
            _ => self.number(),
        }
    }

    /// The next byte that is no blank, not taken.
    fn token(&mut self) -> Option<u8> {
        loop {
            match *self.text.get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn word(&mut self, length: usize, kind: u8) -> Option<()> {
        self.at += length;
        self.out.push(kind);
        Some(())
    }

    fn object(&mut self, deeper: u32) -> Option<()> {
        self.out.push(DICT);
        self.at += 1;
        loop {
            match self.token()? {
                b'}' => break,
                b'"' => self.name()?,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            // The colon.
            self.token()?;
            self.at += 1;
            self.value(deeper)?;
        }
        self.at += 1;
        self.out.push(END);
        Some(())
    }

    fn array(&mut self, deeper: u32) -> Option<()> {
        self.out.push(LIST);
        let count_at = self.out.len();
        self.out.extend([0; 4]);
        self.at += 1;
        let mut count = 0_u32;
        loop {
            match self.token()? {
                b']' => break,
                b',' => self.at += 1,
                _ => {
                    self.value(deeper)?;
                    count += 1;
                }
            }
        }
        self.at += 1;
        self.out[count_at..count_at + 4].copy_from_slice(&length(count)?);
        Some(())
    }

    /// The name of a member.
    fn name(&mut self) -> Option<()> {
        let (raw, escaped) = self.raw()?;
        if escaped || raw.len() > LONGEST_NAME || !raw.is_ascii() {
            return self.text(raw, escaped);
        }
        let kind = if self.names < MOST_NAMES { SHORT_ASCII_INTERNED } else { SHORT_ASCII };
        if self.once(raw, kind)? {
            self.names += 1;
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let (raw, escaped) = self.raw()?;
        if escaped || raw.len() > LONGEST_TEXT || !raw.is_ascii() {
            return self.text(raw, escaped);
        }
        self.once(raw, SHORT_ASCII)?;
        Some(())
    }

    /// A short text, or a reference to it if it came lately. Tells whether it was written.
    fn once(&mut self, raw: &'a [u8], kind: u8) -> Option<bool> {
        let place = place(raw);
        if let Some((text, number)) = self.seen[place]
            && text == raw
        {
            self.out.push(REFERENCE);
            self.out.extend(number.to_le_bytes());
            return Some(false);
        }
        self.seen[place] = Some((raw, self.named));
        self.named += 1;
        self.out.extend([kind | NAMED, u8::try_from(raw.len()).ok()?]);
        self.out.extend(raw);
        Some(true)
    }

    /// What stands between two quotes, and whether there are escapes in it.
    fn raw(&mut self) -> Option<(&'a [u8], bool)> {
        let from = self.at + 1;
        let (mut to, mut escaped) = (from, false);
        loop {
            let rest = self.text.get(to..)?;
            to += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if self.text[to] == b'"' {
                break;
            }
            escaped = true;
            to += 2;
        }
        self.at = to + 1;
        Some((&self.text[from..to], escaped))
    }

    fn text(&mut self, raw: &[u8], escaped: bool) -> Option<()> {
        if escaped {
            let plain = unescaped(raw)?;
            return self.plain(&plain);
        }
        self.plain(raw)
    }

    /// A text in UTF-8, in which lone surrogates are coded like other characters.
    fn plain(&mut self, text: &[u8]) -> Option<()> {
        let ascii = text.is_ascii();
        match u8::try_from(text.len()) {
            Ok(short) if ascii => self.out.extend([SHORT_ASCII, short]),
            _ => {
                self.out.push(if ascii { ASCII } else { TEXT });
                self.out.extend(length(u32::try_from(text.len()).ok()?)?);
            }
        }
        self.out.extend(text);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let raw = &rest[..rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len())];
        self.at += raw.len();
        let text = std::str::from_utf8(raw).ok()?;
        if raw.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            let number: f64 = text.parse().ok()?;
            self.out.push(FLOAT);
            self.out.extend(number.to_le_bytes());
            return Some(());
        }
        // Longer ones are left to Python, which has a bound for them.
        let number: i64 = text.parse().ok()?;
        match i32::try_from(number) {
            Ok(small) => {
                self.out.push(INT);
                self.out.extend(small.to_le_bytes());
            }
            Err(_) => self.long(number),
        }
        Some(())
    }

    /// Digits of 15 bits, least first; their number carries the sign.
    fn long(&mut self, number: i64) {
        let mut left = number.unsigned_abs();
        let mut digits = Vec::with_capacity(5);
        while left > 0 {
            digits.push((left & 0x7FFF) as u16);
            left >>= 15;
        }
        let count = i32::try_from(digits.len()).unwrap_or_default();
        self.out.push(LONG);
        self.out.extend((if number < 0 { -count } else { count }).to_le_bytes());
        self.out.extend(digits.iter().flat_map(|digit| digit.to_le_bytes()));
    }
}

/// Where a text is looked for. Texts that a hostile result sends to one place are only written more often.
fn place(text: &[u8]) -> usize {
    let mixed = text.chunks(8).fold(text.len() as u64, |mixed, chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        (mixed.rotate_left(5) ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    (mixed >> 32) as usize % PLACES
}

/// A length as the stream has it: 31 bits.
fn length(count: u32) -> Option<[u8; 4]> {
    i32::try_from(count).ok().map(i32::to_le_bytes)
}

/// The text without escapes. Two that make up a pair of surrogates are one character; others stay alone, coded in
/// three bytes as Python's "surrogatepass" reads them.
fn unescaped(raw: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        plain.extend(&rest[..at]);
        let escape = *rest.get(at + 1)?;
        rest = &rest[at + 2..];
        match escape {
            b'b' => plain.push(8),
            b'f' => plain.push(12),
            b'n' => plain.push(b'\n'),
            b'r' => plain.push(b'\r'),
            b't' => plain.push(b'\t'),
            b'u' => {
                let mut code = unit(rest)?;
                rest = &rest[4..];
                if (0xD800..0xDC00).contains(&code)
                    && let Some(low) = rest.strip_prefix(b"\\u").and_then(unit)
                    && (0xDC00..0xE000).contains(&low)
                {
                    code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    rest = &rest[6..];
                }
                put(&mut plain, code);
            }
            itself => plain.push(itself),
        }
    }
    plain.extend(rest);
    Some(plain)
}

/// The number that four hexadecimal digits are.
fn unit(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits.get(..4)?).ok()?, 16).ok()
}

fn put(plain: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => plain.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        // A surrogate: twelve of its bits stand in two following bytes.
        None => plain.extend([0xED, 0x80 | (code >> 6 & 0x3F) as u8, 0x80 | (code & 0x3F) as u8]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stream of a value of any length.
    fn of(json: &str) -> Option<Vec<u8>> {
        let wide = format!("{}{json}", " ".repeat(WORTHWHILE));
        let mut out = b"before".to_vec();
        let written = write(&wide, &mut out);
        assert_eq!(out.drain(..6).as_slice(), b"before");
        assert!(written || out.is_empty(), "{json}");
        written.then_some(out)
    }

    #[test]
    fn values_are_written_as_python_reads_them() {
        // As `marshal.dumps(value, 2)` writes them, but for names and for texts, which are told from one another here.
        for (json, expected) in [
            ("null", &b"N"[..]),
            ("[true,false]", b"[\x02\0\0\0TF"),
            ("[ ]", b"[\0\0\0\0"),
            ("-0", b"i\0\0\0\0"),
            ("-1", b"i\xff\xff\xff\xff"),
            ("2147483648", b"l\x03\0\0\0\0\0\0\0\x02\0"),
            ("-2147483649", b"l\xfd\xff\xff\xff\x01\0\0\0\x02\0"),
            ("1.5", b"g\0\0\0\0\0\0\xf8\x3f"),
            ("-0.0", b"g\0\0\0\0\0\0\0\x80"),
            ("1e999", b"g\0\0\0\0\0\0\xf0\x7f"),
            (r#""a\u0062""#, b"z\x02ab"),
            ("\"é\"", b"u\x02\0\0\0\xc3\xa9"),
            (r#""\ud83d\ude00\ud83d""#, b"u\x07\0\0\0\xf0\x9f\x98\x80\xed\xa0\xbd"),
            (r#"{"a":1,"b":{"a":2}}"#, b"{\xda\x01ai\x01\0\0\0\xda\x01b{r\0\0\0\0i\x02\0\0\x0000"),
            (r#"["ab","ab"]"#, b"[\x02\0\0\0\xfa\x02abr\0\0\0\0"),
            (r#"{"a":1,"a":2}"#, b"{\xda\x01ai\x01\0\0\0r\0\0\0\0i\x02\0\0\x000"),
        ] {
            assert_eq!(of(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_python_might_read_otherwise_is_left_to_its_json() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(of(&nested(200)).is_some());
        for json in [&nested(201), "9223372036854775808", "-9223372036854775809", &"9".repeat(5_000)] {
            assert_eq!(of(json), None, "{json}");
        }
        assert!(!write("[1]", &mut Vec::new()), "short");
    }

    #[test]
    fn names_that_are_written_once_are_bounded() {
        let members: Vec<String> = (0..3 * MOST_NAMES).map(|n| format!("\"k{}\":1", n / 2)).collect();
        let stream = of(&format!("{{{}}}", members.join(","))).unwrap();
        let is_new = |part: &[u8]| part[0] == SHORT_ASCII_INTERNED | NAMED && part[2] == b'k';
        assert_eq!(stream.windows(3).filter(|part| is_new(part)).count(), MOST_NAMES);
        let long = "x".repeat(LONGEST_NAME + 1);
        assert_eq!(of(&format!("{{\"{long}\":1}}")).unwrap()[1], SHORT_ASCII);
    }
}
