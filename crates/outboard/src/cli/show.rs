//! What a person is shown of entries and changes, and what they answer. Everything shown is escaped: entries and
//! files may be a stranger's. Nothing is decided here.

use std::io::{BufRead as _, IsTerminal as _};

use crate::{
    config::{self, Credential, Entry, OpenApi, References, Transport, Usage, named, secrets},
    report::{self, Failure, counted},
};

pub(super) use crate::report::{escaped, quoted};

/// Asks a question that is answered with yes or no; anything but a yes is a no.
pub(super) fn confirmed(question: &str) -> Result<bool, Failure> {
    report::note(format_args!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::could_not(&error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Whether to go on: said beforehand, or asked at a terminal. Without a terminal nothing is done, and this says how.
pub(super) fn agreed(said: bool, question: &str) -> Result<bool, Failure> {
    if said {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nothing was written: there is no terminal to ask at")
            .hint("add --yes to agree beforehand"));
    }
    let agreed = confirmed(question)?;
    if !agreed {
        report::note("nothing was written");
    }
    Ok(agreed)
}

/// The lines in which two texts differ, as a patch without context and with what may be secret masked.
pub(super) fn changed_lines(file: &str, old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let rest = old.len().min(new.len()) - start;
    let end =
        old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(one, other)| one == other).count();
    // A member that comes after another one changes that one's last line too: shown so, both are whole.
    let closes = |lines: &[&str]| lines.first().is_some_and(|line| line.trim_start().starts_with(['}', ']']));
    let split = (closes(&old[start..old.len() - end]) || closes(&new[start..new.len() - end])) && end > 0;
    let end = end - usize::from(split && (old.len() - end == start || new.len() - end == start));
    let (removed, added) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let mut lines = vec![format!("{} line {}", escaped(file), start + 1)];
    let shown = |line: &str, other: Option<&&str>| {
        let line = visible(line);
        match other {
            Some(other) => elided(&line, &visible(other)),
            None => escaped(&line),
        }
    };
    lines.extend(removed.iter().enumerate().map(|(at, line)| format!("- {}", shown(line, added.get(at)))));
    lines.extend(added.iter().enumerate().map(|(at, line)| format!("+ {}", shown(line, removed.get(at)))));
    lines
}

/// A line as a person sees it, with what may be secret masked.
fn visible(line: &str) -> String {
    secrets::masked_line(line.trim_end()).replace('\t', "    ")
}

/// Characters of a line that are shown whole, and of what stays the same those beside a change.
const SHOWN: usize = 160;
const BESIDE: usize = 40;

/// A line, escaped; a long one without most of what it shares with the `other`, so that the change is always seen.
pub(super) fn elided(line: &str, other: &str) -> String {
    let (chars, other): (Vec<char>, Vec<char>) = (line.chars().collect(), other.chars().collect());
    if chars.len() <= SHOWN {
        return escaped(line);
    }
    let before = chars.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let rest = chars.len().min(other.len()) - before;
    let after = chars.iter().rev().zip(other.iter().rev()).take(rest).take_while(|(one, other)| one == other);
    let (from, to) = (before.saturating_sub(BESIDE), (chars.len() - after.count() + BESIDE).min(chars.len()));
    let text: String = chars[from..to].iter().collect();
    let (open, close) = (if from > 0 { "… " } else { "" }, if to < chars.len() { " …" } else { "" });
    format!("{open}{}{close}", escaped(&text))
}

/// Shows a person what an entry starts or reaches, and with what.
pub(super) fn entry(name: &str, entry: &Entry) {
    if entry.is_outboard(std::env::current_exe().and_then(std::fs::canonicalize).ok().as_deref()) {
        report::line(format_args!("  {} is Outboard itself and is skipped", escaped(name)));
        return;
    }
    match &entry.transport {
        Transport::Stdio { command, args, env, cwd } => {
            let words: Vec<String> = std::iter::once(command).chain(args).map(|word| quoted(word)).collect();
            report::line(format_args!("  {} starts  {}", escaped(name), words.join(" ")));
            for (variable, value) in env {
                report::line(format_args!("    with {}={}", escaped(variable), quoted(value)));
            }
            if let Some(cwd) = cwd {
                report::line(format_args!("    in {}", quoted(cwd)));
            }
        }
        Transport::Http { url, headers } => {
            report::line(format_args!("  {} reaches  {}", escaped(name), quoted(url)));
            for (header, value) in headers {
                report::line(format_args!("    with {}: {}", escaped(header), quoted(value)));
            }
        }
        Transport::OpenApi(api) => of_api(name, api),
    }
    for line in usage(&entry.usage) {
        report::line(format_args!("    {}", escaped(&line)));
    }
    let mut variables: Vec<String> = entry.texts().into_iter().flat_map(|(_, text)| named(text)).collect();
    variables.sort();
    variables.dedup();
    if !variables.is_empty() {
        report::line(format_args!("    is given your {}", variables.join(", ")));
    }
}

/// What an API is sent, and to whom.
fn of_api(name: &str, api: &OpenApi) {
    let base = api.base.as_deref().unwrap_or("an address that is still to be said (`baseUrl`)");
    report::line(format_args!("  {} reaches  {}", escaped(name), quoted(base)));
    for server in &api.servers {
        report::line(format_args!("    and {}", quoted(server)));
    }
    report::line(format_args!("    as described in {}", quoted(&api.document)));
    for (header, value) in &api.headers {
        report::line(format_args!("    with {}: {}", escaped(header), quoted(value)));
    }
    for (scheme, credential) in &api.auth {
        match credential {
            Credential::Text(value) => {
                report::line(format_args!("    with {} for {}", quoted(value), escaped(scheme)));
            }
            Credential::Client { id, token_url, .. } => {
                let from = token_url.as_deref().map_or(String::new(), |url| format!(" from {}", quoted(url)));
                report::line(format_args!(
                    "    with tokens of client {} for {}{from}",
                    quoted(id),
                    escaped(scheme)
                ));
            }
            Credential::Login(config::Login { id, authorization_url, token_url, .. }) => {
                let at =
                    |url: &Option<String>| url.as_deref().map_or("what its document says".to_owned(), quoted);
                report::line(format_args!(
                    "    with tokens that you sign in for as client {} at {}, given at {}, for {}",
                    quoted(id),
                    at(authorization_url),
                    at(token_url),
                    escaped(scheme)
                ));
            }
        }
    }
    if let Some(References { also }) = &api.references {
        let also: Vec<String> = also.iter().map(|place| quoted(place)).collect();
        let and = if also.is_empty() { String::new() } else { format!(", and in {}", also.join(", ")) };
        report::line(format_args!("    and in what that refers to beside it{and}"));
    }
    if !api.tags.is_empty() {
        report::line(format_args!("    of its operations those tagged {}", escaped(&api.tags.join(", "))));
    }
    for (pattern, _) in &api.annotations {
        report::line(format_args!("    with claims of yours about {}", quoted(pattern)));
    }
    if api.private {
        report::line("    also at private addresses");
    }
}

/// How an entry is used, as far as it says so.
fn usage(usage: &Usage) -> Vec<String> {
    let (allow, deny) = usage.terms.tools.patterns();
    let listed = |patterns: Vec<&str>| match patterns.is_empty() {
        true => "nothing".to_owned(),
        false => patterns.join(", "),
    };
    let timeout =
        usage.terms.timeout.map(|timeout| format!("at most {} s for a call", timeout.as_secs_f64()));
    let concurrency =
        usage.terms.concurrency.map(|number| counted(number.get() as usize, "call") + " at once");
    let lines = [
        allow.map(|allow| format!("of its tools only {}", listed(allow))),
        (!deny.is_empty()).then(|| format!("without its tools {}", listed(deny))),
        timeout,
        concurrency,
        usage.eager.then(|| "started with Outboard".to_owned()),
    ];
    lines.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_the_lines_that_differ_and_no_secret() {
        for (old, new, lines) in [
            ("", "a\n", &["f line 1", "+ a"][..]),
            ("a\nb\nc\n", "a\nc\n", &["f line 2", "- b"]),
            ("a\na\n", "a\na\na\n", &["f line 3", "+ a"]),
            (
                "{\n  \"k\": \"v\"\n}",
                "{\n  \"k\": \"v\",\n  \"token\": \"x\"\n}",
                &["f line 2", "-   \"k\": \"v\"", "+   \"k\": \"v\",", "+   \"token\": \"***\""],
            ),
            ("a\u{1b}[2J", "b", &["f line 1", "- a\\u{1b}[2J", "+ b"]),
        ] {
            assert_eq!(changed_lines("f", old, new), lines);
        }
    }

    #[test]
    fn of_a_long_line_the_change_is_shown_wherever_it_is() {
        let old = format!("{{\"a\":\"{}\",\"s\":{{}},\"z\":\"{}\"}}", "x".repeat(500), "y".repeat(500));
        let new = old.replace("\"s\":{}", "\"s\":{\"outboard\":{\"command\":\"outboard\"}}");
        let lines = changed_lines("f", &old, &new);
        assert_eq!(lines.len(), 3);
        for (line, shows) in
            [(&lines[1], "\"s\":{}"), (&lines[2], "\"s\":{\"outboard\":{\"command\":\"outboard\"}}")]
        {
            assert!(line.contains(shows) && line.chars().count() < 200, "{line}");
            assert!(line[2..].starts_with("… xxx") && line.ends_with("yyy …"), "{line}");
        }
        // What is all new is shown whole.
        let all_new = changed_lines("f", "", &"x".repeat(1_000));
        assert_eq!(all_new[1].chars().count(), 1_002);
    }
}
