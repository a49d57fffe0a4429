//! Lays the report out for people: task, table, bars, answer, script, how it was counted, and the second part.
//!
//! It decides order and alignment; the figures and the judgement come from the report.

use outboard_agent::compare::{
    bars::{Bar, bars},
    thousands,
};

use super::{COUNTED, DemoReport, Style, WayReport, waiting};
use crate::{
    data::{PAGE_SIZE, TOTAL_PAGES},
    model::SUMMARY_SCRIPT,
};

type Value = fn(&WayReport) -> f64;
type Figure = fn(&WayReport) -> String;

pub(super) fn render(report: &DemoReport, style: Style) -> String {
    let quantities: [(&str, Value, Figure); 3] = [
        ("tokens (o200k estimate)", |way| way.tokens() as f64, |way| thousands(way.tokens())),
        ("turns", |way| way.turns as f64, |way| way.turns.to_string()),
        ("seconds", |way| way.seconds, |way| seconds(way.seconds)),
    ];
    let mut sections = vec![task(report), table(report, style)];
    sections.extend(quantities.map(|(heading, value, figure)| {
        let each = report.ways.iter().enumerate().map(|(index, way)| Bar {
            label: way.label,
            value: value(way),
            figure: figure(way),
            good: index + 1 == report.ways.len(),
        });
        bars(heading, &each.collect::<Vec<_>>(), style)
    }));
    sections.push(answer(report, style));
    sections.push(script(style));
    sections.push(format!("{}\n", style.dim(COUNTED)));
    sections.extend(report.workplace.iter().map(|workplace| waiting::render(workplace, style)));
    sections.join("\n")
}

fn task(report: &DemoReport) -> String {
    let latency = if report.latency { "100 to 200 ms a call" } else { "no latency" };
    format!(
        "One task over MCP: failures, most active users and average duration in {TOTAL_PAGES} pages of \
         {PAGE_SIZE} records, {latency}.\n"
    )
}

fn table(report: &DemoReport, style: Style) -> String {
    let width = report.all().map(|way| way.label.len()).max().unwrap_or(0);
    let row = |way: &str, [turns, input, output, tokens, seconds]: [&str; 5]| {
        format!("{way:width$}  {turns:>5}  {input:>9}  {output:>6}  {tokens:>9}  {seconds:>7}")
    };
    let header = row("way", ["turns", "input", "output", "tokens", "seconds"]);
    let mut text = format!("{}\n", style.strong(&header));
    for way in report.all() {
        let figures = [
            way.turns.to_string(),
            thousands(way.input_tokens),
            thousands(way.output_tokens),
            thousands(way.tokens()),
            seconds(way.seconds),
        ];
        text.push_str(&row(way.label, figures.each_ref().map(String::as_str)));
        text.push('\n');
    }
    text
}

fn answer(report: &DemoReport, style: Style) -> String {
    if report.answers_agree() {
        let answer = report.ways.first().map(|way| way.answer.to_string()).unwrap_or_default();
        return format!("{}\n  {}\n", style.strong("answer, the same in every way"), style.good(&answer));
    }
    let width = report.all().map(|way| way.label.len()).max().unwrap_or(0);
    let mut text = format!("{}\n", style.bad("THE ANSWERS DIFFER: at least one way is wrong"));
    for way in report.all() {
        text.push_str(&format!("  {:width$}  {}\n", way.label, way.answer));
    }
    text
}

fn script(style: Style) -> String {
    format!("{}\n{}", style.strong("the script"), further_in(SUMMARY_SCRIPT))
}

/// Lines that stand further in than their heading.
pub(super) fn further_in(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", format!("  {line}").trim_end())).collect()
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}
