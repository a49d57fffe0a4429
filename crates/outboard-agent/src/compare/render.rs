//! A comparison for a terminal: a table, who was right, and bars of the tokens of each turn.
//! It lays out and judges nothing.

use outboard_runtime::present::grouped;

use super::{
    Comparison, Sample, Spread, Style, WayRuns,
    bars::{Bar, bars, steps},
};
use crate::usage::{Counted, Usage};

/// Turns whose bars are shown of one way; of more the first and the last.
const TURNS: usize = 6;

/// All of it, ending with a line break.
pub fn render(comparison: &Comparison, style: Style) -> String {
    let mut text = format!("{}\n{}", style.strong(&title(comparison)), table(&[comparison]));
    text.push_str(&costs(comparison));
    text.push('\n');
    text.push_str(&totals(comparison, style));
    text.push('\n');
    text.push_str(&turns(comparison, style));
    for left_out in &comparison.left_out {
        text.push_str(&format!("left out: {left_out}\n"));
    }
    text.push_str(&style.dim(counted(comparison)));
    text.push('\n');
    if let Some(given_up) = given_up(comparison) {
        text.push_str(&style.dim(&given_up));
        text.push('\n');
    }
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

/// How often turns were asked for in vain, and what that had used, if they were.
pub(super) fn given_up(comparison: &Comparison) -> Option<String> {
    let runs = || comparison.ways.iter().flat_map(|way| &way.runs);
    let retries: u32 = runs().map(|run| run.retries).sum();
    let tokens: Usage = runs().map(|run| run.given_up).sum();
    let attempts = if retries == 1 { "1 attempt".to_owned() } else { format!("{retries} attempts") };
    (retries > 0).then(|| {
        format!(
            "{attempts} gave no turn: they had used {} tokens as far as the API told, which are in no figure",
            thousands(tokens.total())
        )
    })
}

/// From when prices are, if any is known, and of what.
pub(super) fn priced(comparison: &Comparison) -> Option<String> {
    let mut dates: Vec<&str> = comparison.ways.iter().filter_map(WayRuns::prices_as_of).collect();
    dates.dedup();
    let estimated =
        comparison.ways.iter().flat_map(|way| &way.runs).any(|run| run.counted == Counted::Estimated);
    let of = if estimated { ", for tokens that are an estimate" } else { "" };
    (!dates.is_empty()).then(|| format!("dollars: by list prices of {}{of}", dates.join(", ")))
}

/// The rows of these comparisons, a line each below a head: medians of answered runs, and the spread where they differ. Failed
/// runs have a column as soon as there is one.
pub fn table(comparisons: &[&Comparison]) -> String {
    let several = comparisons.len() > 1;
    let mut rows =
        vec![["task", "way", "turns", "input", "output", "tokens", "right", "failed"].map(str::to_owned)];
    for comparison in comparisons {
        rows.extend(comparison.ways.iter().map(|way| row(comparison, way)));
    }
    let any_failed = comparisons.iter().flat_map(|comparison| &comparison.ways).any(|way| way.failed() > 0);
    let (first, end) = (usize::from(!several), if any_failed { 8 } else { 7 });
    let widths: Vec<usize> =
        (0..8).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = (first..end).map(|column| {
            let width = widths[column];
            if column < 2 { format!("{:width$}", row[column]) } else { format!("{:>width$}", row[column]) }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn row(comparison: &Comparison, way: &WayRuns) -> [String; 8] {
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
        failed(way),
    ]
}

/// `0`, or `2 of 5`: the figures are those of the other three.
pub(super) fn failed(way: &WayRuns) -> String {
    match way.failed() {
        0 => "0".to_owned(),
        failed => format!("{failed} of {}", way.ended()),
    }
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
    // A way without an answer has no figure, no bar, and nothing that compares.
    let of = |way: &WayRuns| way.tokens().map_or(f64::NAN, |tokens| tokens.median);
    let sound = comparison.ways.iter().filter(|way| way.is_sound());
    let best = sound.map(of).fold(f64::INFINITY, f64::min);
    let each = comparison.ways.iter().zip(&labels).map(|(way, label)| Bar {
        label,
        value: of(way),
        figure: spread(way.tokens().map(|tokens| Spread {
            least: tokens.median,
            most: tokens.median,
            ..tokens
        })),
        good: way.is_sound() && of(way) == best,
    });
    bars("tokens", &each.collect::<Vec<_>>(), style)
}

/// Seconds and, where prices are known, dollars of each way: what differs from one moment and one price list to another has no part
/// in the table.
fn costs(comparison: &Comparison) -> String {
    let seconds = |way: &WayRuns| decimals(way.spread(|run| run.seconds), 2, "");
    let dollars = |way: &WayRuns| decimals(way.dollars(), 4, "$");
    let has_price = comparison.ways.iter().any(|way| way.dollars().is_some());
    let mut rows = vec![["way", "seconds", "dollars"].map(str::to_owned)];
    rows.extend(comparison.ways.iter().map(|way| [way.label(), seconds(way), dollars(way)]));
    let end = if has_price { 3 } else { 2 };
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..end).map(width).collect();
    let mut text = String::from("\n");
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(&cells.collect::<Vec<_>>().join("  "));
        text.push('\n');
    }
    if let Some(priced) = priced(comparison) {
        text.push_str(&priced);
        text.push('\n');
    }
    text
}

/// `1.50`, or `1.50 (1.20-1.90)`, or `-`.
pub(super) fn decimals(spread: Option<Spread>, places: usize, unit: &str) -> String {
    let Some(Spread { median, least, most }) = spread else { return "-".to_owned() };
    let number = |value: f64| format!("{unit}{value:.places$}");
    let [median, least, most] = [median, least, most].map(number);
    if least == most { median } else { format!("{median} ({least}-{most})") }
}

/// What each turn of a typical run billed.
#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn turns(comparison: &Comparison, style: Style) -> String {
    let mut labelled = Vec::new();
    for way in &comparison.ways {
        let Some(run) = way.typical() else { continue };
        let count = run.turns.len();
        let label = format!("{}{}", way.label(), ending(run));
        for (number, turn) in (1..).zip(&run.turns) {
            let is_left_out = count > TURNS && number > TURNS - 1 && number < count;
            if !is_left_out {
                labelled.push((format!("{label} #{number}"), turn.total() as f64, turn.total()));
            } else if number == TURNS {
                let left_out: Usage = run.turns[TURNS - 1..count - 1].iter().copied().sum();
                // No bar: it would be as long as theirs together.
                let text = format!("{label} #{TURNS} to #{} together, not drawn", count - 1);
                labelled.push((text, 0.0, left_out.total()));
            }
        }
    }
    let each = labelled.iter().map(|(label, value, tokens)| Bar {
        label,
        value: *value,
        figure: thousands(*tokens),
        good: false,
    });
    let each: Vec<Bar<'_>> = each.collect();
    if each.is_empty() { String::new() } else { steps("tokens of each turn", &each, style) }
}

/// What stands behind a way whose typical run gave no answer.
pub(super) fn ending(run: &Sample) -> &'static str {
    match (run.is_answered(), run.partial) {
        (true, _) => "",
        (false, true) => ", broken off",
        (false, false) => ", failed",
    }
}

/// A number with commas between its thousands.
pub fn thousands(number: u64) -> String {
    grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::tests::{failed, sample},
        task::Mode,
    };

    #[test]
    fn a_way_that_failed_is_told_and_never_the_best() {
        let way = |mode, runs| WayRuns { mode, name: String::new(), runs };
        let mut comparison = Comparison {
            task: "t".into(),
            title: String::new(),
            prompt: String::new(),
            model: "m".into(),
            ways: vec![
                way(Mode::Direct, vec![sample(&[400], Some(true)); 2]),
                way(Mode::Code, vec![failed(&[1]); 2]),
            ],
            left_out: Vec::new(),
        };
        let style = Style { color: true, unicode: false };
        let text = render(&comparison, style);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("right  failed") && lines[2].ends_with("2 of 2       0"), "{text}");
        assert!(lines[3].ends_with("-       -  2 of 2"), "{text}");
        assert!(
            lines[5].ends_with("seconds") && lines[6].ends_with("1.50") && lines[7].ends_with('-'),
            "{text}"
        );
        let bars: Vec<&str> = text.lines().skip_while(|line| !line.contains("tokens\u{1b}")).collect();
        let best = style.good(&"#".repeat(40));
        assert!(bars[1].contains("direct") && bars[1].contains(&best), "{text}");
        assert!(bars[2].trim_end().ends_with('-') && !text.contains("% less"), "{text}");
        assert!(text.contains("code, failed #1"), "{text}");
        // Cheaper and wrong is not better either.
        comparison.ways[1] = way(Mode::Code, vec![sample(&[1], Some(true)), sample(&[1], Some(false))]);
        let text = render(&comparison, style);
        assert!(text.contains(&best) && !text.contains("failed"), "{text}");
    }

    #[test]
    fn time_and_cost_are_shown_with_their_spread_where_they_are_known() {
        let run = |seconds, dollars| Sample {
            seconds,
            dollars,
            prices_as_of: Some("2026-11-01".into()),
            ..sample(&[100], Some(true))
        };
        let runs = vec![run(1.2, Some(0.02)), run(3.0, Some(0.01)), run(1.5, Some(0.03))];
        let mut comparison = Comparison {
            task: "t".into(),
            title: String::new(),
            prompt: String::new(),
            model: "m".into(),
            ways: vec![WayRuns { mode: Mode::Direct, name: String::new(), runs }],
            left_out: Vec::new(),
        };
        let text = render(&comparison, Style::default());
        assert!(text.contains("direct  1.50 (1.20-3.00)  $0.0200 ($0.0100-$0.0300)\n"), "{text}");
        assert!(
            text.contains("\ndollars: by list prices of 2026-11-01, for tokens that are an estimate\n"),
            "{text}"
        );
        comparison.ways[0].runs[1].dollars = None;
        comparison.ways[0].runs.iter_mut().for_each(|run| run.prices_as_of = None);
        let text = render(&comparison, Style::default());
        assert!(!text.contains("dollars") && text.contains("direct  1.50 (1.20-3.00)\n"), "{text}");
    }

    #[test]
    fn turns_that_are_not_drawn_are_told() {
        let runs = vec![sample(&(1..=30).map(|turn| turn * 100).collect::<Vec<_>>(), Some(true))];
        let ways = vec![WayRuns { mode: Mode::Direct, name: String::new(), runs }];
        let comparison = Comparison {
            task: "t".into(),
            title: String::new(),
            prompt: String::new(),
            model: "m".into(),
            ways,
            left_out: Vec::new(),
        };
        let text = render(&comparison, Style { color: false, unicode: true });
        let turns = text
            .lines()
            .filter(|line| line.contains(" #"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let turns: Vec<Vec<&str>> = turns.collect();
        assert_eq!(turns.len(), 7, "{text}");
        // 600 to 2,900, and 10 tokens of output each.
        assert_eq!(turns[5].join(" "), "direct #6 to #29 together, not drawn 42,240", "{text}");
        assert_eq!((turns[6][1], *turns[6].last().unwrap()), ("#30", "3,010"));
    }
}
