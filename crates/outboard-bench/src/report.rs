//! What was measured, as a table for people or as JSON. It judges nothing: verdicts come with the figures.
//! It takes no measure and does not decide where its text goes.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::{
    machine::Machine,
    measure::Measure,
    samples::{Pair, Samples, Target, Unit, Verdict},
};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// A measure that was taken.
pub(crate) struct Taken {
    pub(crate) measure: &'static Measure,
    pub(crate) pair: Pair,
    pub(crate) verdict: Verdict,
}

/// A measure that was not taken, and why.
pub(crate) struct NotTaken {
    pub(crate) name: &'static str,
    pub(crate) reason: String,
    /// It was tried and went wrong; else the machine lacks something for it.
    pub(crate) failed: bool,
}

/// Writes the table. Colour stands on verdicts alone; whether it is wanted is the stream's to decide.
pub(crate) fn table(
    out: &mut impl Write,
    machine: &Machine,
    taken: &[Taken],
    not_taken: &[NotTaken],
) -> io::Result<()> {
    let head = ["measure", "language", "Outboard", "p10-p90", "compared with", "p10-p90", "figure", "target"];
    let rows: Vec<[String; 8]> = taken.iter().map(Taken::cells).collect();
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let line = |row: &[String; 8]| {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 | 1 => format!("{cell:<width$}", width = width(column)),
            _ => format!("{cell:>width$}", width = width(column)),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    writeln!(out, "{}", line(&head).trim_end())?;
    for (row, Taken { verdict, .. }) in rows.iter().zip(taken) {
        let (style, word) = if verdict.pass { (GOOD, "PASS") } else { (BAD, "MISS") };
        writeln!(out, "{}  {style}{word}{style:#}", line(row))?;
    }
    writeln!(out)?;
    for Taken { measure, pair, .. } in taken {
        let against = if measure.other.is_empty() { "" } else { ", compared with " };
        let (what, other, count) = (measure.what, measure.other, pair.ours.count());
        writeln!(out, "{}: {what}{against}{other}; {count} samples", measure.name)?;
    }
    for NotTaken { name, reason, failed } in not_taken {
        let word = if *failed { "failed" } else { "not measured" };
        writeln!(out, "{name}: {BAD}{word}{BAD:#}: {reason}")?;
    }
    writeln!(out)?;
    let load = |load: Option<f64>| load.map_or("unknown".to_owned(), |load| format!("{load:.2}"));
    let (before, after) = (load(machine.load_before), load(machine.load_after));
    let Machine { system, processor, cores, outboard, .. } = machine;
    writeln!(out, "{processor}, {cores} cores, {system}; load before {before}, after {after}")?;
    if let Some(python) =
        machine.python.as_deref().filter(|_| taken.iter().any(|taken| taken.measure.name == "python-fib"))
    {
        writeln!(out, "the machine's own CPython: {python}")?;
    }
    writeln!(out, "{outboard}; {}medians; journal and gate as shipped", unoptimised(machine))
}

/// Writes everything, samples included, as one JSON object.
pub(crate) fn json(
    out: &mut impl Write,
    machine: &Machine,
    taken: &[Taken],
    not_taken: &[NotTaken],
) -> io::Result<()> {
    let measures: Vec<Value> = taken.iter().map(Taken::json).collect();
    let reason = |not: &NotTaken| json!({ "name": not.name, "reason": not.reason, "failed": not.failed });
    let not_measured: Vec<Value> = not_taken.iter().map(reason).collect();
    let all = json!({ "format": 1, "figures_mean_something": unoptimised(machine).is_empty(), "machine": machine, "measures": measures, "not_measured": not_measured });
    writeln!(out, "{all:#}")
}

/// A warning where the program under measure, or this one, which measures libraries in itself, is a development build.
fn unoptimised(machine: &Machine) -> &'static str {
    let ours = cfg!(debug_assertions);
    if ours || machine.outboard.contains("development build") {
        "NOT OPTIMISED, the figures mean nothing; "
    } else {
        ""
    }
}

impl Taken {
    fn cells(&self) -> [String; 8] {
        let Self { measure, pair, verdict } = self;
        let unit = measure.unit;
        let spread = |samples: &Samples| match samples.count() {
            0 => String::new(),
            _ => format!("{}-{}", quantity(samples.at(0.1), unit), quantity(samples.at(0.9), unit)),
        };
        let other = if pair.other.count() == 0 { String::new() } else { quantity(pair.other.median(), unit) };
        let (figure, target) = match measure.target {
            Target::AtMost(most) => (quantity(verdict.figure, unit), quantity(most, unit)),
            Target::Beyond(most) => {
                (format!("+{}", quantity(verdict.figure, unit)), format!("+{}", quantity(most, unit)))
            }
            Target::Times(most) => (format!("{:.2} x", verdict.figure), format!("{most} x")),
            Target::Faster(least) => (format!("{:.2} x faster", verdict.figure), format!("{least} x faster")),
        };
        let language = measure.language.map_or("", |language| language.name()).to_owned();
        let ours = quantity(pair.ours.median(), unit);
        [
            measure.name.to_owned(),
            language,
            ours,
            spread(&pair.ours),
            other,
            spread(&pair.other),
            figure,
            target,
        ]
    }

    fn json(&self) -> Value {
        let Self { measure, pair, verdict } = self;
        let samples = |samples: &Samples| match samples.count() {
            0 => Value::Null,
            _ => json!({
                "median": samples.median(), "p10": samples.at(0.1), "p90": samples.at(0.9),
                "least": samples.at(0.0), "samples": samples.count(),
            }),
        };
        let (kind, target) = match measure.target {
            Target::AtMost(most) => ("at_most", most),
            Target::Beyond(most) => ("beyond", most),
            Target::Times(most) => ("times", most),
            Target::Faster(least) => ("times_faster", least),
        };
        json!({
            "name": measure.name,
            "what": measure.what,
            "language": measure.language.map(super::scripts::Language::name),
            "unit": match measure.unit { Unit::Seconds => "seconds", Unit::Bytes => "bytes" },
            "outboard": samples(&pair.ours),
            "compared_with": samples(&pair.other),
            "figure": verdict.figure,
            "target": { "kind": kind, "value": target },
            "verdict": if verdict.pass { "PASS" } else { "MISS" },
        })
    }
}

/// A quantity with three digits that count and the unit that fits it. Kilobytes have 1,000 bytes.
fn quantity(value: f64, unit: Unit) -> String {
    let steps: &[(f64, &str)] = match unit {
        Unit::Seconds => &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")],
        Unit::Bytes => &[(1e6, "MB"), (1e3, "KB"), (1.0, "B")],
    };
    let fitting = steps.iter().find(|(step, _)| value.abs() >= *step).or(steps.last());
    let (step, name) = fitting.copied().unwrap_or((1.0, ""));
    let scaled = value / step;
    let digits = match scaled.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{scaled:.digits$} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MEASURES;

    #[test]
    fn quantities_have_the_unit_that_fits() {
        for (value, unit, expected) in [
            (0.0, Unit::Seconds, "0.00 µs"),
            (11.5e-6, Unit::Seconds, "11.5 µs"),
            (-2.5e-3, Unit::Seconds, "-2.50 ms"),
            (0.0606, Unit::Seconds, "60.6 ms"),
            (1.0, Unit::Seconds, "1.00 s"),
            (187_654.0, Unit::Bytes, "188 KB"),
            (39.96e6, Unit::Bytes, "40.0 MB"),
            (12.0, Unit::Bytes, "12.0 B"),
        ] {
            assert_eq!(quantity(value, unit), expected);
        }
    }

    fn taken() -> Vec<Taken> {
        let measure = |name: &str| MEASURES.iter().find(|measure| measure.name == name).unwrap();
        let take = |name: &str, ours: f64, other: &[f64]| {
            let (measure, ours) = (measure(name), [ours].into_iter().collect());
            let pair = Pair { ours, other: other.iter().copied().collect() };
            Taken { verdict: measure.target.judge(&pair), measure, pair }
        };
        vec![take("return", 70e-6, &[20e-6]), take("idle-memory", 21e6, &[])]
    }

    fn absent() -> NotTaken {
        NotTaken { name: "types", reason: "there is no `tsc`".to_owned(), failed: false }
    }

    fn machine() -> Machine {
        let (system, processor) = ("linux 6".to_owned(), "a processor".to_owned());
        let outboard = "outboard 1.2.3 (development build)".to_owned();
        Machine {
            system,
            outboard,
            python: None,
            processor,
            cores: 2,
            load_before: Some(0.5),
            load_after: None,
        }
    }

    #[test]
    fn the_table_says_what_was_measured_where_and_how_it_ended() {
        let mut out = Vec::new();
        let absent = [absent()];
        table(&mut anstream::StripStream::new(&mut out), &machine(), &taken(), &absent).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let row = "return TypeScript 70.0 µs 70.0 µs-70.0 µs 20.0 µs 20.0 µs-20.0 µs 3.50 x 3 x MISS";
        assert_eq!(lines[1].join(" "), row);
        let row = "idle-memory TypeScript 21.0 MB 21.0 MB-21.0 MB 21.0 MB 40.0 MB PASS";
        assert_eq!(lines[2].join(" "), row);
        assert!(text.contains("types: not measured: there is no `tsc`"), "{text}");
        assert!(text.contains("a processor, 2 cores, linux 6; load before 0.50, after unknown"), "{text}");
        assert!(text.contains("outboard 1.2.3 (development build); NOT OPTIMISED"), "{text}");
    }

    #[test]
    fn json_holds_the_same() {
        let mut out = Vec::new();
        json(&mut out, &machine(), &taken(), &[absent()]).unwrap();
        let all: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(all["measures"][0]["verdict"], "MISS");
        assert_eq!(all["measures"][0]["compared_with"]["samples"], 1);
        assert_eq!(all["measures"][1]["compared_with"], Value::Null);
        assert_eq!(all["not_measured"][0]["name"], "types");
        assert_eq!(all["machine"]["cores"], 2);
    }
}
