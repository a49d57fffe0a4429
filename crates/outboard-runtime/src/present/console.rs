//! A run's console as text: all of it, or its head and its tail.
//! It does not keep what is left out; console text is for glances, values are for data.

use std::borrow::Cow;

use super::{
    plain::{clean, clipped, counted, limit_size, size},
    tokens::{count_tokens, fits, tokens_within},
};
use crate::ports::engine::{ConsoleLevel, ConsoleLine};

/// What a run wrote to its console.
pub(super) struct Console<'a> {
    lines: Vec<Cow<'a, str>>,
    /// Said at the end: text that the run's limit dropped.
    dropped: Option<String>,
}

impl<'a> Console<'a> {
    pub(super) fn new(console: &'a [ConsoleLine], dropped: u64, limit: u64) -> Self {
        let mut lines = Vec::new();
        for line in console {
            let label = match line.level {
                ConsoleLevel::Warn => "warn: ",
                ConsoleLevel::Error => "error: ",
                ConsoleLevel::Log | ConsoleLevel::Info | ConsoleLevel::Debug => "",
            };
            let mut texts = line.text.split('\n');
            let first = texts.next().unwrap_or_default();
            lines.push(if label.is_empty() {
                Cow::Borrowed(first)
            } else {
                Cow::Owned(format!("{label}{first}"))
            });
            lines.extend(texts.map(Cow::Borrowed));
        }
        let dropped = (dropped > 0).then(|| {
            format!(
                "[{} more dropped: the console keeps {} (setting `limits.consoleBytes`)]",
                size(dropped),
                limit_size(limit)
            )
        });
        Self { lines, dropped }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped.is_none()
    }

    /// Bytes of the lines, each with its end.
    fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.len() + 1).sum()
    }

    /// Tokens that the whole text may take of `most`, about: its bytes where they are as few, else its tokens, else all.
    pub(super) fn cost(&self, most: usize) -> usize {
        let short = self.whole_within(most).map(|text| text.len());
        short.or_else(|| self.tokens_within(most)).unwrap_or(most)
    }

    /// Tokens of the whole text if they are at most `limit`.
    fn tokens_within(&self, limit: usize) -> Option<usize> {
        // No text of this size fits, so it need not be joined to be counted.
        if self.bytes() / super::tokens::LONGEST_TOKEN > limit {
            return None;
        }
        tokens_within(&self.whole(), limit)
    }

    /// The whole text if it has at most `bytes` bytes.
    pub(super) fn whole_within(&self, bytes: usize) -> Option<String> {
        // A text that is made harmless does not get shorter, so only short text is joined.
        (self.bytes() <= bytes.saturating_add(1)).then(|| self.whole()).filter(|text| text.len() <= bytes)
    }

    /// The text in at most `budget` tokens; empty if not even a remark fits.
    pub(super) fn fit(&self, budget: usize) -> String {
        if let Some(whole) = self.whole_within(budget) {
            return whole;
        }
        if self.tokens_within(budget).is_some() {
            return self.whole();
        }
        let mut bytes = budget.saturating_mul(4);
        while bytes > 16 {
            let text = self.shortened(bytes);
            let tokens = count_tokens(&text);
            if tokens <= budget {
                return text;
            }
            let scaled = (bytes as f64 * budget as f64 / tokens as f64 * 0.95) as usize;
            bytes = scaled.min(bytes - bytes / 10 - 1);
        }
        let remark = format!("[{} of console text not shown]", counted(self.lines.len(), "line"));
        if fits(&remark, budget) { remark } else { String::new() }
    }

    fn whole(&self) -> String {
        let mut text = self.lines.iter().map(|line| clean(line)).collect::<Vec<_>>().join("\n");
        self.finish(&mut text);
        text
    }

    /// Head and tail in about `bytes` bytes. Each line may take a quarter of them.
    fn shortened(&self, bytes: usize) -> String {
        let longest = (bytes / 4).max(40);
        let cost = |line: &Cow<'_, str>| line.len().min(longest) + 1;
        let head = taken(self.lines.iter().map(cost), bytes / 5 * 3);
        let tail = taken(self.lines[head..].iter().rev().map(cost), bytes / 5 * 2);
        let left_out = self.lines.len() - head - tail;
        let show = |line: &Cow<'_, str>| clean(&clipped(line, longest)).into_owned();
        let mut shown: Vec<String> = self.lines[..head].iter().map(show).collect();
        if left_out > 0 {
            shown.push(format!("[… {} left out …]", counted(left_out, "line")));
        }
        shown.extend(self.lines[self.lines.len() - tail..].iter().map(show));
        let mut text = shown.join("\n");
        self.finish(&mut text);
        text
    }

    fn finish(&self, text: &mut String) {
        if let Some(dropped) = &self.dropped {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(dropped);
        }
    }
}

/// How many of `costs` can be paid with `room`.
fn taken(costs: impl Iterator<Item = usize>, mut room: usize) -> usize {
    costs.take_while(|cost| room.checked_sub(*cost).map(|left| room = left).is_some()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(texts: &[(ConsoleLevel, &str)]) -> Vec<ConsoleLine> {
        texts.iter().map(|(level, text)| ConsoleLine { level: *level, text: (*text).to_owned() }).collect()
    }

    #[test]
    fn short_output_is_shown_whole_and_harmless() {
        let lines = console(&[
            (ConsoleLevel::Log, "one\ntwo"),
            (ConsoleLevel::Warn, "careful"),
            (ConsoleLevel::Error, "\x1b[2J"),
        ]);
        assert_eq!(Console::new(&lines, 0, 1 << 20).fit(100), "one\ntwo\nwarn: careful\nerror: \\x1b[2J");
        assert_eq!(
            Console::new(&lines[..1], 12_345, 1 << 20).fit(100),
            "one\ntwo\n[12 kB more dropped: the console keeps 1 MiB (setting `limits.consoleBytes`)]"
        );
        assert!(Console::new(&[], 0, 1 << 20).is_empty());
    }

    #[test]
    fn long_output_keeps_head_and_tail_and_counts_the_rest() {
        let lines: Vec<_> = (1..=5_000)
            .map(|number| ConsoleLine { level: ConsoleLevel::Log, text: format!("line {number}") })
            .collect();
        let console = Console::new(&lines, 0, 1 << 20);
        for budget in [40, 100, 1_000] {
            let text = console.fit(budget);
            assert!(count_tokens(&text) <= budget);
            assert!(
                text.starts_with("line 1\nline 2\n") && text.ends_with("\nline 4999\nline 5000"),
                "{text}"
            );
            let shown = text.lines().filter(|line| line.starts_with("line ")).count();
            assert!(text.contains(&format!("[… {} left out …]", counted(5_000 - shown, "line"))), "{text}");
        }
        for budget in 0..40 {
            assert!(count_tokens(&console.fit(budget)) <= budget);
        }
    }

    #[test]
    fn one_endless_line_is_clipped() {
        let lines = console(&[(ConsoleLevel::Log, &"x y ".repeat(250_000))]);
        let text = Console::new(&lines, 0, 1 << 20).fit(200);
        assert!(text.starts_with("x y x y") && text.ends_with('…') && count_tokens(&text) <= 200, "{text}");
    }
}
