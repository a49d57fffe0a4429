//! A comparison for a terminal: a table, who was right, and bars of the tokens of each turn.
//! It lays out and judges nothing.

use outboard_runtime::present::grouped;

use super::{
    Comparison, Spread, Style, WayRuns,
    bars::{Bar, bars, steps},
};
use crate::usage::Counted;

/// Turns whose bars are shown of one way; of more the first and the last.
const TURNS: usize = 6;

/// All of it, ending with a line break.
pub fn render(comparison: &Comparison, style: Style) -> String {
    let mut text = format!("{}\n{}", style.strong(&title(comparison)), table(&[comparison]));
    text.push('\n');
    text.push_str(&totals(comparison, style));
    text.push('\n');
    text.push_str(&turns(comparison, style));
    for left_out in &comparison.left_out {
        text.push_str(&format!("left out: {left_out}\n"));
    }
    text.push_str(&style.dim(counted(comparison)));
    text.push('\n');
    text
}

/// The title of a comparison in a line.
pub(super) fn title(comparison: &Comparison) -> String {
    let about = if comparison.title.is_empty() { "" } else { ": " };
    format!("{}{about}{} ({})", comparison.task, comparison.title, comparison.model)
}

/// How the tokens were counted.
pub(super) fn counted(comparison: &Comparison) -> &'static str {
    let mut runs = comparison.ways.iter().flat_map(|way| &way.runs);
    if runs.any(|run| run.counted == Counted::Estimated) {
        "tokens: o200k estimate of what every turn bills (system prompt, tool definitions, server instructions and the whole \
         history again as input); prompt caches lower prices, not these numbers"
    } else {
        "tokens: as the API reports them, cached ones included"
    }
}

/// The rows of these comparisons, a line each below a head: medians, and the spread where runs differ.
pub fn table(comparisons: &[&Comparison]) -> String {
    let several = comparisons.len() > 1;
    let mut rows = vec![["task", "way", "turns", "input", "output", "tokens", "right"].map(str::to_owned)];
    for comparison in comparisons {
        rows.extend(comparison.ways.iter().map(|way| row(comparison, way)));
    }
    let first = usize::from(!several);
    let widths: Vec<usize> =
        (0..7).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = (first..7).map(|column| {
            let width = widths[column];
            if column < 2 { format!("{:width$}", row[column]) } else { format!("{:>width$}", row[column]) }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn row(comparison: &Comparison, way: &WayRuns) -> [String; 7] {
    let right = match way.right() {
        None => "-".to_owned(),
        Some((1, 1)) => "yes".to_owned(),
        Some((0, 1)) => "NO".to_owned(),
        Some((right, judged)) => format!("{right} of {judged}"),
    };
    [
        comparison.task.clone(),
        way.label(),
        spread(way.spread(|run| run.turns.len() as f64)),
        spread(way.spread(|run| run.usage().whole_input() as f64)),
        spread(way.spread(|run| run.usage().output as f64)),
        spread(way.tokens()),
        right,
    ]
}

/// `1,498`, or `1,498 (1,400-1,600)`.
pub(super) fn spread(spread: Option<Spread>) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are positive and small"
    )]
    let whole = |value: f64| thousands(value.round() as u64);
    match spread {
        None => "-".to_owned(),
        Some(Spread { median, least, most }) if least == most => whole(median),
        Some(Spread { median, least, most }) => {
            format!("{} ({}-{})", whole(median), whole(least), whole(most))
        }
    }
}

fn totals(comparison: &Comparison, style: Style) -> String {
    let labels: Vec<String> = comparison.ways.iter().map(WayRuns::label).collect();
    let of = |way: &WayRuns| way.tokens().map_or(0.0, |tokens| tokens.median);
    let best = comparison.ways.iter().map(of).fold(f64::INFINITY, f64::min);
    let each = comparison.ways.iter().zip(&labels).map(|(way, label)| Bar {
        label,
        value: of(way),
        figure: spread(way.tokens().map(|tokens| Spread {
            least: tokens.median,
            most: tokens.median,
            ..tokens
        })),
        good: of(way) == best,
    });
    bars("tokens", &each.collect::<Vec<_>>(), style)
}

/// What each turn of a typical run billed.
#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn turns(comparison: &Comparison, style: Style) -> String {
    let mut labelled = Vec::new();
    for way in &comparison.ways {
        let Some(run) = way.typical() else { continue };
        let count = run.turns.len();
        for (number, turn) in (1..).zip(&run.turns) {
            if count > TURNS && number > TURNS - 1 && number < count {
                continue;
            }
            labelled.push((format!("{} #{number}", way.label()), turn.total()));
        }
    }
    let each = labelled.iter().map(|(label, tokens)| Bar {
        label,
        value: *tokens as f64,
        figure: thousands(*tokens),
        good: false,
    });
    let each: Vec<Bar<'_>> = each.collect();
    if each.is_empty() { String::new() } else { steps("tokens of each turn", &each, style) }
}

/// A number with commas between its thousands.
pub fn thousands(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}
