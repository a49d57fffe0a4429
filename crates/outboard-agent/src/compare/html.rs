//! A comparison as one HTML page that needs nothing else: no script, no address, and every foreign word escaped. The
//! picture is SVG: a bar for each turn, as high as what it billed.

use std::fmt::Write as _;

use super::{Comparison, Sample, WayRuns, render};
use crate::{is_invisible, usage::Usage};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
/// Widest bar of a turn.
const BAR: f64 = 40.0;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"viewport\" content=\"width=device-width\"><title>Outboard: ways compared</title><style>\
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}\
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right}\
th:first-child,td:first-child{text-align:left}h2{margin-top:3rem}pre{background:#f4f4f7;padding:.8rem;white-space:pre-wrap;\
overflow-wrap:anywhere}.note{color:#555}figure{margin:1.5rem 0}figcaption{font-weight:600}.in{fill:#3b6ea8}.out{fill:#d9822b}\
.wrong{color:#b00020;font-weight:600}@media(prefers-color-scheme:dark){body{background:#16161a;color:#e8e8ec}\
th,td{border-color:#333}pre{background:#222228}.note{color:#aaa}}</style></head><body>\n";

/// The page.
pub fn page(comparisons: &[&Comparison]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("<h1>Ways compared</h1>\n");
    for comparison in comparisons {
        section(&mut page, comparison);
    }
    page.push_str("</body></html>\n");
    page
}

fn section(page: &mut String, comparison: &Comparison) {
    let _ = writeln!(page, "<h2>{}</h2>", escaped(&render::title(comparison)));
    let _ = writeln!(page, "<pre>{}</pre>", escaped(&comparison.prompt));
    page.push_str("<table><tr><th>way</th><th>turns</th><th>input</th><th>output</th><th>tokens</th><th>seconds</th><th>dollars</th><th>right</th><th>failed</th></tr>\n");
    for way in &comparison.ways {
        row(page, way);
    }
    page.push_str("</table>\n");
    // One scale for all ways, so that heights can be compared.
    let highest = comparison.ways.iter().filter_map(WayRuns::typical).flat_map(|run| &run.turns);
    let highest = highest.map(Usage::total).max().unwrap_or(0);
    for way in &comparison.ways {
        if let Some(run) = way.typical() {
            picture(page, way, run, highest);
        }
    }
    for left_out in &comparison.left_out {
        let _ = writeln!(page, "<p class=\"note\">left out: {}</p>", escaped(left_out));
    }
    let notes = [
        Some(render::counted(comparison).to_owned()),
        render::priced(comparison),
        render::given_up(comparison),
    ];
    for note in notes.into_iter().flatten() {
        let _ = writeln!(page, "<p class=\"note\">{}</p>", escaped(&note));
    }
}

#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn row(page: &mut String, way: &WayRuns) {
    let number = |of: fn(&Sample) -> f64| render::spread(way.spread(of));
    let seconds = render::decimals(way.spread(|run| run.seconds), 2, "");
    let dollars = render::decimals(way.dollars(), 4, "");
    let right = match way.right() {
        None => "-".to_owned(),
        Some((right, judged)) if right == judged => format!("{right} of {judged}"),
        Some((right, judged)) => format!("<span class=\"wrong\">{right} of {judged}</span>"),
    };
    let failed = match way.failed() {
        0 => render::failed(way),
        _ => format!("<span class=\"wrong\">{}</span>", render::failed(way)),
    };
    let _ = writeln!(
        page,
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{seconds}</td><td>{dollars}</td><td>{right}</td><td>{failed}</td></tr>",
        escaped(&way.label()),
        number(|run| run.turns.len() as f64),
        number(|run| run.usage().whole_input() as f64),
        number(|run| run.usage().output as f64),
        number(|run| run.usage().total() as f64),
    );
}

/// Tokens of each turn of a typical run.
#[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
fn picture(page: &mut String, way: &WayRuns, run: &Sample, highest: u64) {
    let count = run.turns.len().max(1) as f64;
    let step = (WIDTH / count).min(BAR);
    let high = |tokens: u64| if highest == 0 { 0.0 } else { tokens as f64 / highest as f64 * HEIGHT };
    let label = escaped(&way.label());
    let _ = writeln!(
        page,
        "<figure><figcaption>{label}{}: {} tokens in {} turns</figcaption><svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{label}: tokens of each turn\">",
        render::ending(run),
        render::thousands(run.usage().total()),
        run.turns.len(),
        HEIGHT + 2.0,
    );
    for (at, turn) in run.turns.iter().enumerate() {
        let (input, output) = (high(turn.whole_input()), high(turn.output));
        let (x, width) = (at as f64 * step, (step - 1.0).max(0.5));
        let _ = writeln!(
            page,
            "<g><title>turn {}: {} in, {} out</title><rect class=\"in\" x=\"{x:.1}\" y=\"{:.2}\" width=\"{width:.1}\" height=\"{input:.2}\"/><rect class=\"out\" x=\"{x:.1}\" y=\"{:.2}\" width=\"{width:.1}\" height=\"{output:.2}\"/></g>",
            at + 1,
            render::thousands(turn.whole_input()),
            render::thousands(turn.output),
            HEIGHT - input,
            (HEIGHT - input - output).max(0.0),
        );
    }
    page.push_str("</svg>\n");
    let said = run.answer.as_deref().or(run.failure.as_deref()).unwrap_or("no answer");
    let _ = writeln!(page, "<pre>{}</pre></figure>", escaped(said));
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || is_invisible(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::tests::{failed, sample},
        task::Mode,
    };

    #[test]
    fn every_foreign_word_is_escaped_and_nothing_is_fetched() {
        let evil = "</pre><script src=\"http://a.example\">'&\u{1b}\u{202e}";
        let way = WayRuns {
            mode: Mode::Direct,
            name: evil.into(),
            runs: vec![Sample {
                answer: Some(evil.into()),
                retries: 3,
                given_up: Usage { input: 110, ..Usage::default() },
                prices_as_of: Some("<b>".into()),
                dollars: Some(1.0),
                ..sample(&[100, 200], Some(false))
            }],
        };
        let comparison = Comparison {
            task: evil.into(),
            title: evil.into(),
            prompt: evil.into(),
            model: evil.into(),
            ways: vec![
                way,
                WayRuns { mode: Mode::Code, name: String::new(), runs: vec![failed(&[]), failed(&[])] },
            ],
            left_out: vec![evil.into()],
        };
        let page = page(&[&comparison]);
        assert!(page.contains("3 attempts gave no turn: they had used 110 tokens"), "{page}");
        assert!(page.contains("list prices of &lt;b&gt;, for tokens that are an estimate"), "{page}");
        for raw in ["<script", "src=", "href", "\u{1b}", "\u{202e}", "'&"] {
            let ours = raw == "src=" && !page.contains("src=\"");
            assert!(ours || !page.contains(raw), "{raw}");
        }
        assert_eq!(page.matches("<rect").count(), 4);
        assert!(page.contains("<figcaption>code, failed: 0 tokens in 0 turns"), "{page}");
        assert!(page.contains("turn 2: 200 in, 10 out"), "{page}");
        assert!(
            page.contains("<span class=\"wrong\">2 of 2</span>") && page.contains("it broke off"),
            "{page}"
        );
    }
}
