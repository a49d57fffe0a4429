//! Takes out of events what must not be recorded: the secrets of the configuration, word for word, and what the user's
//! patterns match, in texts and in strings and long numbers within JSON; all else stays byte for byte. What was taken out
//! is gone: such a run cannot be resumed or go on from its record, and a replay compares what it does by the same rules.
//! Values that a script makes of a secret (parts, encodings, hashes) are not found.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;
use memchr::{memchr, memchr2};
use regex::{Regex, RegexSet};

use super::{Event, Slot};
use crate::json::Json;

/// What stands in a record for what was taken out.
pub const REDACTED: &str = "[redacted]";

/// Shorter secrets are not looked for: they would be found in words that are none.
const SHORTEST: usize = 8;

/// Knows what must not be recorded. Patterns are matched in linear time.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Option<AhoCorasick>,
    set: Option<RegexSet>,
    patterns: Vec<Regex>,
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("use the pattern `{pattern}`")]
pub struct BadPattern {
    /// As it was given.
    pub pattern: String,
    /// Why not.
    #[source]
    pub source: Box<regex::Error>,
}

impl Redactor {
    /// Takes out these secrets and what these patterns match. Secrets of less than eight bytes are left alone.
    pub fn new<'a>(
        secrets: impl IntoIterator<Item = &'a str>,
        patterns: &[String],
    ) -> Result<Self, BadPattern> {
        let mut secrets: Vec<&str> = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect();
        secrets.sort_unstable();
        secrets.dedup();
        let secrets = match secrets.is_empty() {
            true => None,
            // Fails only for more text than a configuration can hold.
            false => AhoCorasick::builder()
                .match_kind(aho_corasick::MatchKind::LeftmostLongest)
                .build(secrets)
                .ok(),
        };
        let compiled = patterns.iter().map(|pattern| {
            Regex::new(pattern)
                .map_err(|source| BadPattern { pattern: pattern.clone(), source: Box::new(source) })
        });
        let patterns = compiled.collect::<Result<Vec<_>, _>>()?;
        let set = match patterns.is_empty() {
            true => None,
            false => RegexSet::new(patterns.iter().map(Regex::as_str)).ok(),
        };
        Ok(Self { secrets, set, patterns })
    }

    /// Takes out what must not be recorded; whether there was any.
    pub fn redact(&self, event: &mut Event) -> bool {
        if self.secrets.is_none() && self.patterns.is_empty() {
            return false;
        }
        let mut found = false;
        for slot in event.slots() {
            match slot {
                Slot::Text(text) => {
                    if let Some(redacted) = self.text(text) {
                        (*text, found) = (redacted, true);
                    }
                }
                Slot::Json(value) => {
                    if let Some(redacted) = self.json(value.as_str())
                        && let Ok(redacted) = Json::parse(redacted)
                    {
                        (*value, found) = (redacted, true);
                    }
                }
            }
        }
        found
    }

    /// A text without what must not be recorded, if there is any.
    pub fn text(&self, text: &str) -> Option<String> {
        let mut redacted = Cow::Borrowed(text);
        if let Some(secrets) = &self.secrets
            && secrets.is_match(text)
        {
            let mut without = String::with_capacity(text.len());
            secrets.replace_all_with(text, &mut without, |_, _, without| {
                without.push_str(REDACTED);
                true
            });
            redacted = Cow::Owned(without);
        }
        if self.set.as_ref().is_some_and(|set| set.is_match(&redacted)) {
            for pattern in &self.patterns {
                if let Cow::Owned(without) = pattern.replace_all(&redacted, regex::NoExpand(REDACTED)) {
                    redacted = Cow::Owned(without);
                }
            }
        }
        match redacted {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => None,
        }
    }

    /// The same for the strings and numbers of a JSON text.
    fn json(&self, text: &str) -> Option<String> {
        let bytes = text.as_bytes();
        if self.patterns.is_empty()
            && memchr(b'\\', bytes).is_none()
            && self.secrets.as_ref().is_none_or(|secrets| !secrets.is_match(text))
        {
            return None;
        }
        let mut rewritten = Rewritten { text, out: String::new(), copied: 0 };
        let mut at = 0;
        while let Some(start) = memchr(b'"', &bytes[at..]).map(|found| at + found) {
            self.numbers(&mut rewritten, at, start);
            let (end, escaped) = string_end(bytes, start + 1);
            let said = match escaped {
                false => Cow::Borrowed(&text[start + 1..end]),
                true => Cow::Owned(serde_json::from_str::<String>(&text[start..=end]).unwrap_or_default()),
            };
            if let Some(without) = self.text(&said) {
                rewritten.replace(start, end + 1, Json::string(&without).as_str());
            }
            at = end + 1;
        }
        self.numbers(&mut rewritten, at, text.len());
        rewritten.done()
    }

    /// Long numbers between two strings.
    fn numbers(&self, rewritten: &mut Rewritten<'_>, from: usize, to: usize) {
        let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let bytes = rewritten.text.as_bytes();
        let mut at = from;
        while let Some(start) = bytes[at..to].iter().position(|byte| byte.is_ascii_digit() || *byte == b'-') {
            let start = at + start;
            let length = bytes[start..to].iter().take_while(|byte| is_part(byte)).count();
            let end = start + length.max(1);
            if length >= SHORTEST && self.text(&rewritten.text[start..end]).is_some() {
                rewritten.replace(start, end, Json::string(REDACTED).as_str());
            }
            at = end;
        }
    }
}

/// Where a string ends whose text begins at `from`, and whether something is escaped in it.
fn string_end(bytes: &[u8], from: usize) -> (usize, bool) {
    let (mut at, mut escaped) = (from, false);
    loop {
        // The text is JSON: each string ends.
        match memchr2(b'"', b'\\', &bytes[at..]).map(|found| at + found) {
            Some(found) if bytes[found] == b'"' => return (found, escaped),
            Some(found) => (at, escaped) = ((found + 2).min(bytes.len()), true),
            None => return (bytes.len() - 1, escaped),
        }
    }
}

/// A text of which parts are replaced.
struct Rewritten<'a> {
    text: &'a str,
    out: String,
    copied: usize,
}

impl Rewritten<'_> {
    fn replace(&mut self, from: usize, to: usize, by: &str) {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(by);
        self.copied = to;
    }

    fn done(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.out.push_str(&self.text[self.copied..]);
        Some(self.out)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        clock::RunTime,
        ids::RequestId,
        journal::Ending,
        ports::engine::{Delivered, Delivery, Frame, ProgramPosition, Reply, Thrown, ThrownTool},
    };

    const SECRET: &str = "pa\"ss/wörd\\1";

    fn redacted(value: &str) -> (bool, String) {
        let redactor =
            Redactor::new([SECRET, "12345678901234567", "short"], &["k-[0-9]+".to_owned()]).unwrap();
        let reply = Reply::Value(Json::parse(value).unwrap());
        let what = Delivered::Settled { request: RequestId(1), reply };
        let mut event = Event::Delivered(Delivery { at: RunTime::default(), what });
        let found = redactor.redact(&mut event);
        let Slot::Json(value) = event.slots().remove(0) else { panic!("no value") };
        (found, value.as_str().to_owned())
    }

    #[test]
    fn secrets_are_found_however_they_are_escaped_and_all_else_stays_as_it_was() {
        let plain = json!({ "a": format!("x{SECRET}y"), SECRET: [1.0, "short"] }).to_string();
        let odd = r#"{ "a" :"\u0070a\"ss\/w\u00f6rd\\1", "n": 1.50e3 , "m":12345678901234567}"#;
        for (given, expected) in [
            (plain.as_str(), r#"{"a":"x[redacted]y","[redacted]":[1.0,"short"]}"#),
            (odd, r#"{ "a" :"[redacted]", "n": 1.50e3 , "m":"[redacted]"}"#),
            (r#"["k-12 and k-3", "k-"]"#, r#"["[redacted] and [redacted]", "k-"]"#),
        ] {
            assert_eq!(redacted(given), (true, expected.to_owned()));
        }
        for untouched in [r#"{ "a" : "pa\"ss" , "\\":[1e400, 1234567] }"#, "null", r#""""#, "-1", "[]"] {
            assert_eq!(redacted(untouched), (false, untouched.to_owned()));
        }
    }

    #[test]
    fn all_that_a_script_can_put_into_an_exception_is_looked_at() {
        let said = || "x secret-word-7 y".to_owned();
        let position = ProgramPosition { line: 1, column: 1 };
        let mut event = Event::Ended(Ending::Threw(Thrown {
            name: said(),
            message: said(),
            tool: Some(ThrownTool { name: said(), code: None }),
            frames: vec![Frame { position, function: said() }],
        }));
        assert!(Redactor::new(["secret-word-7"], &[]).unwrap().redact(&mut event));
        let stored = serde_json::to_string(&event).unwrap();
        assert_eq!((stored.contains("secret-word-7"), stored.matches(REDACTED).count()), (false, 4));
    }

    #[test]
    fn what_was_redacted_is_not_redacted_again() {
        let (_, once) = redacted(r#"["k-12"]"#);
        assert_eq!(redacted(&once), (false, once));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(Redactor::new([], &["(".to_owned()]).unwrap_err().to_string().contains("`(`"));
    }
}
