//! What the host writes for Python's `marshal` against `json.loads` of the same text: equal in type, value and order.

use std::fmt::Write as _;

use outboard_runtime::json::Json;
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::host::{PYTHON, run_on, world};

/// Longer than what is too short to be written for `marshal`.
const WIDE: usize = 2_000;

/// Hands over each text, padded, and compares what arrives with what `json.loads` makes of it.
async fn check(texts: &[String]) {
    let program = format!(
        "import json
wrong = []
for text in json.loads({}):
    wide = text + ' ' * {WIDE}
    try: expected = repr(json.loads(wide))
    except Exception as error: expected = str(error)
    try: given = repr(await t.json(text=wide))
    except Exception as error: given = str(error)
    if given != expected: wrong.append([text, expected, given])
wrong",
        Json::string(&Json::from_serialize(&texts).unwrap().to_string())
    );
    let transcript = run_on(&*PYTHON, world(&program)).await.transcript;
    let shown: String = texts[0].chars().take(80).collect();
    assert!(
        transcript.ends_with("value []\n"),
        "{shown} …: {}",
        transcript.lines().last().unwrap_or_default()
    );
}

#[tokio::test]
async fn values_written_for_marshal_are_those_of_json() {
    let mut texts: Vec<String> = [
        "0",
        "-0",
        "1",
        "-1",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "1073741823",
        "1073741824",
        "32767",
        "32768",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "0.0",
        "-0.0",
        "1.0",
        "0.1",
        "1e0",
        "1E+2",
        "1.5e-7",
        "1e400",
        "-1e400",
        "5e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "0.1234567890123456789",
        "100.000",
        "3.141592653589793",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[ ]",
        "{ }",
        "[[],{}]",
        "{\"a\":{},\"b\":[]}",
        "\"\"",
        "\"a\"",
        "\"é\"",
        "\"ÿ\"",
        "\"€\"",
        "\"😀\"",
        "\"a\\u0041\\n\\t\\\"\\\\\\/\\b\\f\\r\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\\ud800\\ud800\\udc00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\uDBFF\\uDFFF\"",
        "\"\\u0000\"",
        "\"\u{7f}\"",
        "\"\u{2028}\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"b\":2,\"a\":3}",
        "[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2},{\"a\":{\"a\":3}}]",
        "{\"\":1}",
        "{\"a\\u0062\":1,\"ab\":2}",
        "{\"é\":1,\"é\":2}",
        "{\"__proto__\":1,\"class\":2,\"None\":3}",
        " [ 1 , 2 ] ",
        "\n{\t\"a\" :\r1 , \"b\":2}\n",
    ]
    .map(str::to_owned)
    .to_vec();
    for length in [254, 255, 256, 70_000] {
        texts.push(format!("\"{}\"", "x".repeat(length)));
        texts.push(format!("\"{}\"", "ü".repeat(length)));
        texts.push(format!("{{\"{}\":1}}", "k".repeat(length)));
    }
    for depth in [1, 199, 200, 201, 400, 100_000] {
        texts.push(format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
        texts.push(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)));
    }
    texts.push(format!("[{}0]", "0,".repeat(70_000)));
    texts.push("9".repeat(4_300));
    texts.push("9".repeat(4_301));
    texts.push(format!(
        "{{{}\"last\":0}}",
        (0..3_000).fold(String::new(), |text, n| text + &format!("\"k{n}\":{n},"))
    ));
    for text in texts {
        check(&[text]).await;
    }
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<i32>().prop_map(|n| n.to_string()),
        "-?[1-9][0-9]{0,30}",
        any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()).prop_map(|n| format!("{n:?}")),
        "-?(0|[1-9][0-9]{0,18})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?",
    ]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -!#-\\[\\]-~]{1,12}",
        1 => "[\u{80}-\u{ffff}\u{1f300}-\u{1f6ff}]{1,4}",
        1 => "\\\\u[0-9a-fA-F]{4}",
        1 => "\\\\ud[89ab][0-9a-f]{2}(\\\\ud[c-f][0-9a-f]{2})?",
        1 => "\\\\[\"\\\\/bfnrt]",
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\"(id|name|user_id|a|b)\"", 1 => string()]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![number(), string(), "true|false|null"];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            vec((name(), inner), 0..6).prop_map(|members| {
                let mut text = String::from("{");
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(text, "{comma}{name}:{value}").unwrap();
                }
                text + "}"
            }),
        ]
    })
}

#[tokio::test]
async fn generated_values_written_for_marshal_are_those_of_json() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let texts: Vec<String> = (0..100).map(|_| value().new_tree(&mut runner).unwrap().current()).collect();
        check(&texts).await;
    }
}
