//! Horizontal bars: one quantity, one bar a way, each with its figure and its distance from the first.
//!
//! It lays out text and knows nothing of what the quantities mean.

use super::Style;

const WIDTH: usize = 40;

/// One bar.
pub struct Bar<'a> {
    /// What it is about.
    pub label: &'a str,
    /// How long it is.
    pub value: f64,
    /// The value for people.
    pub figure: String,
    /// Painted as the one to look at.
    pub good: bool,
}

/// The bars under a heading, the longest filling the width; later ones say how they compare to the
/// first.
pub fn bars(heading: &str, bars: &[Bar<'_>], style: Style) -> String {
    laid_out(heading, bars, style, &|value| compared(value, bars[0].value))
}

/// The same without comparing them: for steps of one thing.
pub fn steps(heading: &str, bars: &[Bar<'_>], style: Style) -> String {
    laid_out(heading, bars, style, &|_| String::new())
}

fn laid_out(heading: &str, bars: &[Bar<'_>], style: Style, beside: &dyn Fn(f64) -> String) -> String {
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let label_width = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    let figure_width = bars.iter().map(|bar| bar.figure.len()).max().unwrap_or(0);

    let mut text = format!("{}\n", style.strong(heading));
    for bar in bars {
        let (strip, cells) = strip(bar.value / longest, style.unicode);
        let strip = if bar.good { style.good(&strip) } else { strip };
        let line = format!(
            "  {:label_width$}  {strip}{:gap$}  {:>figure_width$}  {}",
            bar.label,
            "",
            bar.figure,
            beside(bar.value),
            gap = WIDTH - cells,
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A bar of `share` of the width and the cells it takes; anything but nothing shows.
fn strip(share: f64, unicode: bool) -> (String, usize) {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    if !unicode {
        let cells = (share * WIDTH as f64).round() as usize;
        let cells = if share > 0.0 { cells.max(1) } else { 0 };
        return ("#".repeat(cells), cells);
    }
    let eighths = (share * (WIDTH * 8) as f64).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let strip = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    (strip, eighths.div_ceil(8))
}

/// "99.5% less" than the first, "2.0% more", or nothing when equal.
fn compared(value: f64, first: f64) -> String {
    let percent = (1.0 - value / first) * 100.0;
    if !percent.is_finite() || percent.abs() < 0.05 {
        String::new()
    } else if percent > 0.0 {
        format!("{percent:.1}% less")
    } else {
        format!("{:.1}% more", -percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_fill_their_share_and_never_vanish() {
        let cases = [
            (1.0, true, "█".repeat(40), 40),
            (0.5, true, "█".repeat(20), 20),
            (0.0126, true, "▌".to_owned(), 1),
            (0.00001, true, "▏".to_owned(), 1),
            (0.00001, false, "#".to_owned(), 1),
            (0.5, false, "#".repeat(20), 20),
            (0.0, true, String::new(), 0),
            (f64::NAN, true, String::new(), 0),
        ];
        for (share, unicode, expected, cells) in cases {
            assert_eq!(strip(share, unicode), (expected, cells), "{share} {unicode}");
        }
    }

    #[test]
    fn comparisons_are_signed_and_silent_when_equal() {
        let cases = [(1.0, 200.0, "99.5% less"), (3.0, 2.0, "50.0% more"), (2.0, 2.0, ""), (1.0, 0.0, "")];
        for (value, first, expected) in cases {
            assert_eq!(compared(value, first), expected);
        }
    }
}
