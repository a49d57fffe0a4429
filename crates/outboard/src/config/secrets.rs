//! What in an entry or a line of a configuration file is likely a secret: masked where a person or a program reads along,
//! and told of when it is written down although `${VAR}` would do.
//! A guess by names and shapes: a short password under an ordinary name is not found.

use serde_json::{Map, Value};

/// Stands for a value that is not shown.
const MASK: &str = "***";

/// Words of names whose values are secrets.
const WORDS: [&str; 26] = [
    "token",
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pass",
    "pwd",
    "key",
    "apikey",
    "apitoken",
    "accesskey",
    "secretkey",
    "authtoken",
    "auth",
    "authorization",
    "bearer",
    "jwt",
    "credential",
    "credentials",
    "cookie",
    "sessionid",
    "pat",
    "dsn",
    "signature",
];
/// Ends of words, as in `PGPASSWORD`.
const ENDS: [&str; 5] = ["password", "passwd", "secret", "token", "apikey"];
/// Last words of names that are only about a secret.
const ABOUT: [&str; 30] = [
    "url",
    "uri",
    "endpoint",
    "host",
    "port",
    "file",
    "path",
    "dir",
    "directory",
    "name",
    "id",
    "type",
    "kind",
    "mode",
    "method",
    "scheme",
    "provider",
    "header",
    "format",
    "algorithm",
    "limit",
    "size",
    "length",
    "count",
    "ttl",
    "timeout",
    "expiry",
    "enabled",
    "disabled",
    "required",
];
/// Parameters of addresses that hold secrets, beside those that are named like one.
const PARAMETERS: [&str; 2] = ["sig", "code"];
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
/// What stands before a secret in the value of a header.
const SCHEMES: [&str; 3] = ["bearer", "basic", "token"];

/// The entry with what may be secret replaced. One rule holds here and for [`masked_line`]; a text is masked if
/// - the name beside it has a word such as `token`, `password` or `key`, and does not end in a word that makes it something
///   about a secret, such as `url`, `file`, `limit` or `type`;
/// - it has the shape of what services issue: a known start, or a long mix of letters and digits;
/// - it stands where secrets stand: before the `@` or in such a parameter of an address, after `Bearer` or `Basic`, in a
///   header that is not known to be harmless.
///
/// Only that part of the text is masked, and never a variable, a flag such as `true`, or nothing at all.
pub(crate) fn masked(entry: &Value) -> Value {
    let Value::Object(members) = entry else { return entry.clone() };
    let each = |(key, value): (&String, &Value)| {
        let value = match (key.as_str(), value) {
            ("env", Value::Object(values)) => with_values(values, masked_value),
            ("headers", Value::Object(values)) => with_values(values, |name, text| {
                if OPEN_HEADERS.contains(&name.to_lowercase().as_str()) {
                    masked_text(text)
                } else {
                    mask(text)
                }
            }),
            ("args", Value::Array(args)) => {
                let texts: Vec<&str> = args.iter().map(|arg| arg.as_str().unwrap_or_default()).collect();
                let masked = masked_arguments(&texts).into_iter().zip(args);
                // What is no text is shown as what it is: wrong.
                let each = masked
                    .map(|(masked, arg)| if arg.is_string() { Value::from(masked) } else { arg.clone() });
                Value::Array(each.collect())
            }
            ("auth", Value::Object(schemes)) => Value::Object(schemes.iter().map(credential).collect()),
            ("url" | "serverUrl" | "openapi" | "baseUrl", Value::String(url)) => {
                Value::from(masked_text(url))
            }
            _ => value.clone(),
        };
        (key.clone(), value)
    };
    Value::Object(members.iter().map(each).collect())
}

/// A credential of a security scheme, masked.
fn credential((name, value): (&String, &Value)) -> (String, Value) {
    let masked = match value {
        // What joins a name and a password is no secret.
        Value::String(text) if literal(text) == ":" => value.clone(),
        Value::String(text) => Value::from(mask(text)),
        Value::Object(client) => with_values(client, |key, text| match key {
            "clientSecret" => mask(text),
            _ => masked_text(text),
        }),
        other => other.clone(),
    };
    (name.clone(), masked)
}

/// Arguments of a program with what may be secret replaced.
pub(crate) fn masked_arguments<T: AsRef<str>>(arguments: &[T]) -> Vec<String> {
    let before = std::iter::once("").chain(arguments.iter().map(AsRef::as_ref));
    before.zip(arguments).map(|(last, text)| masked_argument(last, text.as_ref())).collect()
}

/// The members of the entry, by their keys, that hold a secret as it is.
pub(crate) fn literals(entry: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for group in ["env", "headers"] {
        for (name, value) in entry.get(group).and_then(Value::as_object).into_iter().flatten() {
            let holds = |text: &str| match group {
                "headers" => names_a_secret(name) && !literal(text).is_empty() || masked_text(text) != text,
                _ => masked_value(name, text) != text,
            };
            if value.as_str().is_some_and(holds) {
                found.push(format!("{group}.{name}"));
            }
        }
    }
    for (name, value) in entry.get("auth").and_then(Value::as_object).into_iter().flatten() {
        let secret = value.as_str().or_else(|| value.get("clientSecret")?.as_str());
        if secret.is_some_and(|secret| !matches!(literal(secret).as_str(), "" | ":")) {
            found.push(format!("auth.{name}"));
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
    if entry.get("url").and_then(Value::as_str).is_some_and(|url| masked_text(url) != url) {
        found.push("url".to_owned());
    }
    found
}

/// A line of a configuration file in any syntax, with what may be secret replaced.
pub(crate) fn masked_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    // What the next value is: named by its member, or by the switch before it in a list.
    let (mut name, mut last) = (String::new(), String::new());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '\'' || c.is_alphanumeric() || c == '-') {
        out.push_str(&rest[..start]);
        if rest[..start].contains(['#', '}']) || rest[..start].contains("//") {
            name.clear();
        }
        rest = &rest[start..];
        let (word, quote) = word(rest);
        rest = &rest[word.len()..];
        let inside = word.trim_matches(['"', '\'']);
        let is_name = rest.trim_start().starts_with([':', '=']) && !rest.starts_with("://");
        if is_name {
            inside.clone_into(&mut name);
            last.clear();
            out.push_str(word);
            continue;
        }
        let masked = match masked_value(&name, inside) {
            same if same == inside => masked_argument(&last, inside),
            masked => masked,
        };
        if masked == inside {
            out.push_str(word);
        } else {
            out.push_str(&format!("{quote}{masked}{quote}"));
        }
        inside.clone_into(&mut last);
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
    if literal(text).is_empty() { text.to_owned() } else { MASK.to_owned() }
}

/// The value of a member or a variable of this name.
fn masked_value(name: &str, text: &str) -> String {
    let literal = literal(text);
    if names_a_secret(name) && !literal.is_empty() && !is_flag(&literal) {
        return MASK.to_owned();
    }
    masked_text(text)
}

/// Whether the value of a member or a variable of this name is likely a secret.
pub(crate) fn is_one(name: &str, value: &str) -> bool {
    masked_value(name, value) != value
}

/// A text of which nothing is known but itself.
pub(crate) fn masked_text(text: &str) -> String {
    if has_secret_shape(&literal(text)) {
        return MASK.to_owned();
    }
    masked_schemes(&masked_url(text))
}

/// A text without the word that follows `Bearer` or `Basic`.
fn masked_schemes(text: &str) -> String {
    let mut after_scheme = false;
    let words = text.split(' ').map(|word| {
        let start = word.rsplit([':', '=', '"', '\'']).next().unwrap_or(word).to_lowercase();
        let is_secret = after_scheme && !word.is_empty() && !literal(word).is_empty();
        // `token` is a word of every day; the other two are not.
        after_scheme = ["bearer", "basic"].contains(&start.as_str());
        if is_secret { MASK } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
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
    let (first, more) = out.split_once(' ').unwrap_or((out, ""));
    let is_scheme = SCHEMES.contains(&first.to_lowercase().as_str());
    if is_scheme { more.trim().to_owned() } else { out.to_owned() }
}

fn names_a_secret(name: &str) -> bool {
    let words = words(name);
    let is_about = words.last().is_some_and(|last| ABOUT.contains(&last.as_str()));
    let is_secret =
        |word: &String| WORDS.contains(&word.as_str()) || ENDS.iter().any(|end| word.ends_with(end));
    !is_about && words.iter().any(is_secret)
}

/// The words of a name in any spelling, lower case and without the numbers at its end.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let starts = !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if starts {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit()));
    words
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

/// An argument of a program, with the one before it.
fn masked_argument(last: &str, text: &str) -> String {
    let is_switch = |text: &str| text.starts_with('-') && !text.contains(['=', ' ']);
    if is_switch(last) && names_a_secret(last) && !text.starts_with('-') {
        return masked_value(last, text);
    }
    // `--name=value` and `NAME=value`, and a header `Name: value`, by itself or as such a value.
    let names = |name: &str| !name.contains([' ', '/', '?']) && names_a_secret(name);
    for separator in ['=', ':'] {
        let Some((name, value)) = text.split_once(separator) else { continue };
        let header = name.rsplit('=').next().unwrap_or(name);
        if names(header)
            && !value.starts_with("//")
            && !literal(value).is_empty()
            && !is_flag(&literal(value))
        {
            let space = if value.starts_with(' ') { " " } else { "" };
            return format!("{name}{separator}{space}{MASK}");
        }
    }
    masked_text(text)
}

/// A text with the addresses in it without their user information, their secret parameters and segments of their path
/// that look like a secret.
fn masked_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // What follows the address is not part of it.
    let end = rest.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(rest.len());
    let (address, after) = rest.split_at(end);
    let (address, fragment) = address.split_once('#').map_or((address, None), |(one, two)| (one, Some(two)));
    let (address, query) = address.split_once('?').map_or((address, None), |(one, two)| (one, Some(two)));
    let (host, path) = address.split_once('/').map_or((address, None), |(one, two)| (one, Some(two)));
    let host = match host.rsplit_once('@') {
        Some((user, host)) if !literal(&user.replace(':', "")).is_empty() => format!("{MASK}@{host}"),
        _ => host.to_owned(),
    };
    let mut url = format!("{scheme}://{host}");
    if let Some(path) = path {
        let segments = path.split('/').map(|part| if has_secret_shape(part) { MASK } else { part });
        url.push('/');
        url.push_str(&segments.collect::<Vec<_>>().join("/"));
    }
    for (mark, parameters) in [('?', query), ('#', fragment)] {
        let Some(parameters) = parameters else { continue };
        let pairs = parameters.split('&').map(masked_parameter);
        url.push(mark);
        url.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    format!("{url}{}", masked_url(after))
}

fn masked_parameter(pair: &str) -> String {
    let Some((name, value)) = pair.split_once('=') else { return pair.to_owned() };
    let literal = literal(value);
    let is_named = names_a_secret(name) || PARAMETERS.contains(&name.to_lowercase().as_str());
    let is_secret = (is_named && !literal.is_empty() && !is_flag(&literal)) || has_secret_shape(&literal);
    if is_secret { format!("{name}={MASK}") } else { pair.to_owned() }
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
                    "env": {"GITHUB_TOKEN": "ghp_0123456789abcdef", "MODE": "fast", "WHAT": "Two Words", "REF": "${A}", "PORT": "8080",
                        "TOKEN_DEFAULT": "${T:-fallback}", "ROOT": "/srv/data", "AUTH": "true", "MAX_TOKENS": "4096"}}),
                json!({"command": "npx", "args": ["-y", "@scope/server@1.2.3", "--token", "***", "--api-key=***", "--mode=x"],
                    "env": {"GITHUB_TOKEN": "***", "MODE": "fast", "WHAT": "Two Words", "REF": "${A}", "PORT": "8080",
                        "TOKEN_DEFAULT": "***", "ROOT": "/srv/data", "AUTH": "true", "MAX_TOKENS": "4096"}}),
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
    fn names_are_judged_by_their_words() {
        for (name, secret) in [
            ("GITHUB_PERSONAL_ACCESS_TOKEN", true),
            ("apiKey", true),
            ("API_KEY_2", true),
            ("--db-password", true),
            ("Authorization", true),
            ("PGPASSWORD", true),
            ("X-Api-Key", true),
            ("OPENAI_APIKEY", true),
            ("MAX_TOKENS", false),
            ("TOKEN_LIMIT", false),
            ("AUTH_TYPE", false),
            ("PASSWORD_FILE", false),
            ("TOKEN_URL", false),
            ("author", false),
            ("KEYCLOAK_REALM", false),
            ("monkey", false),
            ("COMPASS", false),
            ("", false),
        ] {
            assert_eq!(names_a_secret(name), secret, "{name}");
        }
    }

    #[test]
    fn in_arguments_only_the_secret_is_masked() {
        for (last, text, shown) in [
            ("--header", "Authorization: Bearer abc", "Authorization: ***"),
            ("--header", "Authorization:Bearer abc", "Authorization:***"),
            ("-y", "--header=Authorization: Bearer abc", "--header=Authorization: ***"),
            ("--header", "X-Trace: Bearer abc", "X-Trace: Bearer ***"),
            ("--header", "Authorization: Bearer ${TOKEN}", "Authorization: Bearer ${TOKEN}"),
            ("--auth", "Bearer abc", "***"),
            ("--auth", "none", "none"),
            ("--max-tokens", "4096", "4096"),
            ("--token", "--verbose", "--verbose"),
            ("-e", "GITHUB_TOKEN=abc", "GITHUB_TOKEN=***"),
            ("-e", "GITHUB_TOKEN", "GITHUB_TOKEN"),
            ("", "postgres://me:pw@db:5432/main", "postgres://***@db:5432/main"),
            ("", "--url=https://abc@host/x?token=t&a=b", "--url=https://***@host/x?token=***&a=b"),
            (
                "",
                "https://host/cb?a=b&sig=abc#access_token=t",
                "https://host/cb?a=b&sig=***#access_token=***",
            ),
            ("", "https://a:b@one https://c:d@two", "https://***@one https://***@two"),
            ("", "https://host/a:b?page=2", "https://host/a:b?page=2"),
            ("", "@modelcontextprotocol/server-github", "@modelcontextprotocol/server-github"),
            ("", "secret", "secret"),
            ("", "key", "key"),
        ] {
            assert_eq!(masked_argument(last, text), shown, "{last} {text}");
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
            ("\"url\": \"https://u:p@h/x\"", "\"url\": \"https://***@h/x\""),
            ("  \"ghp_0123456789abcdef\"", "  \"***\""),
            ("args = [\"--token\", \"abc\", \"fast\"]", "args = [\"--token\", \"***\", \"fast\"]"),
            (
                "{\"a\":{\"token\":\"abc\"},\"b\":[\"abc\",\"fast\"]}",
                "{\"a\":{\"token\":\"***\"},\"b\":[\"abc\",\"fast\"]}",
            ),
            (
                "  \"author\": \"me\", \"maxTokens\": \"4096\"",
                "  \"author\": \"me\", \"maxTokens\": \"4096\"",
            ),
            ("  },", "  },"),
            ("    - -y", "    - -y"),
        ] {
            assert_eq!(masked_line(line), shown);
        }
    }
}
