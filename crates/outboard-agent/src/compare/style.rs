//! How the report may look: colour and characters beyond ASCII, each only where it is welcome.
//!
//! The decision is a pure function of what the caller found out; nothing here reads the environment.

use anstyle::{AnsiColor, Style as Ansi};

/// How a report is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Uses colour and bold.
    pub color: bool,
    /// Uses block characters; otherwise the text is pure ASCII.
    pub unicode: bool,
}

impl Style {
    /// The style for an output: colour on a terminal unless `NO_COLOR` is set (to anything but nothing,
    /// <https://no-color.org>) or the terminal is dumb, block characters under a UTF-8 locale.
    pub fn detect(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Self {
            color: terminal && set("NO_COLOR").is_none() && set("TERM").as_deref() != Some("dumb"),
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    /// Bold.
    pub fn strong(self, text: &str) -> String {
        self.paint(Ansi::new().bold(), text)
    }

    /// Dimmed.
    pub fn dim(self, text: &str) -> String {
        self.paint(Ansi::new().dimmed(), text)
    }

    /// The one to look at.
    pub fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// What is wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    fn paint(self, ansi: Ansi, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{ansi}{text}{ansi:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_and_blocks_are_used_only_where_they_are_welcome() {
        type Case = (bool, &'static [(&'static str, &'static str)], bool, bool);
        let cases: [Case; 8] = [
            (true, &[("LANG", "en_US.UTF-8"), ("TERM", "xterm")], true, true),
            (false, &[("LANG", "C.utf8")], false, true),
            (true, &[("NO_COLOR", "1"), ("LANG", "C.UTF-8")], false, true),
            (true, &[("NO_COLOR", "")], true, false),
            (true, &[("TERM", "dumb")], false, false),
            (true, &[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], true, false),
            (true, &[("LC_ALL", ""), ("LC_CTYPE", "de_DE.UTF-8")], true, true),
            (false, &[], false, false),
        ];
        for (terminal, variables, color, unicode) in cases {
            let lookup = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Style::detect(terminal, lookup), Style { color, unicode }, "{terminal} {variables:?}");
        }
    }
}
