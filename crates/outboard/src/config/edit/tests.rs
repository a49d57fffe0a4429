//! Every syntax: a member comes and goes, and nothing else in the file moves.

use proptest::prelude::*;
use serde_json::json;

use super::{Syntax::*, *};

/// Sets and unsets `path` and compares both texts whole.
fn check(syntax: Syntax, path: &[&str], value: &Value, cases: &[(&str, &str, &str)]) {
    for (before, set, unset) in cases {
        let new = syntax.set(before, path, value).unwrap_or_else(|problem| panic!("{problem}: {before}"));
        assert_eq!(new, *set, "set in {before}");
        assert_eq!(syntax.set(&new, path, value).unwrap(), new, "set twice in {before}");
        assert_eq!(syntax.unset(&new, path).unwrap(), *unset, "unset in {new}");
    }
}

#[test]
fn a_member_of_json_comes_and_goes() {
    let entry = json!({"command": "x"});
    let alone = "{\n  \"mcpServers\": {\n    \"o\": {\n      \"command\": \"x\"\n    }\n  }\n}";
    let alone_gone = "{\n  \"mcpServers\": {}\n}";
    check(
        Json,
        &["mcpServers", "o"],
        &entry,
        &[
            ("", &format!("{alone}\n"), &format!("{alone_gone}\n")),
            ("{}", alone, alone_gone),
            ("{\n}\n", &format!("{alone}\n"), &format!("{alone_gone}\n")),
            ("\u{feff}{}", &format!("\u{feff}{alone}"), &format!("\u{feff}{alone_gone}")),
            (
                "{\n\t\"a\": [1,2],\n\t\"mcpServers\": {\n\t\t\"p\": { \"command\":\"y\" }\n\t}\n}\n",
                "{\n\t\"a\": [1,2],\n\t\"mcpServers\": {\n\t\t\"p\": { \"command\":\"y\" },\n\t\t\"o\": {\n\t\t\t\"command\": \"x\"\n\t\t}\n\t}\n}\n",
                "{\n\t\"a\": [1,2],\n\t\"mcpServers\": {\n\t\t\"p\": { \"command\":\"y\" }\n\t}\n}\n",
            ),
            (
                "{\r\n    \"mcpServers\": {}\r\n}",
                "{\r\n    \"mcpServers\": {\r\n        \"o\": {\r\n            \"command\": \"x\"\r\n        }\r\n    }\r\n}",
                "{\r\n    \"mcpServers\": {}\r\n}",
            ),
            (
                "{\"a\":1,\"mcpServers\":{}}",
                "{\"a\":1,\"mcpServers\":{\"o\":{\"command\":\"x\"}}}",
                "{\"a\":1,\"mcpServers\":{}}",
            ),
            (
                "{ \"mcpServers\": { \"p\": {} }, \"z\": 1 }",
                "{ \"mcpServers\": { \"p\": {}, \"o\": {\"command\":\"x\"} }, \"z\": 1 }",
                "{ \"mcpServers\": { \"p\": {} }, \"z\": 1 }",
            ),
            (
                "{\n  \"z\": 1\n}",
                "{\n  \"z\": 1,\n  \"mcpServers\": {\n    \"o\": {\n      \"command\": \"x\"\n    }\n  }\n}",
                "{\n  \"z\": 1,\n  \"mcpServers\": {}\n}",
            ),
        ],
    );
}

#[test]
fn comments_and_trailing_commas_stay_with_what_they_belong_to() {
    let entry = json!({"command": "x"});
    let member = "\"o\": {\n      \"command\": \"x\"\n    }";
    check(
        Jsonc,
        &["s", "o"],
        &entry,
        &[
            (
                "// head\n{\n  \"s\": {\n    // one\n    \"p\": 1, // p's\n  },\n} // tail\n",
                &format!(
                    "// head\n{{\n  \"s\": {{\n    // one\n    \"p\": 1, // p's\n    {member},\n  }},\n}} // tail\n"
                ),
                "// head\n{\n  \"s\": {\n    // one\n    \"p\": 1, // p's\n  },\n} // tail\n",
            ),
            (
                "{\n  \"s\": {\n    \"p\": 1 // p's\n    /* end */\n  }\n}\n",
                &format!("{{\n  \"s\": {{\n    \"p\": 1, // p's\n    {member}\n    /* end */\n  }}\n}}\n"),
                "{\n  \"s\": {\n    \"p\": 1 // p's\n    /* end */\n  }\n}\n",
            ),
            (
                "{\n  \"s\": {\n    // \"old\": {}\n  }\n}\n",
                &format!("{{\n  \"s\": {{\n    // \"old\": {{}}\n    {member}\n  }}\n}}\n"),
                "{\n  \"s\": {\n    // \"old\": {}\n  }\n}\n",
            ),
            (
                "// nothing\n",
                &format!("// nothing\n{{\n  \"s\": {{\n    {member}\n  }}\n}}\n"),
                "// nothing\n{\n  \"s\": {}\n}\n",
            ),
        ],
    );
    let middle =
        "{\n  \"s\": {\n    \"a\": 1, // a\n    // about o\n    \"o\": 2, // o\n    \"b\": 3\n  }\n}";
    assert_eq!(
        Jsonc.unset(middle, &["s", "o"]).unwrap(),
        "{\n  \"s\": {\n    \"a\": 1, // a\n    // about o\n    \"b\": 3\n  }\n}"
    );
    assert_eq!(
        Jsonc.set(middle, &["s", "o"], &json!(4)).unwrap(),
        middle.replace("\"o\": 2", "\"o\": 4"),
        "a value is replaced where it stands"
    );
}

#[test]
fn a_table_of_toml_comes_and_goes() {
    let entry = json!({"command": "x", "args": ["serve"], "env": {"A": "b c"}});
    let table = "[mcp_servers.o]\ncommand = \"x\"\nargs = [\"serve\"]\n\n[mcp_servers.o.env]\nA = \"b c\"\n";
    check(
        Toml,
        &["mcp_servers", "o"],
        &entry,
        &[
            ("", table, ""),
            (
                "# mine\nmodel = 'm' # why\n\n[mcp_servers.p]\ncommand=\"y\"\n",
                &format!("# mine\nmodel = 'm' # why\n\n[mcp_servers.p]\ncommand=\"y\"\n\n{table}"),
                "# mine\nmodel = 'm' # why\n\n[mcp_servers.p]\ncommand=\"y\"\n",
            ),
            ("a = 1979-05-27", &format!("a = 1979-05-27\n\n{table}"), "a = 1979-05-27\n"),
        ],
    );
    let inline = "mcp_servers = { p = { command = \"y\" } } # all\n[x]\n";
    let new = Toml.set(inline, &["mcp_servers", "o"], &json!({"command": "x"})).unwrap();
    assert_eq!(new, "mcp_servers = { p = { command = \"y\" } , o = { command = \"x\" } } # all\n[x]\n");
    let followed = format!("{table}\n# about p\n[mcp_servers.p]\ncommand = \"y\"\n");
    let replaced = Toml.set(&followed, &["mcp_servers", "o"], &json!({"command": "z"})).unwrap();
    assert_eq!(replaced, "[mcp_servers.o]\ncommand = \"z\"\n\n# about p\n[mcp_servers.p]\ncommand = \"y\"\n");
}

#[test]
fn a_mapping_of_yaml_comes_and_goes() {
    let entry = json!({"enabled": true, "cmd": "x", "args": ["serve", "a: b"], "envs": {}, "timeout": 300});
    let block = "  o:\n    enabled: true\n    cmd: x\n    args:\n      - serve\n      - \"a: b\"\n    envs: {}\n    timeout: 300\n";
    let wide = "    o:\n        enabled: true\n        cmd: x\n        args:\n            - serve\n            - \"a: b\"\n        envs: {}\n        timeout: 300\n";
    let flat = block.replace("      - ", "    - ");
    let flow = "o: {enabled: true, cmd: x, args: [serve, \"a: b\"], envs: {}, timeout: 300}";
    check(
        Yaml,
        &["extensions", "o"],
        &entry,
        &[
            ("", &format!("extensions:\n{block}"), "extensions: {}\n"),
            (
                "# only a comment\n",
                &format!("# only a comment\nextensions:\n{block}"),
                "# only a comment\nextensions: {}\n",
            ),
            ("A: 1", &format!("A: 1\nextensions:\n{block}"), "A: 1\nextensions: {}\n"),
            (
                "A: x # a\nextensions: # mine\n  # p\n  p:\n    cmd: y\nB: |\n  text\n  more\n",
                &format!(
                    "A: x # a\nextensions: # mine\n{block}  # p\n  p:\n    cmd: y\nB: |\n  text\n  more\n"
                ),
                "A: x # a\nextensions: # mine\n  # p\n  p:\n    cmd: y\nB: |\n  text\n  more\n",
            ),
            ("extensions: {}\nA: 1\n", &format!("extensions:\n{block}A: 1\n"), "extensions: {}\nA: 1\n"),
            ("extensions:\nA: 1\n", &format!("extensions:\n{block}A: 1\n"), "extensions: {}\nA: 1\n"),
            (
                "extensions: {p: {cmd: y}}\n",
                &format!("extensions: {{{flow}, p: {{cmd: y}}}}\n"),
                "extensions: {p: {cmd: y}}\n",
            ),
            (
                "ä: ü\nextensions:\n    p: {cmd: y}\n",
                &format!("ä: ü\nextensions:\n{wide}    p: {{cmd: y}}\n"),
                "ä: ü\nextensions:\n    p: {cmd: y}\n",
            ),
            (
                "extensions:\n  p:\n    args:\n    - y\n",
                &format!("extensions:\n{flat}  p:\n    args:\n    - y\n"),
                "extensions:\n  p:\n    args:\n    - y\n",
            ),
        ],
    );
    let last = "extensions:\n  p:\n    cmd: y\n  o:\n    cmd: x\n\n# the end\nA: 1\n";
    assert_eq!(
        Yaml.unset(last, &["extensions", "o"]).unwrap(),
        "extensions:\n  p:\n    cmd: y\n\n# the end\nA: 1\n"
    );
}

#[test]
fn what_cannot_be_read_says_where_and_is_not_edited() {
    let bomb = format!("a: &a [{}]\n", "x,".repeat(900))
        + &(0..4)
            .map(|n| {
                format!(
                    "b{n}: &{} [{}]\n",
                    n,
                    format!("*{},", if n == 0 { "a".to_owned() } else { (n - 1).to_string() }).repeat(900)
                )
            })
            .collect::<String>();
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for (syntax, text, says) in [
        (Json, "{\n  \"a\": 1,\n}", "line 2 column 9: "),
        (Json, "{\n  // no\n}", "line 2 column 3: "),
        (JsonWithComments, "{\n  \"a\": 1, // yes\n}", "line 2 column 9: "),
        (Jsonc, "{\"a\": tru}", "line 1 column 7: "),
        (Jsonc, "{\"a\" 1}", "line 1 column 6: "),
        (Json, "{'a': 1}", "line 1 column 2: "),
        (Json, "[1]", "`the file` must be an object"),
        (Json, "{\"s\": []}", "`s` must be an object"),
        (Json, "{\"s\": {\"o\": 1, \"o\": 2}}", "`s.o` stands there more than once, in lines 1 and 1"),
        (Json, "{\"s\": {},\n\"s\": {\"x\": 1}}", "`s` stands there more than once, in lines 1 and 2"),
        (Json, &deep, "line 1 column 5"),
        (Toml, "a = \n", "line 1 column 5: "),
        (Toml, "s = 1\n", "`s` must be an object"),
        (Toml, "[s.o]\na=1\n[s.o]\n", "line 3 column"),
        (Yaml, "a: [1\nb: 2\n", "line 2 column"),
        (Yaml, "a: 1\n---\nb: 2\n", "a second document starts"),
        (Yaml, "- a\n", "`the file` must be an object"),
        (Yaml, "s: text\n", "`s` must be an object"),
        (Yaml, "a: b: c\n", "line 1 column 5: "),
        (Yaml, &bomb, "too large or too deep"),
        (Yaml, &deep, "line 1 column"),
    ] {
        let problem = syntax.set(text, &["s", "o"], &json!({"a": 1})).unwrap_err().to_string();
        assert!(
            problem.starts_with(says) || problem.ends_with(says),
            "{problem}: {}",
            &text[..text.len().min(40)]
        );
    }
}

#[test]
fn what_stands_more_than_once_is_found_with_its_lines() {
    let json = "{\n  \"s\": {\n    \"a\": 1,\n    \"b\": 2, // b\n    \"a\": 3\n  }\n}";
    let yaml = "s:\n  a: 1\n  b: 2\n\n  a: 3\nt: 1\n";
    for (syntax, text, path, lines) in [
        (Json, "{\"s\": {\"a\": 1}}", &["s"][..], vec![]),
        (Jsonc, json, &["s"], vec![3, 5]),
        (Jsonc, json, &[], vec![]),
        (Jsonc, "", &["s"], vec![]),
        (Jsonc, "{\"a\": 1,\n\"a\": 1}", &[], vec![1, 2]),
        (Yaml, yaml, &["s"], vec![2, 5]),
        (Yaml, yaml, &["t"], vec![]),
        (Toml, "[s]\na = 1\n", &["s"], vec![]),
    ] {
        let found = syntax.repeated(text, path).unwrap();
        let expected = if lines.is_empty() { vec![] } else { vec![Repeated { name: "a".to_owned(), lines }] };
        assert_eq!(found, expected, "{text}");
    }
    for (syntax, text) in [(Json, "{\"s\": {},\n\"s\": {}}"), (Yaml, "s: {}\ns: {}\n")] {
        let problem = EditProblem::Repeated { member: "s".to_owned(), lines: vec![1, 2] };
        assert_eq!(syntax.repeated(text, &["s"]), Err(problem), "{text}");
    }
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    for (keys, line) in [(&["s", "b"][..], Some(4)), (&["s", "z"], Some(2)), (&["z"], None), (&[], None)] {
        assert_eq!(Jsonc.lines(json).of(&path(keys)), line, "{keys:?}");
    }
    assert_eq!(Jsonc.lines(json).repeated(), [(&path(&["s", "a"])[..], &[3, 5][..])]);
}

/// Writes a value with white space and comments that `pick` chooses, as no formatter would.
fn scribbled(value: &Value, syntax: Syntax, pick: &mut impl FnMut(usize) -> usize, out: &mut String) {
    fn gap(syntax: Syntax, pick: &mut impl FnMut(usize) -> usize, out: &mut String) {
        let gaps = ["", " ", "\n", "\t", "\n    ", "\r\n", "/* , } */", "// \"x\": {\n", " // ]\n  "];
        out.push_str(gaps[pick(if syntax == Json { 6 } else { gaps.len() })]);
    }
    let (open, close, members): (_, _, Vec<(Option<&String>, &Value)>) = match value {
        Value::Array(elements) => ('[', ']', elements.iter().map(|element| (None, element)).collect()),
        Value::Object(members) => {
            ('{', '}', members.iter().map(|(name, member)| (Some(name), member)).collect())
        }
        other => return out.push_str(&other.to_string()),
    };
    out.push(open);
    gap(syntax, pick, out);
    for (at, (name, member)) in members.iter().enumerate() {
        if let Some(name) = name {
            out.push_str(&Value::from(name.as_str()).to_string());
            gap(syntax, pick, out);
            out.push(':');
            gap(syntax, pick, out);
        }
        scribbled(member, syntax, pick, out);
        gap(syntax, pick, out);
        if at + 1 < members.len() || (syntax == Jsonc && pick(2) == 0) {
            out.push(',');
            gap(syntax, pick, out);
        }
    }
    out.push(close);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"/*,{}\\\\ \u{e9}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let members = prop::collection::vec(("[a-d/{]{1,2}", inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether `text` comes out of `new` by taking characters away.
fn only_added_to(text: &str, new: &str) -> bool {
    let mut new = new.chars();
    text.chars().all(|c| new.any(|other| other == c))
}

proptest! {
    #[test]
    fn whatever_json_looks_like_a_member_is_only_added(
        members in prop::collection::vec(("[a-d]{1,2}", any_value()), 0..4),
        servers in prop::option::of(prop::collection::vec(("[a-d]{1,2}", any_value()), 0..3)),
        picks in prop::collection::vec(any::<usize>(), 1..60),
        syntax in prop_oneof![Just(Json), Just(JsonWithComments), Just(Jsonc)],
    ) {
        let mut value: Value = Value::Object(members.into_iter().collect());
        if let Some(servers) = servers {
            value["servers"] = Value::Object(servers.into_iter().collect());
        }
        let mut next = picks.iter().cycle();
        let mut text = String::new();
        scribbled(&value, syntax, &mut |choices| next.next().map_or(0, |pick| pick % choices), &mut text);
        prop_assert_eq!(syntax.read(&text), Ok(value.clone()));
        let blank = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();

        let path = ["servers", "outboard"];
        let new = syntax
            .set(&text, &path, &json!({"command": "x", "args": ["serve"]}))
            .map_err(|problem| TestCaseError::fail(format!("{problem}: {text}")))?;
        prop_assert!(only_added_to(&blank(&text), &blank(&new)), "{} {}", text, new);
        let gone = syntax
            .unset(&new, &path)
            .map_err(|problem| TestCaseError::fail(format!("{problem}: {new}")))?;
        if value.get("servers").is_none() {
            value["servers"] = json!({});
        }
        prop_assert_eq!(syntax.read(&gone), Ok(value));
    }
}
