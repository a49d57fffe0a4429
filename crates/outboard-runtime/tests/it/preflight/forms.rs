//! The forms in which scripts name tools and lose promises, each wrong once: what is found, and where.

use outboard_runtime::Language::{Python, TypeScript};

use super::{catalogue, findings, told, tools};

#[test]
fn tools_are_known_by_whatever_name_they_are_called() {
    let catalogue = catalogue(tools());
    for (language, text, expected) in [
        (
            TypeScript,
            "const { list_project } = board;\nawait list_project({})",
            "1:9  board has no tool `list_project`",
        ),
        (
            TypeScript,
            "const { list_project: all } = board;\nawait all({})",
            "1:9  board has no tool `list_project`",
        ),
        (
            TypeScript,
            "const all = board.list_project;\nawait all({})",
            "1:19  board has no tool `list_project`",
        ),
        (
            TypeScript,
            "const all = board.list_projects;\nawait all({ archive: 1 })",
            "2:13  board.list_projects: there is no argument `archive`",
        ),
        (TypeScript, "const b = bord;\nawait b.list_projects()", "1:11  there is no namespace `bord`"),
        (
            TypeScript,
            "const all = board.list_projects;\nall();\nreturn 1",
            "2:1  `all` is called but not awaited",
        ),
        (
            TypeScript,
            "const { list_projects } = board;\nreturn list_projects().length",
            "2:8  `list_projects` is called but not awaited",
        ),
        (
            Python,
            "from board import list_project\nawait list_project()",
            "1:19  board has no tool `list_project`",
        ),
        (
            Python,
            "from board import list_project as all_of_them\nawait all_of_them()",
            "1:19  board has no tool `list_project`",
        ),
        (Python, "every = board.list_project\nawait every()", "1:15  board has no tool `list_project`"),
        (
            Python,
            "from board import list_projects\nawait list_projects(archive=1)",
            "2:21  board.list_projects: there is no argument `archive`",
        ),
        (
            Python,
            "every = getattr(board, \"list_projects\")\nevery()\n1",
            "2:1  `every` is called but not awaited",
        ),
        (Python, "import board as b\nawait b.list_project()", "2:9  board has no tool `list_project`"),
    ] {
        let found = told(&findings(text, language, &catalogue));
        assert!(found.starts_with(expected), "{text}\n{found}");
    }
}

#[test]
fn a_failure_that_is_thrown_again_is_not_dealt_with() {
    let catalogue = catalogue(tools());
    for (language, text) in [
        (TypeScript, "try { await board.nothing() } catch (error) { throw error }"),
        (
            TypeScript,
            "try { await board.nothing() } catch (error) { console.log(error); throw new Error('x') }",
        ),
        (TypeScript, "try { await board.nothing() } catch (e) { if (e) { throw e } else { throw 1 } }"),
        (
            TypeScript,
            "const f = async () => { await board.nothing() };\ntry { await f() } catch (e) { throw e }",
        ),
        (TypeScript, "async () => { try { await board.list_projects() } catch {} await board.nothing() }"),
        (Python, "try:\n    await board.nothing()\nexcept ToolError:\n    raise"),
        (
            Python,
            "try:\n    await board.nothing()\nexcept ToolError as e:\n    print(e)\n    raise ValueError from e",
        ),
        (Python, "async def f():\n    await board.nothing()\ntry:\n    await f()\nfinally:\n    print(1)"),
    ] {
        let found = told(&findings(text, language, &catalogue));
        assert!(found.contains("board has no tool `nothing`"), "{text}\n{found}");
    }
    for (language, text) in [
        (TypeScript, "try { await board.nothing() } catch (e) { if (e.code !== 'x') throw e }"),
        (
            TypeScript,
            "for (const x of [1]) { try { await board.nothing() } catch (e) { if (x) continue; throw e } }",
        ),
        (TypeScript, "async () => { try { await board.nothing() } finally { return 1 } }"),
        (
            Python,
            "try:\n    await board.nothing()\nexcept ToolError as e:\n    if e.code != 'x':\n        raise",
        ),
        (
            Python,
            "try:\n    await board.nothing()\nexcept ToolError:\n    raise\nexcept Exception:\n    pass",
        ),
        (
            Python,
            "try:\n    await board.nothing()\nexcept ToolError:\n    print('none')\n    raise SystemExit(0)",
        ),
        (
            Python,
            "for x in [1]:\n    try:\n        await board.nothing()\n    except ToolError:\n        if x:\n            break\n        raise",
        ),
    ] {
        assert_eq!(told(&findings(text, language, &catalogue)), "", "{text}");
    }
}

#[test]
fn promises_that_nobody_awaits_are_found_in_every_form() {
    let catalogue = catalogue(tools());
    let call = "slack.list_channels()";
    let mut wrong = String::new();
    for (language, form) in [
        (TypeScript, "for (const i of [1]) [1].forEach(() => CALL);\nreturn 1"),
        (TypeScript, "[1].@forEach(async i => { await CALL });\nreturn 1"),
        (TypeScript, "await [1].@forEach(async i => { const x = await CALL; console.log(x) });\nreturn 1"),
        (TypeScript, "return [1].@forEach(async i => await CALL)"),
        (TypeScript, "[1].@map(async i => await CALL);\nreturn 1"),
        (TypeScript, "await [1].map(i => CALL);\nreturn 1"),
        (TypeScript, "return [1].map(i => CALL).map(channel => channel.id)"),
        (TypeScript, "return [1].map(i => { return CALL }).filter(({ id }) => id)"),
        (TypeScript, "return [1].map(i => CALL).join()"),
        (TypeScript, "return [1].@map(async i => await CALL).filter(channel => channel.id)"),
        (TypeScript, "const all = [1].@map(async i => await CALL);\nreturn all.filter(one => one.id)"),
        (TypeScript, "const all = await [1].@map(async i => await CALL);\nreturn all.map(one => one.id)"),
        (
            TypeScript,
            "const all = [1].map(i => CALL);\nfor (const one of all) console.log(one.id);\nreturn all.length",
        ),
        (TypeScript, "const all = [1].map(i => CALL);\nreturn 'done'"),
        (TypeScript, "return [1].map(i => CALL).reduce((sum, one) => sum + one.id, 0)"),
        (TypeScript, "return { all: [1].map(i => CALL) }"),
        (TypeScript, "return { a: { b: CALL } }"),
        (TypeScript, "return JSON.stringify({ a: CALL })"),
        (TypeScript, "await slack.post_message({ channel: 'a', text: CALL })"),
        (TypeScript, "const p = CALL;\nawait slack.post_message({ channel: 'a', text: p })"),
        (TypeScript, "if (CALL && 1) return 1"),
        (TypeScript, "switch (CALL) { case 1: return 1 }"),
        (TypeScript, "let n = 0;\nn += CALL;\nreturn n"),
        (TypeScript, "for await (const c of CALL) console.log(c)"),
        (TypeScript, "return (CALL ?? []).length"),
        (TypeScript, "return (1 ? CALL : 2).id"),
        (TypeScript, "return new Set(CALL).size"),
        (Python, "(x := CALL)\n1"),
        (Python, "(x := CALL)[\"id\"]"),
        (Python, "{\"a\": CALL}"),
        (Python, "result = {\"a\": [CALL]}"),
        (Python, "[CALL for i in [1]]"),
        (Python, "sum(CALL for i in [1])"),
        (Python, "import json\njson.dumps({\"a\": CALL})"),
        (Python, "[one[\"id\"] for one in [CALL for i in [1]]]"),
        (Python, "all_of = [CALL for i in [1]]\n[one[\"id\"] for one in all_of]"),
        (Python, "all_of = [CALL for i in [1]]\nlen(all_of)"),
        (Python, "for one in [CALL]:\n    pass\nfor two in [@CALL for i in [1]]:\n    print(two[\"id\"])\n1"),
        (Python, "[CALL for i in [1]]\n1"),
        (Python, "CALL if 1 else 2\n1"),
        (Python, "1 and CALL\n1"),
        (Python, "CALL and 1"),
        (Python, "(CALL if 1 else {})[\"id\"]"),
        (Python, "await slack.post_message(channel=\"a\", text=CALL)"),
        (Python, "x = CALL\nawait slack.post_message(channel=\"a\", text=x)"),
        (Python, "print(str(CALL))"),
    ] {
        // Told where the call stands, or at the mark.
        let at = form.find('@').or(form.find("CALL")).unwrap();
        let (line, column) =
            (form[..at].matches('\n').count(), form[..at].rsplit('\n').next().unwrap().len());
        let text = form.replace('@', "").replace("CALL", call);
        let found = told(&findings(&text, language, &catalogue));
        let awaits =
            ["is called but not awaited", "does not wait for its async callback", "and nothing awaits them"];
        let first = found.lines().next().unwrap_or_default();
        let place = format!("{}:{}  ", line + 1, column + 1);
        if !first.starts_with(&place) || !awaits.iter().any(|words| first.contains(words)) {
            wrong += &format!("{text}\n-- at {place}\n{found}\n\n");
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn promises_that_objects_and_lists_hand_on_are_not_lost() {
    let catalogue = catalogue(tools());
    let call = "slack.list_channels()";
    for (language, form) in [
        (TypeScript, "return await Promise.all(Object.values({ a: CALL, b: CALL }))"),
        (
            TypeScript,
            "const all = Object.entries({ a: CALL });\nfor (const [, one] of all) await one;\nreturn 1",
        ),
        (TypeScript, "const all = Object.assign({}, { a: CALL });\nreturn (await all.a).length"),
        (TypeScript, "const one = CALL;\nconst all = Object.fromEntries([['a', one]]);\nreturn await all.a"),
        (TypeScript, "return await Promise.all(Array.from([CALL]))"),
        (Python, "all_of = dict(a=CALL, b=CALL)\n[await one for one in all_of.values()]"),
        (Python, "one = CALL\nall_of = dict(a=one)\nawait all_of['a']"),
    ] {
        let text = form.replace("CALL", call);
        assert_eq!(told(&findings(&text, language, &catalogue)), "", "{text}");
    }
}

#[test]
fn modules_that_are_not_there_are_told_with_what_to_use() {
    let catalogue = catalogue(tools());
    for (text, expected) in [
        (
            "import requests\nrequests.get('x')",
            "1:8  no module named 'requests'; there is no network here: call the tools instead, `await namespace.tool(name=value)`",
        ),
        (
            "import numpy as np\nnp.zeros(3)",
            "1:8  no module named 'numpy'; only the standard library is here: use statistics, collections, itertools and plain loops",
        ),
        (
            "from yaml.nodes import Node\nNode",
            "1:6  no module named 'yaml'; use json, tomllib or csv; a tool may give the same data as JSON",
        ),
        (
            "import left_pad\n1",
            "1:8  no module named 'left_pad'; only the standard library and the tools are here; nothing can be installed",
        ),
        ("import board, json, tools\n1", ""),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None\n1", ""),
        ("if False:\n    import numpy\n1", ""),
        ("import sys\nsys.modules['numpy'] = sys\nimport numpy\n1", ""),
    ] {
        assert_eq!(told(&findings(text, Python, &catalogue)), expected, "{text}");
    }
}

#[test]
fn what_is_left_out_of_a_list_of_one_is_told_in_the_singular() {
    let many: Vec<String> = (0..7).map(|n| format!("\"choice_{n}\"")).collect();
    let schema =
        format!("{{\"type\": \"object\", \"properties\": {{\"x\": {{\"enum\": [{}]}}}}}}", many.join(", "));
    let listed = serde_json::json!({"name": "pick", "inputSchema": serde_json::from_str::<serde_json::Value>(&schema).unwrap()});
    let catalogue =
        catalogue(std::collections::BTreeMap::from([("t".to_owned(), vec![super::tool(&listed)])]));
    let found = told(&findings("await t.pick({ x: 1 })", TypeScript, &catalogue));
    assert!(found.contains(" or 1 other, got 1"), "{found}");
}
