//! Calls made for each of many where one tool takes many at once: a hint, and the script is right all the same.

use outboard_runtime::Language::{self, Python, TypeScript};
use outboard_script::{Preparation, prepare_with};
use serde_json::{Value, json};

use super::{catalogue, told, tool};

fn hints(text: &str, language: Language) -> String {
    let one = |name: &str, properties: Value| {
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        tool(
            &json!({"name": name, "inputSchema": {"type": "object", "properties": properties, "required": required}}),
        )
    };
    let text_of = || json!({"type": "string"});
    let list = || json!({"type": "array", "items": {"type": "string"}});
    let catalogue = catalogue(
        [(
            "x".to_owned(),
            vec![
                one("get_user", json!({"id": text_of()})),
                one("get_users", json!({"ids": list()})),
                one("get_team", json!({"id": text_of()})),
                one("get_teams", json!({"organisation": text_of()})),
                one("createIssue", json!({"title": text_of()})),
                one("batchCreateIssues", json!({"issues": list()})),
            ],
        )]
        .into(),
    );
    let snapshot = catalogue.snapshot();
    let preparation =
        Preparation { language: Some(language), catalogue: &*snapshot, ..Preparation::default() };
    told(&prepare_with(text, &preparation).unwrap().hints)
}

#[test]
fn a_loop_of_calls_is_told_of_the_tool_that_takes_many() {
    let expected = |place: &str| {
        format!(
            "{place}  `x.get_user` is called once for each; one call takes many; use x.get_users(input: {{ ids: string[] }})"
        )
    };
    for (text, place) in [
        ("for (const id of ids()) await x.get_user({ id });\nfunction ids() { return ['a'] }", "1:31"),
        (
            "const out = [];\nfor (let i = 0; i < 3; i++) {\n  out.push(await x.get_user({ id: `u${i}` }));\n}\nreturn out",
            "3:18",
        ),
        ("return await Promise.all(['a', 'b'].map(id => x.get_user({ id })))", "1:47"),
        ("const { get_user } = x;\nfor (const id of ['a']) await get_user({ id })", "2:31"),
        ("for (const id in { a: 1 }) { await x.get_user({ id }); await x.get_user({ id }) }", "1:36"),
    ] {
        assert_eq!(hints(text, TypeScript), expected(place), "{text}");
    }
    let expected = |place: &str| {
        format!(
            "{place}  `x.get_user` is called once for each; one call takes many; use x.get_users(*, ids: list[str])"
        )
    };
    for (text, place) in [
        ("for id in ['a']:\n    await x.get_user(id=id)", "2:11"),
        ("[await x.get_user(id=id) for id in ['a']]", "1:8"),
        ("import asyncio\nawait asyncio.gather(*(x.get_user(id=id) for id in ['a']))", "2:24"),
    ] {
        assert_eq!(hints(text, Python), expected(place), "{text}");
    }
    let issues = hints("for (const title of ['a']) await x.createIssue({ title })", TypeScript);
    assert!(issues.contains("use x.batchCreateIssues("), "{issues}");
}

#[test]
fn what_is_called_once_or_always_the_same_or_takes_no_list_is_told_of_nothing() {
    for text in [
        "const id = 'a';\nreturn await x.get_user({ id })",
        "for (const n of [1, 2]) await x.get_user({ id: 'always' })",
        "for (const id of ['a']) await x.get_team({ id })",
        "let user;\nwhile (!user) user = await x.get_user({ id: String(user) })",
        "for (const id of ['a']) await x.get_users({ ids: [id] })",
    ] {
        assert_eq!(hints(text, TypeScript), "", "{text}");
    }
}
