//! What in an entry is likely a secret: masked where a person or a program reads along, and told of when it is
//! written down although `${VAR}` would do. A guess by names and shapes; it does not find every secret.

use serde_json::{Map, Value};

/// Stands for a value that is not shown.
const MASK: &str = "***";

/// Parts of names whose values are secrets.
const NAMES: [&str; 15] = [
    "token",
    "secret",
    "passw",
    "apikey",
    "api_key",
    "api-key",
    "auth",
    "credential",
    "cookie",
    "private",
    "_key",
    "-key",
    "_pat",
    "dsn",
    "signature",
];
/// Starts of values that well-known services issue.
const STARTS: [&str; 15] = [
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xox",
    "AKIA",
    "AIza",
    "eyJ",
    "hf_",
    "npm_",
];
/// Headers that say nothing about who asks.
const OPEN_HEADERS: [&str; 4] = ["accept", "content-type", "user-agent", "mcp-protocol-version"];

/// The entry with what may be secret replaced.
pub(crate) fn masked(entry: &Value) -> Value {
    let Value::Object(members) = entry else { return entry.clone() };
    let each = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("env", Value::Object(values)) => with_values(values, |name, text| {
                if is_secret(name, text) || !is_harmless(text) { mask(text) } else { text.to_owned() }
            }),
            ("headers", Value::Object(values)) => with_values(values, |name, text| {
                if OPEN_HEADERS.contains(&name.to_lowercase().as_str()) {
                    text.to_owned()
                } else {
                    mask(text)
                }
            }),
            ("args", Value::Array(args)) => {
                let mut last = "";
                let masked = args.iter().map(|arg| {
                    let Some(text) = arg.as_str() else { return arg.clone() };
                    let masked = masked_argument(last, text);
                    last = text;
                    Value::from(masked)
                });
                Value::Array(masked.collect())
            }
            ("url" | "serverUrl", Value::String(url)) => Value::from(masked_url(url)),
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(members.iter().map(each).collect())
}

/// The members of the entry, by their keys, that hold a secret as it is.
pub(crate) fn literals(entry: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for group in ["env", "headers"] {
        for (name, value) in entry.get(group).and_then(Value::as_object).into_iter().flatten() {
            if value.as_str().is_some_and(|text| is_secret(name, text)) {
                found.push(format!("{group}.{name}"));
            }
        }
    }
    let mut last = "";
    for (at, arg) in entry.get("args").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let text = arg.as_str().unwrap_or_default();
        if masked_argument(last, text) != text {
            found.push(format!("args[{at}]"));
        }
        last = text;
    }
    if entry.get("url").and_then(Value::as_str).is_some_and(|url| masked_url(url) != url) {
        found.push("url".to_owned());
    }
    found
}

/// A line of a configuration file in any syntax, with what may be secret replaced.
pub(crate) fn masked_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut name = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '\'' || c.is_alphanumeric()) {
        out.push_str(&rest[..start]);
        if rest[..start].contains(['#']) || rest[..start].contains("//") {
            name.clear();
        }
        rest = &rest[start..];
        let (word, quote) = word(rest);
        rest = &rest[word.len()..];
        let inside = word.trim_matches(['"', '\'']);
        let is_name = rest.trim_start().starts_with([':', '=']) && !rest.starts_with("://");
        if is_name {
            inside.clone_into(&mut name);
            out.push_str(word);
        } else if is_secret(&name, inside) || masked_url(inside) != inside {
            out.push_str(&format!("{quote}{MASK}{quote}"));
        } else {
            out.push_str(word);
        }
    }
    out.push_str(rest);
    out
}

/// The quoted text or the bare word that a text starts with, and the quote.
fn word(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| "\"'".contains(*c));
    let Some(quote) = quote else {
        let end = text.find(|c: char| c.is_whitespace() || ",}]=\"'".contains(c)).unwrap_or(text.len());
        // `key:` is a name, `https://` is none.
        let end = text[..end].strip_suffix(':').map_or(end, str::len);
        return (&text[..end.max(1)], "");
    };
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    (&text[..end.map_or(text.len(), |end| end + 2)], if quote == '"' { "\"" } else { "'" })
}

fn with_values(values: &Map<String, Value>, change: impl Fn(&str, &str) -> String) -> Value {
    let each = |(name, value): (&String, &Value)| {
        (name.clone(), value.as_str().map_or_else(|| value.clone(), |text| Value::from(change(name, text))))
    };
    Value::Object(values.iter().map(each).collect())
}

/// A text of which only the variables and a scheme such as `Bearer` are shown.
fn mask(text: &str) -> String {
    let literal = literal(text);
    if literal.is_empty() { text.to_owned() } else { MASK.to_owned() }
}

/// What of a text is neither a variable nor an authorisation scheme.
fn literal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        // The default of a variable is written down as well.
        if let Some((_, default)) = rest[start + 2..start + end].split_once(":-") {
            out.push_str(default);
        }
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    let out = out.trim();
    let scheme = ["Bearer", "Basic", "Token", "token", "bearer"]
        .into_iter()
        .find_map(|scheme| out.strip_prefix(scheme).filter(|rest| rest.is_empty() || rest.starts_with(' ')));
    scheme.unwrap_or(out).trim().to_owned()
}

fn is_secret(name: &str, text: &str) -> bool {
    let literal = literal(text);
    has_secret_shape(&literal) || (names_a_secret(name) && !literal.is_empty() && !is_flag(&literal))
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    name == "key" || name == "pat" || NAMES.iter().any(|part| name.contains(part))
}

fn is_flag(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1" | "none"
    )
}

fn has_secret_shape(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+/=~".contains(c));
    let issued = text.len() >= 12 && STARTS.iter().any(|start| text.starts_with(start));
    let has = |kind: fn(&char) -> bool| text.chars().filter(kind).count();
    let mixed = has(char::is_ascii_digit) >= 3 && has(char::is_ascii_alphabetic) >= 6;
    plain && (issued || (text.len() >= 24 && mixed && !text.contains('/') && text.matches('.').count() <= 2))
}

/// A value that tells nothing: a flag, a number, a path, a plain word, an address without credentials.
fn is_harmless(text: &str) -> bool {
    let literal = literal(text);
    let word = literal.len() <= 16 && literal.chars().all(|c| c.is_ascii_lowercase() || "-_".contains(c));
    let number = literal.len() <= 6 && literal.parse::<f64>().is_ok();
    let path = literal.starts_with(['/', '~', '.']) && !literal.contains(char::is_whitespace);
    let url = literal.contains("://") && masked_url(&literal) == literal && !literal.contains('?');
    is_flag(&literal) || word || number || path || url
}

fn masked_argument(last: &str, text: &str) -> String {
    if let Some((name, value)) = text.split_once('=')
        && is_secret(name, value)
    {
        return format!("{name}={MASK}");
    }
    let named =
        last.starts_with('-') && !last.contains('=') && names_a_secret(last) && !text.starts_with('-');
    let header = text.split_once(':').is_some_and(|(name, value)| {
        !value.starts_with("//") && names_a_secret(name) && !literal(value).is_empty()
    });
    if header {
        return format!("{}: {MASK}", text.split(':').next().unwrap_or_default());
    }
    if (named && !literal(text).is_empty()) || has_secret_shape(&literal(text)) {
        return MASK.to_owned();
    }
    masked_url(text)
}

/// An address without its password, its secret parameters and segments of its path that look like a secret.
fn masked_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = match host.rsplit_once('@') {
        Some((user, host)) if !literal(user).is_empty() => format!("{MASK}@{host}"),
        _ => host.to_owned(),
    };
    let mut url = format!("{scheme}://{host}");
    if let Some(path) = path {
        let segments = path.split('/').map(|part| if has_secret_shape(part) { MASK } else { part });
        url.push('/');
        url.push_str(&segments.collect::<Vec<_>>().join("/"));
    }
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_secret(name, value) => format!("{name}={MASK}"),
            _ => pair.to_owned(),
        });
        url.push('?');
        url.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_secret_is_masked_and_what_is_needed_to_recognise_an_entry_is_not() {
        for (entry, shown, literals_of) in [
            (
                json!({"command": "npx", "args": ["-y", "@scope/server@1.2.3", "--token", "abc", "--api-key=abc", "--mode=x"],
                    "env": {"GITHUB_TOKEN": "ghp_0123456789abcdef", "MODE": "fast", "WHAT": "Hunter 2", "REF": "${A}", "PORT": "8080",
                        "TOKEN_DEFAULT": "${T:-fallback}", "ROOT": "/srv/data", "AUTH": "true"}}),
                json!({"command": "npx", "args": ["-y", "@scope/server@1.2.3", "--token", "***", "--api-key=***", "--mode=x"],
                    "env": {"GITHUB_TOKEN": "***", "MODE": "fast", "WHAT": "***", "REF": "${A}", "PORT": "8080",
                        "TOKEN_DEFAULT": "***", "ROOT": "/srv/data", "AUTH": "true"}}),
                &["env.GITHUB_TOKEN", "env.TOKEN_DEFAULT", "args[3]", "args[4]"][..],
            ),
            (
                json!({"url": "https://me:pw@host/mcp?api_key=1x&page=2", "headers": {"Authorization": "Bearer abc", "X-Team": "blue", "Accept": "text/html"}}),
                json!({"url": "https://***@host/mcp?api_key=***&page=2", "headers": {"Authorization": "***", "X-Team": "***", "Accept": "text/html"}}),
                &["headers.Authorization", "url"],
            ),
            (
                json!({"url": "https://host/mcp/${TOKEN}?key=${KEY}", "headers": {"Authorization": "Bearer ${TOKEN}"}}),
                json!({"url": "https://host/mcp/${TOKEN}?key=${KEY}", "headers": {"Authorization": "Bearer ${TOKEN}"}}),
                &[],
            ),
            (
                json!({"command": "c", "args": ["--header", "Authorization: Bearer abc", "https://host/s/0123456789abcdef01234567"]}),
                json!({"command": "c", "args": ["--header", "Authorization: ***", "https://host/s/***"]}),
                &["args[1]", "args[2]"],
            ),
        ] {
            assert_eq!(
                (masked(&entry), literals(&entry).as_slice()),
                (shown, literals_of.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>().as_slice())
            );
        }
    }

    #[test]
    fn lines_of_any_syntax_are_masked() {
        for (line, shown) in [
            ("      \"GITHUB_TOKEN\": \"abc\",", "      \"GITHUB_TOKEN\": \"***\","),
            ("TOKEN = 'a b' # note", "TOKEN = '***' # note"),
            ("    token: abc", "    token: ***"),
            ("  \"command\": \"/usr/bin/outboard\",", "  \"command\": \"/usr/bin/outboard\","),
            (
                "http_headers = { Authorization = \"Bearer x\", Accept = \"a\" }",
                "http_headers = { Authorization = \"***\", Accept = \"a\" }",
            ),
            ("\"url\": \"https://u:p@h/x\"", "\"url\": \"***\""),
            ("  \"ghp_0123456789abcdef\"", "  \"***\""),
            ("  },", "  },"),
        ] {
            assert_eq!(masked_line(line), shown);
        }
    }
}
