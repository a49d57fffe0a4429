//! Ways round the policy: what a project's file may say, calls that hide their tool's name, schemas that would not end,
//! and a model that uses one way to do what another refused.

use serde_json::{Value, json};

use crate::{
    cli::Person,
    harness::{Session, fixture},
};

fn denying(rules: &Value) -> Session {
    Session::of(&[("fix", fixture(&[]))], json!({"policy": {"rules": rules, "otherwise": "allow"}}))
}

#[test]
fn a_denied_tool_is_denied_by_every_name_and_from_every_corner_of_a_script() {
    let mut session = denying(&json!([{"tools": "fix.count", "verdict": "deny"}]));
    let attempts = [
        "fix.count()",
        "fix['count']()",
        "fix['cou' + 'nt']()",
        "globalThis.fix.count()",
        "Reflect.get(fix, 'count')()",
        "Reflect.apply(fix.count, undefined, [{}])",
        "fix.count.call({}, {})",
        "fix.count.bind(null, {})()",
        "(0, eval)('fix.count()')",
        "new Function('return fix.count()')()",
        "Object.create(fix).count()",
        "({ ...fix }).count?.()",
        "Promise.resolve(fix).then(f => f.count())",
        "[{}].map(fix.count)[0]",
    ];
    for attempt in attempts {
        let code = format!(
            "try {{ await ({attempt}); return 'passed' }} catch (e) {{ return String(e.code ?? e) }}"
        );
        let text = session.client.execute(&code);
        assert_ne!(text, "\"passed\"", "{attempt}");
        assert_ne!(text, "passed", "{attempt}");
    }
    assert_eq!(session.value("await fix.effects()"), json!({"effects": []}), "nothing was sent");
}

#[test]
fn neither_prototypes_nor_saved_handles_of_a_tool_nor_likenesses_of_its_name_pass() {
    let mut session = denying(&json!([{"tools": "fix.count", "verdict": "deny"}]));
    let code = "
        const saved = fix.count;
        const tries = [
            () => { Object.prototype.count = fix.echo; return saved({}) },
            () => { fix.constructor.prototype.x = saved; return fix.x?.({}) ?? saved({}) },
            () => fix['c\\u043eunt']({}),
            () => fix['count\\u200b']({}),
            () => fix['Count']({}),
            () => fix['count ']({}),
            () => fix['fix.count']({}),
        ];
        const seen = [];
        for (const one of tries) { try { await one(); seen.push('passed') } catch (e) { seen.push(e.code ?? e.name) } }
        return seen";
    let seen = session.value(code);
    assert!(!seen.as_array().unwrap().contains(&json!("passed")), "{seen}");
    assert_eq!(session.value("await fix.effects()"), json!({"effects": []}), "nothing was sent");
}

#[test]
fn python_has_no_other_way_either() {
    let mut session = denying(&json!([{"tools": "fix.count", "verdict": "deny"}]));
    let code = "
seen = []
for one in (lambda: fix.count(), lambda: getattr(fix, 'count')(), lambda: fix['count'](), lambda: eval('fix.count()'),
            lambda: type(fix).__getattr__(fix, 'count')(), lambda: fix.__getattribute__('count')()):
    try:
        await one()
        seen.append('passed')
    except BaseException as error:
        seen.append(getattr(error, 'code', type(error).__name__))
return seen";
    let arguments = json!({"code": code, "language": "python"});
    let id = session.client.ask("tools/call", json!({"name": "execute", "arguments": arguments}));
    let (failed, text) = session.client.called(id);
    assert!(!failed && !text.contains("passed"), "{text}");
    assert_eq!(session.value("await fix.effects()"), json!({"effects": []}), "nothing was sent");
}

#[test]
fn arguments_are_judged_as_they_are_sent_and_not_as_they_look_later() {
    let rules = json!([{"tools": "fix.echo", "when": "arguments.value == 'secret'", "verdict": "deny"}]);
    let mut session = denying(&rules);
    let code = "
        let asked = 0;
        const sly = { get value() { return asked++ === 0 ? 'fine' : 'secret' } };
        const first = await fix.echo(sly).catch(e => e.code);
        const mutable = { value: 'fine' };
        const pending = fix.echo(mutable);
        mutable.value = 'secret';
        const second = await pending;
        const json = await fix.echo({ toJSON() { return { value: 'secret' } } }).catch(e => e.code);
        return [first, second, json]";
    let seen = session.value(code);
    assert_eq!(seen[2], "denied", "{seen}");
    assert!(!seen[0].to_string().contains("secret") && !seen[1].to_string().contains("secret"), "{seen}");
}

#[test]
fn a_name_that_stands_twice_cannot_show_one_value_and_send_another() {
    let rules = json!([{"tools": "fix.echo", "when": "arguments.value == 'secret'", "verdict": "deny"}]);
    let policy = json!({"rules": rules, "otherwise": "allow"});
    let person = Person::configured(&json!({"mcpServers": {"fix": fixture(&[])}, "policy": policy}));
    person.says(&["call", "fix.echo", r#"{"value": "fine"}"#]).fine();
    for arguments in [r#"{"value": "secret", "value": "fine"}"#, r#"{"value": {"v\u0061": 1, "va": 2}}"#] {
        let said = person.says(&["call", "fix.echo", arguments]);
        said.check(1, &["not sent: the name `va", "` stands twice in an object"]);
    }
}

#[test]
fn a_project_cannot_vouch_for_itself() {
    let person = Person::configured(&json!({"mcpServers": {}}));
    let trusting =
        json!({"mcpServers": {"proj": {"command": fixture(&[])["command"], "args": [], "trust": true}}});
    let file = person.file("outboard.json", &trusting.to_string());
    let hash = |file: &std::path::Path| {
        let shown = person.says(&["trust", "--show"]);
        let at = shown.out.find("sha256 ").unwrap_or_else(|| panic!("{}: {shown:?}", file.display()));
        shown.out[at + 7..at + 7 + 64].to_owned()
    };
    person.says(&["trust", "--accept", &hash(&file)]);
    person.says(&["call", "proj.add", r#"{"a": 1, "b": 1}"#]).check(1, &[]);
    assert!(
        person.says(&["list"]).err.contains("may stand only in the user's own file")
            || person.says(&["doctor"]).out.contains("may stand only in the user's own file")
    );
    let ruling = json!({"mcpServers": {"proj": fixture(&[])}, "policy": {"otherwise": "allow"}});
    person.file("outboard.json", &ruling.to_string());
    let said = person.says(&["call", "proj.add", r#"{"a": 1, "b": 1}"#]);
    assert!(said.err.contains("`policy` may stand only in the user's own file"), "{said:?}");
    // In a file that is shared with other clients the key is theirs, and means nothing here.
    std::fs::remove_file(&file).unwrap();
    let shared = person.file(".mcp.json", &trusting.to_string());
    person.says(&["trust", "--accept", &hash(&shared)]).fine();
    person
        .says(&["call", "proj.add", r#"{"a": 1, "b": 1}"#])
        .check(1, &["nobody has accepted the upstream proj yet"]);
}

#[test]
fn a_person_is_shown_which_of_their_own_rules_let_a_projects_servers_run() {
    let rules = json!([
        {"tools": "my_proj.add", "verdict": "allow"},
        {"tools": "my_proj_2.*", "verdict": "allow"},
        {"tools": ["x.y", "*.echo"], "verdict": "allow"},
        {"tools": "my-proj.*", "verdict": "deny"},
    ]);
    let person = Person::configured(&json!({"mcpServers": {}, "policy": {"rules": rules}}));
    person.file(".mcp.json", &json!({"mcpServers": {"my-proj": fixture(&[])}}).to_string());
    let shown = person.says(&["trust", "--show"]);
    let told: Vec<&str> = shown.out.lines().filter(|line| line.contains("your own")).collect();
    assert_eq!(told, ["  your own rule 1 lets run  my_proj.add", "  your own rule 3 lets run  x.y, *.echo"]);
}

#[test]
fn commands_of_one_call_each_are_guarded_as_one_session() {
    let labelled = |labels: &Value| {
        let mut entry = fixture(&[]);
        entry["labels"] = labels.clone();
        entry["trust"] = json!(true);
        entry
    };
    let person = Person::configured(&json!({"mcpServers": {
        "wiki": labelled(&json!({"private": true, "external": false})),
        "mail": labelled(&json!(["external"])),
    }}));
    let post = || person.says(&["call", "mail.echo", r#"{"value": "x"}"#]);
    post().fine();
    person.says(&["call", "wiki.echo", r#"{"value": "secret"}"#]).fine();
    let says = "this session has read private data and untrusted content, and this leaves the organisation";
    post().check(1, &[says]);
    let judged = person.says(&["policy", "test", "mail.echo", r#"{"value": "x"}"#]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.out.starts_with(&format!("mail.echo: ask, because {says}")), "{judged:?}");
    person.runs("await mail.echo({ value: 'x' })").check(1, &[says]);
    person.says(&["policy", "clear"]).check(1, &["clearing it needs a person at a terminal"]);
    post().check(1, &[says]);
}

#[test]
fn what_a_served_session_has_seen_counts_for_commands() {
    let mut wiki = fixture(&[]);
    wiki["labels"] = json!({"private": true, "external": false});
    let mut session = Session::of(&[("wiki", wiki), ("mail", fixture(&[]))], json!({"policy": {}}));
    assert_eq!(session.client.execute("await mail.echo({ value: 1 }); return 'posted'"), "posted");
    let code = "
        await wiki.echo({ value: 'secret' });
        return await mail.echo({ value: 'secret' }).then(() => 'posted', e => e.code)";
    let asked = session.client.execute(code);
    assert!(asked.starts_with("waiting for approval: mail.echo"), "{asked}");
    assert!(asked.ends_with("to be asked no more: outboard policy clear"), "{asked}");
    let mut command = session.home.command(crate::harness::OUTBOARD, &["call", "mail.echo", "{}"]);
    let said = command.output().unwrap();
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(err.contains("this leaves the organisation"), "{err}");
}
