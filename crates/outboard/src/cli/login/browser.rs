//! Opens an address in the person's browser: the one that `BROWSER` names, else the system's. No shell sees the address.
//! Whether a window came up cannot be known.

use std::process::Stdio;

use tokio::process::{Child, Command};

/// Starts the browser, if there seems to be one.
pub(super) fn open(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Option<Child> {
    candidates(url, variable).into_iter().find_map(|words| {
        let (program, arguments) = words.split_first()?;
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    })
}

/// The commands that may open it, the best first.
fn candidates(url: &str, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Vec<String>> {
    if let Some(named) = variable("BROWSER").filter(|named| !named.trim().is_empty()) {
        let commands = named.split(':').map(|command| of_words(command, url));
        return commands.filter(|words| words.len() > 1).collect();
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let has_screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    if has_screen { vec![vec![opener.to_owned(), url.to_owned()]] } else { Vec::new() }
}

/// A command with the address where it says `%s`, else at its end.
fn of_words(command: &str, url: &str) -> Vec<String> {
    let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    let mut placed = false;
    for word in &mut words {
        placed |= word.contains("%s");
        *word = word.replace("%s", url);
    }
    if !placed && !words.is_empty() {
        words.push(url.to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_own_browser_comes_first_and_none_is_made_up() {
        let url = "https://auth.example/?a=1&b=$(id);c";
        for (browser, display, expected) in [
            (Some("firefox"), None, vec![vec!["firefox", url]]),
            (Some("w3m -o x=y:links %s"), None, vec![vec!["w3m", "-o", "x=y", url], vec!["links", url]]),
            (Some(" "), None, vec![]),
            (None, None, vec![]),
        ] {
            let variable = |name: &str| match name {
                "BROWSER" => browser.map(str::to_owned),
                "DISPLAY" => display.map(|text: &str| text.to_owned()),
                _ => None,
            };
            if cfg!(target_os = "macos") && browser.is_none_or(|named| named.trim().is_empty()) {
                continue;
            }
            assert_eq!(candidates(url, &variable), expected, "{browser:?}");
        }
    }
}
