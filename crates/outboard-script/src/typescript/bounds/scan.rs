//! Measures nesting and repetition of a text without recursion, in linear time, before any parser sees it.
//!
//! Reads tokens only. Whether a `/` divides or opens a regular expression cannot always be told without
//! parsing: where it matters both readings are followed, and the larger measure counts. It reports no errors:
//! a reading ends where the parser would have to give up as well.

/// Readings followed for one text, and bytes looked at for ends of regular expressions, before it is unclear.
const MAX_READINGS: usize = 64;
const MAX_LOOK_AHEAD: usize = 16 << 20;
/// Brackets that an unclear text may have in all.
const MAX_UNCLEAR_BRACKETS: usize = 700;

/// What the parser would have to cope with, at most.
#[derive(Debug, Default)]
pub(super) struct Measure {
    pub(super) nesting: Peak,
    pub(super) stretch: Peak,
    pub(super) work: u64,
    /// There were too many readings, and too many brackets to assume the worst of each.
    pub(super) unclear: bool,
    /// Brackets of a text whose nesting is not known: each may be inside of the one before it.
    pub(super) brackets: usize,
}

/// The highest value of something, with the places where it first reached each of its values.
#[derive(Debug, Default)]
pub(super) struct Peak {
    pub(super) highest: usize,
    reached_at: Vec<u32>,
}

impl Peak {
    fn reach(&mut self, value: usize, at: usize) {
        if value > self.highest {
            self.highest = value;
            self.reached_at.resize(value, u32::try_from(at).unwrap_or(u32::MAX));
        }
    }

    /// Where the value first rose above `limit`.
    pub(super) fn first_above(&self, limit: usize) -> Option<u32> {
        self.reached_at.get(limit).copied()
    }
}

pub(super) fn measure(text: &str) -> Measure {
    let mut measure = Measure::default();
    let mut forks = Forks { readings: vec![Reading::default()], begun: 1, looked_ahead: 0 };
    while let Some(mut reading) = forks.readings.pop() {
        reading.follow(text.as_bytes(), &mut measure, &mut forks);
    }
    let gave_up = forks.begun > MAX_READINGS || forks.looked_ahead > MAX_LOOK_AHEAD;
    if gave_up || text.contains("<!--") || text.contains("\n-->") {
        // Nothing is known but that every bracket may be inside of the one before it, and every second byte a token.
        let brackets = text.bytes().filter(|byte| b"([{<`".contains(byte)).count();
        measure.brackets = brackets;
        measure.unclear = brackets > MAX_UNCLEAR_BRACKETS;
        measure.stretch.reach(text.len() / 2, 0);
        measure.work = measure.work.max((brackets * text.len() / 4) as u64);
    }
    measure
}

/// The readings still to be followed, and what following all of them has cost.
struct Forks {
    readings: Vec<Reading>,
    begun: usize,
    looked_ahead: usize,
}

/// One reading of the text, up to `at`.
#[derive(Clone, Debug)]
struct Reading {
    at: usize,
    frames: Vec<Frame>,
    /// Open type arguments (or less-than signs) of all frames.
    angles: usize,
    /// Recursion of all frames.
    stretch: usize,
    /// Open constructs that the parser may read twice.
    twice: u64,
    last: Last,
}

/// What stands inside of one bracket, template or, outermost, the text.
#[derive(Clone, Debug, Default)]
struct Frame {
    opener: u8,
    twice: bool,
    /// A `?` came: what follows may be read as the branch of a condition and as an arrow function.
    condition: bool,
    angles: usize,
    /// Tokens since the last `;`, `,` or statement keyword.
    stretch: usize,
    /// Tokens since the frame began, for `else`, which reaches back over `;`.
    tokens: usize,
}

/// What the last token was, as far as it tells a division from a regular expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Only an expression or statement can follow.
    Operator,
    /// A word that an operand or a parameter list may follow, unless it is a name here: `async`, `await`, `of`.
    Keyword,
    /// A member access: the next word is a name.
    Dot,
    /// The end of an expression, a type or a statement.
    Operand,
}

impl Default for Reading {
    fn default() -> Self {
        Self { at: 0, frames: vec![Frame::default()], angles: 0, stretch: 0, twice: 0, last: Last::Operator }
    }
}

impl Reading {
    fn follow(&mut self, text: &[u8], measure: &mut Measure, forks: &mut Forks) {
        loop {
            if self.frames.last().is_some_and(|frame| frame.opener == b'`') && !self.template(text, measure) {
                return;
            }
            let Some(&byte) = text.get(self.at) else { return };
            if byte.is_ascii_whitespace() {
                self.at += 1;
                continue;
            }
            measure.work += self.twice;
            let goes_on = match byte {
                b'"' | b'\'' => self.string(text, byte),
                b'/' => self.slash(text, measure, forks),
                b'(' | b'[' | b'{' | b'`' => self.open(byte, measure),
                b')' | b']' | b'}' => self.close(measure),
                b'0'..=b'9' => self.run(text, |c| c.is_ascii_alphanumeric() || c == b'_' || c == b'.'),
                b'\\' => self.escape(text),
                _ if is_word(byte) => self.word(text, measure),
                _ => self.punctuation(text, byte, measure),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Reads template text up to its end or the next `${`.
    fn template(&mut self, text: &[u8], measure: &mut Measure) -> bool {
        while let Some(&byte) = text.get(self.at) {
            match (byte, text.get(self.at + 1)) {
                (b'\\', _) => self.at += 2,
                (b'`', _) => {
                    self.at += 1;
                    self.pop(measure);
                    return true;
                }
                (b'$', Some(b'{')) => {
                    self.at += 1;
                    return self.open(b'{', measure);
                }
                _ => self.at += 1,
            }
        }
        false
    }

    fn string(&mut self, text: &[u8], quote: u8) -> bool {
        self.at += 1;
        while let Some(&byte) = text.get(self.at) {
            match byte {
                b'\\' if text[self.at + 1..].starts_with(b"\r\n") => self.at += 3,
                b'\\' => self.at += 2,
                b'\n' | b'\r' => return false,
                _ => self.at += 1,
            }
            if byte == quote {
                self.last = Last::Operand;
                return true;
            }
        }
        false
    }

    fn slash(&mut self, text: &[u8], measure: &mut Measure, forks: &mut Forks) -> bool {
        let rest = &text[self.at..];
        if rest.starts_with(b"//") {
            self.at += rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
            return true;
        }
        if rest.starts_with(b"/*") {
            let Some(length) = rest[2..].windows(2).position(|pair| pair == b"*/") else { return false };
            self.at += length + 4;
            return true;
        }
        let length =
            if forks.looked_ahead > MAX_LOOK_AHEAD { None } else { regex_end(rest, &mut forks.looked_ahead) };
        let end = length.map(|length| self.at + length);
        let surely_regex = self.last == Last::Operator;
        match end {
            None if surely_regex => return false,
            Some(end) if surely_regex => {
                self.at = end;
                self.last = Last::Operand;
                return true;
            }
            Some(end) if !harmless(&text[self.at + 1..end - 1], text.get(end)) => {
                forks.begun += 1;
                if forks.begun <= MAX_READINGS {
                    forks.readings.push(Self { at: end, last: Last::Operand, ..self.clone() });
                }
            }
            _ => {}
        }
        self.punctuation(text, b'/', measure)
    }

    fn open(&mut self, opener: u8, measure: &mut Measure) -> bool {
        let may_be_parameters = opener == b'(' && matches!(self.last, Last::Operator | Last::Keyword);
        let twice = may_be_parameters || self.frames.last().is_some_and(|frame| frame.condition);
        self.twice += u64::from(twice);
        self.frames.push(Frame { opener, twice, ..Frame::default() });
        self.at += 1;
        self.last = Last::Operator;
        measure.nesting.reach(self.frames.len() - 1 + self.angles, self.at - 1);
        // No need to read on: the text will be turned down.
        self.frames.len() < 1_000
    }

    fn close(&mut self, measure: &mut Measure) -> bool {
        self.at += 1;
        if self.frames.len() > 1 {
            self.pop(measure);
        }
        self.last = Last::Operand;
        true
    }

    fn pop(&mut self, measure: &mut Measure) {
        if let Some(frame) = self.frames.pop() {
            self.twice -= u64::from(frame.twice) + frame.angles as u64;
            self.angles -= frame.angles;
            self.stretch -= frame.stretch;
        }
        self.last = Last::Operand;
        // What was closed is one link of a chain of calls or members.
        self.count(measure);
    }

    fn run(&mut self, text: &[u8], belongs: impl Fn(u8) -> bool) -> bool {
        while text.get(self.at).is_some_and(|&byte| belongs(byte)) {
            self.at += 1;
        }
        self.last = Last::Operand;
        true
    }

    fn escape(&mut self, text: &[u8]) -> bool {
        if text[self.at..].starts_with(b"\\u{") {
            self.at += 3;
            return self.run(text, |byte| byte.is_ascii_hexdigit() || byte == b'}');
        }
        self.at += 2;
        self.last = Last::Operand;
        true
    }

    fn word(&mut self, text: &[u8], measure: &mut Measure) -> bool {
        let (start, before) = (self.at, self.last);
        self.run(text, is_word);
        if before == Last::Dot {
            return true;
        }
        match &text[start..self.at] {
            b"const" | b"var" | b"return" | b"throw" | b"switch" | b"try" | b"break" | b"continue" => {
                self.reset(true);
                self.last = Last::Operator;
            }
            b"if" | b"for" | b"while" | b"do" | b"with" => {
                self.reset_angles();
                self.last = Last::Operator;
            }
            b"else" => {
                if let Some(frame) = self.frames.last_mut() {
                    self.stretch += frame.tokens - frame.stretch;
                    frame.stretch = frame.tokens;
                }
                self.last = Last::Operator;
            }
            b"case" | b"typeof" | b"instanceof" | b"in" | b"new" | b"delete" | b"void" => {
                self.last = Last::Operator;
            }
            b"async" | b"await" | b"yield" | b"of" | b"extends" | b"default" => self.last = Last::Keyword,
            b"class" | b"function" | b"keyof" | b"readonly" | b"unique" | b"infer" | b"asserts" | b"is"
            | b"as" | b"satisfies" | b"abstract" | b"export" => {}
            _ => return true,
        }
        self.count(measure);
        true
    }

    fn punctuation(&mut self, text: &[u8], byte: u8, measure: &mut Measure) -> bool {
        let (before, after) = (self.at.checked_sub(1).map(|at| text[at]), text.get(self.at + 1));
        self.at += 1;
        match byte {
            b';' => self.reset(true),
            b',' => self.reset(false),
            b'<' => {
                self.angles += 1;
                self.twice += 1;
                if let Some(frame) = self.frames.last_mut() {
                    frame.angles += 1;
                }
                measure.nesting.reach(self.frames.len() - 1 + self.angles, self.at - 1);
            }
            b'>' if before != Some(b'=') => {
                if let Some(frame) = self.frames.last_mut().filter(|frame| frame.angles > 0) {
                    frame.angles -= 1;
                    self.angles -= 1;
                    self.twice -= 1;
                }
            }
            b'?' if !matches!(after, Some(b'.' | b'?')) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.condition = true;
                }
            }
            _ => {}
        }
        if !matches!(byte, b';' | b',') {
            self.count(measure);
        }
        self.last = match byte {
            b'.' => Last::Dot,
            // Postfix operators and the end of type arguments end an expression or type.
            b'!' if self.last == Last::Operand => Last::Operand,
            b'>' if before != Some(b'=') => Last::Operand,
            b'+' | b'-' if before == Some(byte) => Last::Operand,
            _ => Last::Operator,
        };
        true
    }

    /// One more token that the parser, or a visitor of its tree, may recurse for.
    fn count(&mut self, measure: &mut Measure) {
        if let Some(frame) = self.frames.last_mut() {
            frame.stretch += 1;
            frame.tokens += 1;
            self.stretch += 1;
            measure.stretch.reach(self.stretch, self.at - 1);
        }
    }

    /// A new element, or with `statement` a new statement, begins: the parser has come back up to the frame.
    fn reset(&mut self, statement: bool) {
        if statement {
            self.reset_angles();
        }
        // A comma in type arguments leaves the parser inside of them.
        if let Some(frame) = self.frames.last_mut().filter(|frame| frame.angles == 0) {
            self.stretch -= frame.stretch;
            frame.stretch = 0;
            frame.condition = false;
        }
    }

    fn reset_angles(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            self.angles -= frame.angles;
            self.twice -= frame.angles as u64;
            frame.angles = 0;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'_' | b'$' | b'#')
}

/// The length of the regular expression at the start of `rest`, slashes included, if it ends on its line.
fn regex_end(rest: &[u8], looked_ahead: &mut usize) -> Option<usize> {
    let (mut at, mut in_class) = (1, false);
    loop {
        *looked_ahead += 1;
        match *rest.get(at)? {
            b'\n' | b'\r' => return None,
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// Whether `body` leads to the same state read as code and read as a regular expression.
fn harmless(body: &[u8], next: Option<&u8>) -> bool {
    let mut open = 0_i32;
    for byte in body {
        match byte {
            b'"' | b'\'' | b'`' => return false,
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open -= 1,
            _ => {}
        }
        if open < 0 {
            return false;
        }
    }
    open == 0 && !matches!(next, Some(b'/' | b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, nesting: usize) {
        let measure = measure(text);
        assert_eq!((measure.nesting.highest, measure.unclear), (nesting, false), "{text:?}");
    }

    #[test]
    fn nesting_is_that_of_the_code() {
        let table = [
            ("", 0),
            ("a", 0),
            ("f(a[{}])", 3),
            ("'((((' + \"[[[\"", 0),
            ("`((((${f(1)}((`", 3),
            ("`a${`b${c}`}`", 4),
            ("// ((((\n/* (((( */ f()", 1),
            ("x = /[(((/]/.test(a)", 1),
            ("if (a) /(((/.test(b)", 3),
            ("a / (b) / (c)", 1),
            ("a / 2 // it's (((\nf()", 1),
            ("let a: Map<string, Set<number>> = new Map<string, Set<number>>()", 2),
            ("const f = (a: A) => a > 1 && a < 2", 1),
            ("a['it\\'s (('] = 1", 1),
            ("\"unterminated (((\n((((", 0),
        ];
        for (text, nesting) in table {
            check(text, nesting);
        }
    }

    #[test]
    fn a_regular_expression_cannot_hide_nesting() {
        let deep = "(".repeat(300);
        for prefix in
            ["if(a)/`/;", "a\n/`/.test(", "class A{}/`/;", "x!/'/;", "x as A<b>\n/\"`/;", "i++/`/;\nj++/`/;"]
        {
            let nesting = measure(&format!("{prefix}{deep}")).nesting.highest;
            assert!(nesting >= 300, "{prefix}: {nesting}");
        }
    }

    #[test]
    fn stretches_end_with_statements_and_elements() {
        let stretch = |text: &str| measure(text).stretch.highest;
        assert_eq!(stretch(&"a = b + c;".repeat(50)), 2);
        assert_eq!(stretch(&"const a = b + c\n".repeat(50)), 3);
        assert_eq!(stretch(&format!("[{}]", "-1, ".repeat(50))), 1);
        assert_eq!(stretch(&"!".repeat(50)), 50);
        assert!(stretch(&"if (a) b:c:d; else ".repeat(50)) >= 150);
        assert!(stretch(&"A<b, keyof ".repeat(50)) >= 100);
    }

    #[test]
    fn code_inside_of_what_may_be_read_twice_is_work() {
        let work = |text: &str| measure(text).work;
        assert_eq!(work("f(g(h(1, 2)))"), 0);
        assert!(work(&"(a=".repeat(100)) > 10_000);
        assert!(work(&"f<".repeat(100)) > 4_000);
    }

    #[test]
    fn looking_for_the_ends_of_regular_expressions_is_bounded() {
        assert!(measure(&"a/[".repeat(100_000)).unclear);
    }

    #[test]
    fn too_many_readings_make_a_large_text_unclear() {
        let text = "if(a)/`'/;\nf();".repeat(400);
        assert!(measure(&text).unclear);
        assert!(!measure("if(a)/`'/;\nf();").unclear);
    }
}
