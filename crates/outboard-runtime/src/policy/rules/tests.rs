//! Rules over the facts of operations: what matches, what cannot be worked out, what is refused when it is read, and what
//! hostile arguments cost. No gate takes part.

use serde_json::{Value, json};

use super::*;
use crate::{
    catalogue::Annotations,
    json::Json,
    operation::{Operation, Request, Requested, ToolCall},
    policy::{Counts, Policy, PolicyText, Rulebook, Standing},
};

fn call(tool: &str, arguments: Value) -> Operation {
    Operation::CallTool(ToolCall {
        upstream: "git-hub".into(),
        namespace: "git_hub".into(),
        tool: tool.into(),
        arguments: Json::from(arguments),
    })
}

fn facts(operation: &Operation) -> Facts<'_> {
    Facts { standing: Standing::Accepted, ..Facts::of(operation) }
}

fn rule(tools: Option<&str>, when: Option<&str>, verdict: Word) -> RuleText {
    let text = |text: &str| text.to_owned();
    RuleText { tools: tools.map(|tools| vec![text(tools)]), when: when.map(text), verdict, reason: None }
}

/// What rules say of a call, with the place of the one that decided.
fn judged(rules: &[RuleText], facts: &Facts<'_>) -> Option<(&'static str, usize)> {
    let verdict = Rules::read(rules).unwrap().judge(facts)?;
    let Decider::Rule(place) = verdict.reason().by else { panic!("{verdict:?}") };
    Some((verdict.word(), place))
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = [
        rule(Some("git_hub.get_*"), None, Word::Allow),
        rule(None, Some("arguments.force == true"), Word::Deny),
        rule(Some("git-hub.push"), Some("arguments.branch.startsWith('wip/')"), Word::Allow),
        rule(None, Some("ns == 'git_hub' && counts.tool >= 2u"), Word::Ask),
    ];
    for (tool, arguments, count, expected) in [
        ("get_issue", json!({"force": true}), 0, Some(("allow", 0))),
        ("push", json!({"force": true, "branch": "wip/a"}), 0, Some(("deny", 1))),
        ("push", json!({"force": false, "branch": "wip/a"}), 0, Some(("allow", 2))),
        ("push", json!({"force": false, "branch": "main"}), 0, None),
        ("push", json!({"force": false, "branch": "main"}), 2, Some(("ask", 3))),
    ] {
        let operation = call(tool, arguments.clone());
        let counts = Counts { tool: count, ..Counts::default() };
        let facts = Facts { counts, ..facts(&operation) };
        assert_eq!(judged(&rules, &facts), expected, "{tool} {arguments}");
    }
}

#[test]
fn a_condition_that_cannot_be_worked_out_never_allows() {
    for (when, arguments, says) in [
        ("arguments.amount < 10", json!({}), "there is no `amount`; `has(…)` asks for it first"),
        ("arguments.amount < 10", json!({"amount": "5"}), "`_<_` does not work on string and int"),
        ("arguments.amount", json!({"amount": 1}), "neither true nor false"),
        ("arguments.list[3] == 1", json!({"list": [1]}), "a list has no such element"),
        ("10 / arguments.n > 1", json!({"n": 0}), "it divides by zero"),
        ("arguments.n * arguments.n > 1", json!({"n": i64::MAX}), "a number became too large"),
        (
            "arguments.text.startsWith(1)",
            json!({"text": "a"}),
            "`startsWith` does not work on string and int",
        ),
        ("arguments.items.exists(i, i > 3)", json!({"items": ["a"]}), "does not work on"),
        ("arguments.items.exists(i, i > 3)", json!({"items": 7}), "expected iterable, got int"),
    ] {
        let operation = call("pay", arguments);
        for (verdict, expected) in [(Word::Allow, "ask"), (Word::Ask, "ask"), (Word::Deny, "deny")] {
            let rules = [rule(None, Some(when), verdict), rule(None, None, Word::Allow)];
            let verdict = Rules::read(&rules).unwrap().judge(&facts(&operation)).unwrap();
            assert_eq!(verdict.word(), expected, "{when}");
            let text = &verdict.reason().text;
            assert!(text.starts_with("rule 1 cannot be applied: ") && text.contains(says), "{text}");
        }
    }
}

#[test]
fn what_decides_beside_an_error_decides() {
    let operation = call("pay", json!({}));
    for (when, expected) in [
        ("arguments.amount < 10 && tool == 'other'", None),
        ("tool == 'other' && arguments.amount < 10", None),
        ("arguments.amount < 10 && kind == 'read_resource'", None),
        ("arguments.amount < 10 || tool == 'pay'", Some(("allow", 0))),
        ("has(arguments.amount) && arguments.amount < 10", None),
        ("!has(arguments.amount)", Some(("allow", 0))),
    ] {
        assert_eq!(judged(&[rule(None, Some(when), Word::Allow)], &facts(&operation)), expected, "{when}");
    }
}

#[test]
fn a_comparison_is_what_its_expression_says() {
    let tests = [
        "== 'b'",
        "!= 'b'",
        "< 'b'",
        ".startsWith('b')",
        ".endsWith('b')",
        ".contains('b')",
        "in ['a', 'b']",
        "in []",
        "in ['a', 1]",
        "== 2",
        "!= 2",
        "< 2",
        "<= 2",
        "> 2",
        ">= 2",
        "== 2.0",
        "== 2u",
        "== true",
        "== null",
    ];
    let values = [
        json!("b"),
        json!("a"),
        json!("abc"),
        json!("bb"),
        json!(""),
        json!(1),
        json!(2),
        json!(3),
        json!(2.0),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(true),
        json!(null),
        json!(["b"]),
        json!({"b": 2}),
    ];
    let of_path = |path: &str| {
        let tests = tests.iter().map(|test| format!("{path} {test}"));
        tests.chain([format!("has({path})")]).collect::<Vec<_>>()
    };
    for as_comparison in ["arguments.x", "arguments.y.x"].into_iter().flat_map(of_path) {
        // Negated twice an expression is no comparison any more.
        let as_expression = format!("!(!({as_comparison}))");
        for value in &values {
            for arguments in [json!({"x": value}), json!({"y": {"x": value}}), json!({"y": value}), json!({})]
            {
                let operation = call("pay", arguments.clone());
                let said = |when: &str| judged(&[rule(None, Some(when), Word::Allow)], &facts(&operation));
                assert_eq!(said(&as_comparison), said(&as_expression), "{as_comparison} of {arguments}");
            }
        }
    }
}

#[test]
fn what_is_said_beforehand_of_a_name_is_what_is_said_of_a_call() {
    let operation = call("pay", json!({}));
    for (when, word) in [("tool == 'pay'", "allow"), ("tool > 1", "ask")] {
        let rules = vec![rule(None, Some(when), Word::Allow)];
        let policy = Rulebook::read(PolicyText { rules, ..PolicyText::default() }).unwrap();
        let (verdict, may) = policy.outlook(&facts(&operation));
        assert_eq!((verdict.word(), may), (word, Vec::new()), "{when}");
        assert_eq!(verdict, policy.judge(&facts(&operation)), "{when}");
    }
}

#[test]
fn everything_that_is_known_can_be_named() {
    let operation = call("pay-out", json!({"to": ["a", "b"], "n": 5, "big": u64::MAX, "f": 1.5, "no": null}));
    let claims = Annotations { read_only_hint: Some(true), ..Annotations::default() };
    let facts = Facts { identifier: "pay_out", claims, ..facts(&operation) };
    for when in [
        "kind == 'call_tool' && upstream == 'git-hub' && ns == 'git_hub' && tool == 'pay_out' && name == 'pay-out'",
        "annotations.readOnlyHint == true && annotations.destructiveHint == null",
        "'a' in arguments.to && size(arguments.to) == 2 && arguments.to.all(x, x in ['a', 'b'])",
        "arguments.n == 5 && arguments.n < 5.5 && arguments.big > 9 && arguments.f == 1.5 && arguments.no == null",
        "uri == null && principal == null && accepted && !trusted",
        "counts.run == 0u && counts.tool == 0u && counts.hour == 0u && counts.run < 3",
        "!labels.private && labels.untrusted && labels.external && !taint.private && !taint.untrusted",
        "arguments.to.filter(x, x != 'a').map(x, x + '!') == ['b!']",
        "name.matches('^pay-(in|out)$') && matches(name, 'out') && name.contains('y-') && name.endsWith('out')",
        "(arguments.n > 3 ? 'many' : 'few') == 'many' && string(arguments.n) == '5' && int('5') == 5",
        "arguments.to.exists_one(x, x == 'a') && arguments['n'] == 5 && -arguments.n % 2 != 0",
    ] {
        assert_eq!(judged(&[rule(None, Some(when), Word::Ask)], &facts), Some(("ask", 0)), "{when}");
    }
    let uri = "file:///etc/passwd".to_owned();
    let read = Operation::Request(Request {
        upstream: "u".into(),
        namespace: "u".into(),
        what: Requested::ReadResource { uri },
    });
    let rules = [
        rule(Some("*"), None, Word::Allow),
        rule(None, Some("kind == 'read_resource' && uri.startsWith('file:///etc/')"), Word::Deny),
    ];
    assert_eq!(judged(&rules, &self::facts(&read)), Some(("deny", 1)), "patterns are about tools");
}

#[test]
fn claims_that_nobody_accepted_are_not_there_for_rules_either() {
    let operation = call("read", json!({}));
    let claims = Annotations { read_only_hint: Some(true), ..Annotations::default() };
    let rules = [rule(None, Some("annotations.readOnlyHint == true"), Word::Allow)];
    let facts = Facts { claims, ..Facts::of(&operation) };
    assert_eq!(judged(&rules, &facts), None);
    assert_eq!(judged(&rules, &Facts { standing: Standing::Accepted, ..facts }), Some(("allow", 0)));
    assert_eq!(judged(&rules, &Facts { standing: Standing::Changed, ..facts }), None);
}

#[test]
fn a_tool_is_meant_by_each_of_its_names() {
    for (pattern, original, identifier, means) in [
        ("git_hub.delete_repo", "delete-repo", "delete_repo", true),
        ("git-hub.delete-repo", "delete-repo", "delete_repo", true),
        ("git_hub.delete-repo", "delete-repo", "delete_repo", true),
        // Of two tools that meet in one identifier one has an ending.
        ("git_hub.delete_repo", "delete-repo", "delete_repo_k3f9", true),
        ("git_hub.*", "x", "x", true),
        ("*", "x", "x", true),
        ("*.delete_*", "repo.delete_all", "repo_delete_all", true),
        ("github.*", "x", "x", false),
        ("git_hub.delete_repo", "delete_repos", "delete_repos", false),
        // A letter that only looks like one is another.
        ("git_hub.delete", "d\u{435}lete", "d\u{435}lete", false),
    ] {
        let operation = call(original, json!({}));
        let facts = Facts { identifier, ..facts(&operation) };
        let judged = judged(&[rule(Some(pattern), None, Word::Deny)], &facts);
        assert_eq!(judged.is_some(), means, "{pattern}: {original} {identifier}");
    }
}

#[test]
fn a_rule_that_holds_back_means_also_an_upstream_whose_namespace_another_one_took() {
    let Operation::CallTool(push) = call("push", json!({})) else { panic!("it is a call") };
    let operation = Operation::CallTool(ToolCall { namespace: "git_hub_k3f9".into(), ..push });
    for (verdict, expected) in
        [(Word::Deny, Some(("deny", 0))), (Word::Ask, Some(("ask", 0))), (Word::Allow, None)]
    {
        let judged = judged(&[rule(Some("git_hub.push"), None, verdict)], &facts(&operation));
        assert_eq!(judged, expected, "{verdict:?}");
    }
}

#[test]
fn what_is_no_rule_is_told_with_its_place() {
    let deep = format!("{}1{} == 1", "(".repeat(200), ")".repeat(200));
    let long = (0..300).map(|n| format!("name == '{n}'")).collect::<Vec<_>>().join(" || ");
    let chain = format!("arguments.n == {}", vec!["1"; 500].join("+"));
    let text = "x".repeat(5_000);
    for (when, says, hint) in [
        ("arguments.amount >", "column ", "for example: "),
        ("argument.amount > 1", "column 1: `argument` is not known", "there are: kind, upstream"),
        ("x", "column 1: `x` is not known", "there are: "),
        ("[1].exists(x, y > x)", "`y` is not known", "there are: "),
        ("now() > 1", "the function `now` is not known", "there are: size"),
        ("name.lowerAscii() == 'a'", "the function `lowerAscii` is not known", "there are: size"),
        ("tool == 'a' &&\n  nam == 'b'", "line 2, column 3: `nam` is not known", "there are: "),
        ("name.matches(tool)", "`matches` takes a text that is written out", "matches(\"pattern\")"),
        ("name.matches('(a')", "`(a` is no regular expression: unclosed group", "back-references"),
        ("name.matches('(?=a)')", "is no regular expression: look-around", "back-references"),
        (r"name.matches('(a)\\1')", "is no regular expression: backreferences", "back-references"),
        ("name.matches('((a{100}){100}){100}')", "is no regular expression: ", "back-references"),
        (
            "[1].exists(a, [1].exists(b, [1].exists(c, a == b && b == c)))",
            "there are more than 2 loops within each other",
            "split it",
        ),
        ("[1].exists(a, [1].map(b, a) == [1])", "there is a `map` or `filter` within a loop", "use `exists`"),
        ("Thing{a: 1} == 1", "no expression of rules", "there are: size"),
        (&deep, "", ""),
        (&chain, "the expression is too long", "split it"),
        (&long, "the expression has more than 4096 bytes", "split it"),
        ("namespace == 'a'", "column 1: reserved identifier: namespace", "write `ns`"),
        (&text, "the expression has more than 4096 bytes", "split it"),
    ] {
        let rules = [rule(None, None, Word::Ask), rule(None, Some(when), Word::Allow)];
        let bad = Rules::read(&rules).unwrap_err();
        let shown: String = when.chars().take(60).collect();
        assert_eq!((bad.place, bad.part), (1, "when"), "{shown}");
        assert!(bad.what.contains(says) && bad.hint.contains(hint), "{shown}: {bad:?}");
    }
    for (tools, says) in
        [("github", "`github` has no dot"), ("", "from 1 to 1024 bytes"), ("a.[", "`a.[` is no pattern: ")]
    {
        let bad = Rules::read(&[rule(Some(tools), None, Word::Allow)]).unwrap_err();
        assert!((bad.place, bad.part) == (0, "tools") && bad.what.contains(says), "{bad:?}");
    }
}

#[test]
fn hostile_arguments_cost_no_more_than_is_set_aside() {
    let items: Vec<Value> = (0..20_000).map(|n| json!(n)).collect();
    let large = call("pay", json!({ "items": items, "text": "a".repeat(100_000) }));
    let loops =
        "arguments.items.exists(i, arguments.items.exists(j, i == j && arguments.text.contains('b')))";
    for when in [loops, "arguments.items.exists(i, arguments.text.contains('b'))"] {
        let verdict =
            Rules::read(&[rule(None, Some(when), Word::Allow)]).unwrap().judge(&facts(&large)).unwrap();
        assert_eq!(
            verdict.reason().text,
            "rule 1 cannot be applied: there is too much in the arguments for it"
        );
        assert_eq!(verdict.word(), "ask");
    }
    // A pattern over a long text is linear.
    let text = call("pay", json!({ "text": "a".repeat(50_000) }));
    let when = "arguments.text.matches('^(a+)+$') && arguments.text.matches('(a|aa)+b')";
    assert_eq!(judged(&[rule(None, Some(when), Word::Allow)], &facts(&text)), None);
}

#[test]
fn limits_come_before_rules_and_each_tool_counts_by_itself() {
    let limits = vec![super::super::LimitText {
        tools: vec!["git_hub.p*".to_owned()],
        per_run: Some(2),
        per_hour: Some(10),
    }];
    let rules = vec![rule(None, None, Word::Allow)];
    let policy = Rulebook::read(PolicyText { rules, limits, otherwise: None }).unwrap();
    for (tool, count, hour, word) in
        [("push", 1, 9, "allow"), ("push", 2, 2, "deny"), ("push", 0, 10, "deny"), ("get", 99, 99, "allow")]
    {
        let operation = call(tool, json!({}));
        let counts = Counts { run: count, tool: count, hour };
        let verdict = policy.judge(&Facts { counts, ..facts(&operation) });
        assert_eq!(verdict.word(), word, "{tool} {count} {hour}");
        if word == "deny" {
            assert_eq!(verdict.reason().by, Decider::Limit(0));
            assert!(verdict.reason().text.starts_with("git_hub.push may be called "), "{verdict:?}");
        }
    }
}

#[test]
fn where_no_rule_decides_the_setting_does_but_never_beyond_the_defaults_of_other_kinds() {
    let silent = call("push", json!({}));
    let request = |what| Operation::Request(Request { upstream: "u".into(), namespace: "u".into(), what });
    let read = request(Requested::ReadResource { uri: "x:y".to_owned() });
    let sample = Operation::Asked(crate::operation::Asked {
        upstream: "u".into(),
        namespace: "u".into(),
        what: crate::operation::AskedFor::Sample,
        parameters: Json::null(),
    });
    for (otherwise, operation, listed, word) in [
        (None, &silent, true, "ask"),
        (Some(Word::Allow), &silent, true, "allow"),
        (Some(Word::Deny), &silent, true, "deny"),
        (Some(Word::Allow), &read, true, "allow"),
        (Some(Word::Allow), &read, false, "deny"),
        (Some(Word::Allow), &sample, true, "ask"),
        (Some(Word::Deny), &sample, true, "deny"),
    ] {
        let policy = Rulebook::read(PolicyText { otherwise, ..PolicyText::default() }).unwrap();
        let verdict = policy.judge(&Facts { listed, ..facts(operation) });
        assert_eq!(verdict.word(), word, "{otherwise:?} {operation:?}");
    }
}

#[test]
fn no_rule_lets_pass_what_was_accepted_as_something_else() {
    let operation = call("push", json!({}));
    let changed = Facts { standing: Standing::Changed, ..Facts::of(&operation) };
    for policy in [
        PolicyText { rules: vec![rule(None, None, Word::Allow)], ..PolicyText::default() },
        PolicyText { otherwise: Some(Word::Allow), ..PolicyText::default() },
    ] {
        let verdict = Rulebook::read(policy).unwrap().judge(&changed);
        assert_eq!((verdict.word(), verdict.reason().by), ("ask", Decider::Changed));
    }
}
