//! Arguments as lines that a person reads: every member and every character of them, in their own order, numbers as they
//! are written, names that stand twice twice. Lines are broken here, so that no terminal breaks them and lets what
//! follows pass for a line of ours.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::shown;

/// Columns of a line.
const WIDTH: usize = 76;
/// Columns up to which a value stands on one line.
const INLINE: usize = 60;
/// Columns of a word that are moved to the next line rather than parted from its rest.
const WORD: usize = 30;
/// Levels that are laid out; what is deeper stands in one piece.
const DEEPEST: usize = 12;

/// Lines of a text that grows.
#[derive(Debug, Default)]
pub(super) struct Lines(pub(super) Vec<String>);

impl Lines {
    /// Adds a line, broken where it is too long: behind a space, unless the word there is long. Every character
    /// stays. What follows the first break stands further in.
    pub(super) fn push(&mut self, indent: usize, hanging: usize, text: &str) {
        let mut line = " ".repeat(indent);
        let mut columns = indent;
        for char in text.chars() {
            if columns + wide(char) > WIDTH {
                let word = word_at_end(&mut line);
                let next = " ".repeat(indent + hanging) + &word;
                columns = indent + hanging + word.chars().map(wide).sum::<usize>();
                self.0.push(std::mem::replace(&mut line, next));
            }
            line.push(char);
            columns += wide(char);
        }
        self.0.push(line);
    }

    /// Adds the members of an argument object, their values aligned.
    pub(super) fn arguments(&mut self, indent: usize, json: &str) {
        match entries(json) {
            Some(entries) if entries.is_empty() => self.push(indent, 0, "no arguments"),
            Some(entries) => self.members(indent, &entries, 0),
            None => self.push(indent, 2, &shown::text(json)),
        }
    }

    fn members(&mut self, indent: usize, entries: &[(String, &RawValue)], depth: usize) {
        let names: Vec<String> = entries.iter().map(|(name, _)| key(name)).collect();
        let widest = names.iter().map(|name| name.chars().count()).filter(|width| *width <= 24).max();
        let widest = widest.unwrap_or_default();
        for (name, (_, value)) in names.iter().zip(entries) {
            let pad = " ".repeat(widest.saturating_sub(name.chars().count()) + 2);
            self.value(indent, &format!("{name}{pad}"), value.get(), depth);
        }
    }

    /// Adds a value behind what leads to it.
    fn value(&mut self, indent: usize, lead: &str, json: &str, depth: usize) {
        let flat = inline(json);
        let room = INLINE.saturating_sub(lead.chars().count());
        if flat.chars().count() <= room || depth >= DEEPEST {
            return self.push(indent, 4, &format!("{lead}{flat}"));
        }
        if let Some(entries) = entries(json).filter(|entries| !entries.is_empty()) {
            self.push(indent, 4, &format!("{lead}{{"));
            self.members(indent + 2, &entries, depth + 1);
            self.push(indent, 0, "}");
        } else if let Some(elements) = elements(json).filter(|elements| !elements.is_empty()) {
            self.push(indent, 4, &format!("{lead}["));
            for element in elements {
                self.value(indent + 2, "", element.get(), depth + 1);
            }
            self.push(indent, 0, "]");
        } else {
            self.text(indent, lead, &flat);
        }
    }

    /// Adds a string, with a new line behind each line break that it holds.
    fn text(&mut self, indent: usize, lead: &str, quoted: &str) {
        let mut lead = lead.to_owned();
        for piece in after_breaks(quoted) {
            self.push(indent, 4, &format!("{lead}{piece}"));
            lead = "    ".to_owned();
        }
    }
}

/// Columns of a character, at most.
fn wide(char: char) -> usize {
    if char.is_ascii() { 1 } else { 2 }
}

/// Takes the word that a full line ends with off it; nothing if much of it stands there already, or if it is the only one.
fn word_at_end(line: &mut String) -> String {
    let Some(space) = line.rfind(' ') else { return String::new() };
    let (before, word) = (&line[..space], &line[space + 1..]);
    if before.trim_start().is_empty() || word.chars().map(wide).sum::<usize>() > WORD {
        return String::new();
    }
    line.split_off(space + 1)
}

/// The strings of a value, names of members among them: everything that could be mistaken for something else.
pub(super) fn strings(json: &str, take: &mut dyn FnMut(&str)) {
    fn walk(json: &str, depth: usize, take: &mut dyn FnMut(&str)) {
        if depth > DEEPEST {
            take(json);
        } else if let Ok(text) = serde_json::from_str::<String>(json) {
            take(&text);
        } else if let Some(entries) = entries(json) {
            for (name, value) in entries {
                take(&name);
                walk(value.get(), depth + 1, take);
            }
        } else {
            elements(json).into_iter().flatten().for_each(|element| walk(element.get(), depth + 1, take));
        }
    }
    walk(json, 0, take);
}

/// A value on one line, its strings decoded and shown.
pub(super) fn inline(json: &str) -> String {
    inline_at(json.trim(), 0)
}

fn inline_at(json: &str, depth: usize) -> String {
    if depth >= DEEPEST {
        // As it is written: its own escapes tell what it is.
        return shown::text(json);
    }
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return shown::string(&text);
    }
    if let Some(entries) = entries(json) {
        let members = entries
            .iter()
            .map(|(name, value)| format!("{}: {}", key(name), inline_at(value.get(), depth + 1)));
        let members: Vec<String> = members.collect();
        return if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) };
    }
    match elements(json) {
        Some(elements) => {
            let elements: Vec<String> =
                elements.iter().map(|element| inline_at(element.get(), depth + 1)).collect();
            format!("[{}]", elements.join(", "))
        }
        None => shown::text(json),
    }
}

/// A member's name: bare where it is a plain word.
fn key(name: &str) -> String {
    let bare =
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-.".contains(char));
    if bare { name.to_owned() } else { shown::name(&shown::string(name)) }
}

/// The pieces of a quoted string, each but the last ending with a shown line break.
fn after_breaks(quoted: &str) -> Vec<&str> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] == b'\\' {
            at += 2;
            if bytes[at - 1] == b'n' && at < bytes.len() - 1 {
                pieces.push(&quoted[from..at]);
                from = at;
            }
        } else {
            at += 1;
        }
    }
    pieces.push(&quoted[from..]);
    pieces
}

fn elements(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

fn entries(json: &str) -> Option<Vec<(String, &RawValue)>> {
    serde_json::from_str::<Entries<'_>>(json).ok().map(|entries| entries.0)
}

/// The members of an object as they are written.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let mut lines = Lines::default();
        lines.arguments(2, json);
        lines.0.join("\n")
    }

    #[test]
    fn arguments_are_shown_in_their_order_and_as_they_are_written() {
        for (json, expected) in [
            (r#"{}"#, "  no arguments"),
            (r#"{"text":"Standup moved to 10:00"}"#, "  text  \"Standup moved to 10:00\""),
            (
                r#"{"b":1e400,"amount":0.10000000000000000001,"b":"twice"}"#,
                "  b       1e400\n  amount  0.10000000000000000001\n  b       \"twice\"",
            ),
            (
                r#"{"x y":null,"p\u043est":true}"#,
                "  \"x y\"  null\n  \"p\u{43e}st\" (that is \"p\\u{43e}st\")  true",
            ),
            (r#"{"a":"\u202eevil\u001b[2J"}"#, "  a  \"\\u{202e}evil\\u{1b}[2J\""),
        ] {
            assert_eq!(shown(json), expected, "{json}");
        }
    }

    #[test]
    fn long_values_are_laid_out_and_no_line_is_wider_than_a_terminal() {
        let mail = format!("Dear all,\n\n  Outboard asks: may this script look at it?\n{}", "x".repeat(200));
        let json =
            serde_json::json!({ "body": mail, "to": [{ "name": "A".repeat(50), "at": "b".repeat(30) }] });
        let text = shown(&json.to_string());
        assert_eq!(
            text,
            format!(
                "  body  \"Dear all,\\n\n      \\n\n        Outboard asks: may this script look at it?\\n\n      {}\n      {}\n      {}\"\n  \
                 to    [\n    {{\n      name  \"{}\"\n      at    \"{}\"\n    }}\n  ]",
                "x".repeat(70),
                "x".repeat(70),
                "x".repeat(60),
                "A".repeat(50),
                "b".repeat(30)
            )
        );
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn lines_are_broken_between_words_and_lose_nothing() {
        let (word, long) = ("x".repeat(30), "y".repeat(40));
        for (text, expected) in [
            (
                format!("{} declared read-only", "a".repeat(60)),
                vec![format!("{} declared ", "a".repeat(60)), "  read-only".to_owned()],
            ),
            (format!("{} {word}", "a".repeat(50)), vec![format!("{} ", "a".repeat(50)), format!("  {word}")]),
            (
                format!("{} {long}", "a".repeat(40)),
                vec![format!("{} {}", "a".repeat(40), "y".repeat(35)), format!("  {}", "y".repeat(5))],
            ),
            (format!("{}  b", "a".repeat(76)), vec!["a".repeat(76), "    b".to_owned()]),
            ("z".repeat(80), vec!["z".repeat(76), format!("  {}", "z".repeat(4))]),
        ] {
            let mut lines = Lines::default();
            lines.push(0, 2, &text);
            assert_eq!(lines.0, expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_too_deep_or_too_odd_to_be_shown() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        let text = shown(&deep);
        assert_eq!(text.matches('[').count(), 5_000);
        assert_eq!(shown("[1]"), "  [1]");
    }
}
