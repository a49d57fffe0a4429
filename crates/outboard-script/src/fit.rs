//! Whether arguments fit a tool's shape, and in words what does not: the one source of these words, before a run
//! and while it runs.
//!
//! Names and choices come from upstreams and values from scripts: both are shown shortened and on one line.

use crate::argument::{Argument, MOST_MEMBERS, Member, Span, Value};
use crate::near;
use crate::shape::{Choice, Kinds, Members, Others, Shape};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Shapes that judge values in one check, each counted as often as it judges.
const STEPS: u32 = 100_000;
/// Steps that comparing two names counts as.
const COMPARISON: u32 = 25;
/// Names and choices that are listed in one message.
const LISTED: usize = 6;
/// Characters that are shown of a name or a string.
const SHOWN: usize = 60;

/// What is wrong with arguments, in words, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub(crate) span: Span,
    /// A lowercase fragment: expected and found.
    pub text: String,
}

/// The first `most` mistakes in the arguments of a call; none if the check would take too long.
pub fn mistakes(shape: &Shape, input: &Argument<'_>, most: usize) -> Vec<Mistake> {
    let one_object = |found: &str| {
        let text = format!("a tool takes one object, got {found}");
        vec![Mistake { span: input.span, text }]
    };
    match &input.value {
        Value::Unknown => return Vec::new(),
        Value::Object { .. } => {}
        Value::Several(count) => return one_object(&format!("{count} arguments")),
        _ => return one_object(&in_words(input)),
    }
    let mut check = Check { left: STEPS, found: Vec::new() };
    check.judge(shape, input, &mut String::new());
    if check.left == 0 {
        return Vec::new();
    }
    check.found.sort_by_key(|mistake| mistake.span);
    check.found.truncate(most);
    check.found
}

struct Check {
    left: u32,
    found: Vec<Mistake>,
}

impl Check {
    fn judge(&mut self, shape: &Shape, value: &Argument<'_>, path: &mut String) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || matches!(value.value, Value::Unknown) {
            return;
        }
        if !shape.kinds.meets(value.kinds()) || !fits_number(shape.kinds, value) {
            return self.add(
                value.span,
                format!("{} must be {}, got {}", named(path), shape.kinds.in_words(), in_words(value)),
            );
        }
        if let Some(choices) = &shape.choices
            && !choices.iter().any(|choice| may_be(value, choice))
        {
            return self.add(
                value.span,
                format!("{} must be {}, got {}", named(path), listed(choices, value), in_words(value)),
            );
        }
        match (&value.value, &shape.members, &shape.items) {
            (Value::Object { members, open }, Some(declared), _) => {
                self.judge_members(declared, members, *open, value.span, path);
            }
            (Value::Array { items, .. }, _, Some(shape)) => {
                let end = path.len();
                for (place, item) in items.iter().enumerate() {
                    let _ = write!(path, "[{place}]");
                    self.judge(shape, item, path);
                    path.truncate(end);
                }
            }
            _ => {}
        }
        for shape in &shape.all_of {
            self.judge(shape, value, path);
        }
        if !shape.any_of.is_empty() {
            self.judge_any(&shape.any_of, value, path);
        }
    }

    fn judge_members(
        &mut self,
        declared: &Members,
        members: &[Member<'_>],
        open: bool,
        span: Span,
        path: &mut String,
    ) {
        let is_data = members.len() >= MOST_MEMBERS;
        let open = open || is_data;
        let names: HashSet<&str> = members.iter().map(|member| &*member.name).collect();
        let given = |name: &str| names.contains(name);
        let mut meant: Vec<&str> = Vec::new();
        let end = path.len();
        for member in members {
            if let Some(shape) = declared.named.get(&*member.name) {
                if end > 0 {
                    path.push('.');
                }
                path.push_str(&shown(&member.name));
                self.judge(shape, &member.value, path);
                path.truncate(end);
                continue;
            }
            if is_data || matches!(declared.others, Others::Taken) || !self.compares(declared.named.len()) {
                continue;
            }
            let free = declared
                .named
                .keys()
                .map(String::as_str)
                .filter(|name| !given(name) && !meant.contains(name));
            let near = match declared.others {
                Others::Taken => continue,
                Others::Refused => near::nearest(&member.name, free),
                Others::Unsaid => {
                    match free.take(LISTED_NAMES).find(|name| near::is_slip(&member.name, name)) {
                        Some(near) => Some(near),
                        // Of a required name that is missing the nearest is told, as the call fails anyway.
                        None if !open => {
                            let missing =
                                declared.required.iter().map(String::as_str).filter(|name| !given(name));
                            match near::nearest(&member.name, missing) {
                                Some(near) => Some(near),
                                None => continue,
                            }
                        }
                        None => continue,
                    }
                }
            };
            let what = if end == 0 { "no argument" } else { "no member" };
            let whole =
                if end == 0 { shown(&member.name) } else { format!("{path}.{}", shown(&member.name)) };
            let meaning = near.map(|near| format!(" (did you mean `{}`?)", shown(near))).unwrap_or_default();
            meant.extend(near);
            self.add(member.span, format!("there is {what} `{whole}`{meaning}"));
        }
        if open {
            return;
        }
        let missing: Vec<&str> = declared
            .required
            .iter()
            .map(String::as_str)
            .filter(|name| !given(name) && !meant.contains(name))
            .collect();
        if !missing.is_empty() {
            let prefix = if end == 0 { String::new() } else { format!("{path}.") };
            let names: Vec<String> =
                missing.iter().take(LISTED).map(|name| format!("`{prefix}{}`", shown(name))).collect();
            let more = missing.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let verb = if missing.len() == 1 { "is" } else { "are" };
            self.add(span, format!("{}{more} {verb} missing", names.join(", ")));
        }
    }

    fn judge_any(&mut self, shapes: &[Shape], value: &Argument<'_>, path: &mut String) {
        let before = self.found.len();
        let mut best: Option<Vec<Mistake>> = None;
        let mut kinds = Kinds::NONE;
        let mut of_kind = 0;
        for shape in shapes {
            self.judge(shape, value, path);
            let found = self.found.split_off(before);
            if found.is_empty() {
                return;
            }
            kinds = kinds.or(shape.kinds);
            if shape.kinds.meets(value.kinds()) && fits_number(shape.kinds, value) {
                of_kind += 1;
                best = Some(found);
            }
        }
        match best {
            // Only one of them can have been meant.
            Some(found) if of_kind == 1 => self.found.extend(found),
            Some(_) => {
                let choices: Vec<Choice> =
                    shapes.iter().filter_map(|shape| shape.choices.clone()).flatten().collect();
                let expected = if choices.is_empty() {
                    "in one of the forms that it has".to_owned()
                } else {
                    listed(&choices, value)
                };
                self.add(value.span, format!("{} must be {expected}, got {}", named(path), in_words(value)));
            }
            None => self.add(
                value.span,
                format!("{} must be {}, got {}", named(path), kinds.in_words(), in_words(value)),
            ),
        }
    }

    /// Whether one name may still be compared with so many others.
    fn compares(&mut self, names: usize) -> bool {
        let names = u32::try_from(names.min(LISTED_NAMES)).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(names.saturating_mul(COMPARISON));
        self.left > 0
    }

    fn add(&mut self, span: Span, text: String) {
        self.found.push(Mistake { span, text });
    }
}

/// Declared names that one is held against.
const LISTED_NAMES: usize = 500;

fn named(path: &str) -> String {
    if path.is_empty() { "the argument".to_owned() } else { format!("`{path}`") }
}

/// A number with a fraction is of no kind but all numbers.
fn fits_number(kinds: Kinds, value: &Argument<'_>) -> bool {
    match value.value {
        Value::Number(number) if number.fract() != 0.0 => kinds.covers(Kinds::NUMBER),
        _ => true,
    }
}

fn may_be(value: &Argument<'_>, choice: &Choice) -> bool {
    match (&value.value, choice) {
        (Value::Null, Choice::Null) => true,
        (Value::Boolean(one), Choice::Boolean(other)) => one == other,
        (Value::Number(one), Choice::Number(other)) => one == other,
        (Value::Text(None), Choice::Text(_)) => true,
        (Value::Text(Some(one)), Choice::Text(other)) => one == other,
        _ => false,
    }
}

/// The choices in words, the nearest to what was given first.
fn listed(choices: &[Choice], value: &Argument<'_>) -> String {
    let near = match &value.value {
        Value::Text(Some(given)) => near::nearest(
            given,
            choices.iter().filter_map(|choice| match choice {
                Choice::Text(text) => Some(text.as_str()),
                _ => None,
            }),
        ),
        _ => None,
    };
    let is_near =
        |choice: &&Choice| matches!((choice, near), (Choice::Text(text), Some(near)) if text == near);
    let ordered = choices.iter().filter(is_near).chain(choices.iter().filter(|choice| !is_near(choice)));
    let words: Vec<String> = ordered
        .take(LISTED)
        .map(|choice| match choice {
            Choice::Null => "null".to_owned(),
            Choice::Boolean(boolean) => boolean.to_string(),
            Choice::Number(number) => number.to_string(),
            Choice::Text(text) => format!("\"{}\"", shown(text)),
        })
        .collect();
    match choices.len() - words.len() {
        0 => words.join(" or "),
        1 => format!("{} or 1 other", words.join(" or ")),
        more => format!("{} or {more} others", words.join(" or ")),
    }
}

fn in_words(value: &Argument<'_>) -> String {
    match &value.value {
        Value::Unknown => "something else".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(None) => "a string".to_owned(),
        Value::Text(Some(text)) => format!("\"{}\"", shown(text)),
        Value::Array { .. } => "an array".to_owned(),
        Value::Object { .. } => "an object".to_owned(),
        Value::Several(count) => format!("{count} values"),
    }
}

/// A foreign text, short and on one line, that does not end the quotes around it.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() || is_invisible(c) => ' ',
            c => c,
        })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// What turns the direction of text or cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
