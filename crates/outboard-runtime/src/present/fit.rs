//! Fits a value into a number of tokens: whole if it can be, otherwise cut.
//! It keeps nothing; what is left out is the caller's to keep.

use super::{
    cut::{Cut, Unit},
    media,
    plain::{clean, head},
    render::{Rendered, Renderer},
    string,
    tokens::{LONGEST_TOKEN, fits},
};
use crate::json::Json;

/// Values longer than this many bytes get line breaks: clients cut long single lines.
const LONG: usize = 2_000;
/// Times a cut is tried before the best one is taken.
const ROUNDS: usize = 9;

/// A value as text for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// JSON with media as placeholders; the text itself if the value is a string.
    pub text: String,
    /// What is left out; empty when the text is the whole value.
    pub cuts: Vec<Cut>,
}

/// `value` in at most `budget` tokens. Small budgets are met down to about 20 tokens. The whole value
/// is never tokenised, and no tree of it is built: a cut costs a few passes over its bytes.
pub fn fit(value: &Json, budget: usize) -> Fitted {
    fit_with(value, budget, |_| 0)
}

/// [`fit`], where a cut text has to leave room for a note on what was cut, whose tokens `note` counts.
pub(super) fn fit_with(value: &Json, budget: usize, note: impl Fn(&[Cut]) -> usize) -> Fitted {
    let placed = media::with_placeholders(value);
    let text = placed.as_ref().map_or(value, |placed| placed).as_str();
    if text.trim_start().starts_with('"') {
        let quoted = text.trim();
        return fit_text(&quoted[1..quoted.len().saturating_sub(1).max(1)], budget, note);
    }
    let most = budget.saturating_mul(LONGEST_TOKEN);
    let mut renderer = Renderer::new(text, most);
    // White space between tokens may make a text longer than what is shown of it.
    if text.len() <= most.saturating_mul(4) {
        for lines in [text.len() > LONG, false] {
            let whole = renderer.render(usize::MAX, lines);
            if fits(&whole.text, budget) {
                return Fitted { text: whole.text, cuts: Vec::new() };
            }
        }
    }
    search(text.len(), budget, note, |bytes| renderer.render(bytes, bytes > LONG))
}

/// A string value: shown as itself, so cut like text.
fn fit_text(raw: &str, budget: usize, note: impl Fn(&[Cut]) -> usize) -> Fitted {
    if raw.is_empty() {
        return Fitted { text: "\"\"".to_owned(), cuts: Vec::new() };
    }
    let most = budget.saturating_mul(LONGEST_TOKEN);
    // An escape takes at most six bytes for one.
    if raw.len() <= most.saturating_mul(6) {
        let whole = clean(&string::decode(raw, usize::MAX)).into_owned();
        if fits(&whole, budget) {
            return Fitted { text: whole, cuts: Vec::new() };
        }
    }
    let total = string::length(raw);
    let start = string::decode(raw, most);
    search(start.len(), budget, note, |bytes| {
        let shown = last_line_end(head(&start, bytes));
        let cut = Cut { path: String::new(), unit: Unit::Characters, shown: shown.chars().count(), total };
        Rendered { text: clean(shown).into_owned(), cuts: vec![cut] }
    })
}

/// Text is cut at the end of a line if one is near.
fn last_line_end(text: &str) -> &str {
    match text.rfind('\n') {
        Some(end) if end > text.len() / 5 * 4 => &text[..end],
        _ => text,
    }
}

/// Finds the number of bytes whose rendering comes close to the budget without passing it.
fn search(
    size: usize,
    budget: usize,
    note: impl Fn(&[Cut]) -> usize,
    mut render: impl FnMut(usize) -> Rendered,
) -> Fitted {
    let (mut low, mut high) = (0, size);
    let mut bytes = budget.saturating_mul(3).min(size);
    let mut best: Option<Fitted> = None;
    for round in 0.. {
        let rendered = render(bytes);
        let reserved = note(&rendered.cuts);
        let tokens = super::count_tokens(&rendered.text);
        let all = tokens + reserved;
        if all <= budget {
            let better = best.as_ref().is_none_or(|best| rendered.text.len() > best.text.len());
            if better {
                best = Some(Fitted { text: rendered.text, cuts: rendered.cuts });
            }
            low = bytes;
            if all >= budget - budget / 20 {
                break;
            }
        } else {
            high = bytes;
        }
        if high - low <= 1 + low / 50 || round >= ROUNDS && best.is_some() {
            break;
        }
        let room = budget.saturating_sub(reserved).max(1);
        let guess = (bytes as f64 * room as f64 / tokens.max(1) as f64 * 0.98) as usize;
        let middle = low + (high - low) / 2;
        // A guess by proportion comes close fast; where sizes jump, halving makes sure of an end.
        bytes = if round % 3 != 2 && guess > low && guess < high { guess } else { middle };
    }
    best.unwrap_or_else(|| {
        let rendered = render(0);
        Fitted { text: rendered.text, cuts: rendered.cuts }
    })
}
