//! An HTTP API through the whole program, from `outboard add` to scripts in both languages.

mod site;

use outboard_runtime::present::count_tokens;
use outboard_testkit::client::Home;
use serde_json::{Value, json};

pub(crate) use self::site::Site;
use crate::harness::{OUTBOARD, Session};

#[test]
fn an_api_is_a_namespace_of_typed_functions() {
    let site = Site::start();
    let mut session = Session::of(&[("pets", site.entry())], json!({}));
    let (_, found) = session.client.call("search", json!({"query": "list pets"}));
    assert!(
        found.contains("pets.list_pets(input?: { page?: integer; raw?: boolean })")
            || found.contains("pets.list_pets("),
        "{found}"
    );
    let added = session.value("await pets.add_pet({ body: { name: 'Ada', tags: ['cat'] } })");
    assert_eq!(added, json!({"name": "Ada", "tags": ["cat"], "id": 7}));
    assert_eq!(session.value("await pets.delete_pet({ id: 'a b' })"), Value::Null);
    let whole = session.value("await pets.list_pets({ page: 2, raw: true })");
    assert_eq!((&whole["status"], &whole["next"]), (&json!(200), &json!({"page": 3})));
    let failed = session.value(
        "await pets.get_pet({ id: '9' }).catch(e => [e.code, e.message, e.content[1].status, e.content[1].body])",
    );
    let message = "HTTP 404 Not Found: {\"message\":\"no pet /pets/9\"}";
    assert_eq!(failed, json!(["tool_error", message, 404, {"message": "no pet /pets/9"}]));
    let sent: Vec<(String, String)> =
        site.sent().into_iter().map(|sent| (sent.method, sent.target)).collect();
    assert_eq!(
        sent[..2],
        [("POST".to_owned(), "/pets".to_owned()), ("DELETE".to_owned(), "/pets/a%20b".to_owned())]
    );
    // What is wrong with arguments is told before anything is sent.
    let refused = session.client.failing("await pets.add_pet({ body: { tags: [] } })");
    assert!(refused.contains("name"), "{refused}");
}

#[test]
fn pages_and_uploads_work_in_both_languages() {
    let site = Site::start();
    let mut session = Session::of(&[("pets", site.entry())], json!({}));
    let typescript = "
        const names: string[] = [];
        for await (const page of tools.pages(pets.list_pets, {})) names.push(...page.map(pet => pet.name));
        const sent = await pets.upload_photo({ id: '1', body: { photo: { base64: btoa('bytes'), filename: 'a.png', contentType: 'image/png' } } });
        return { names: names.length, last: names.at(-1), type: sent.type };
    ";
    let python = "
names = []
async for page in tools.pages(pets.list_pets):
    names += [pet['name'] for pet in page]
import base64
sent = await pets.upload_photo(id='1', body={'photo': {'base64': base64.b64encode(b'bytes').decode(), 'filename': 'a.png'}})
{'names': len(names), 'last': names[-1], 'type': sent['type']}
";
    for code in [typescript, python] {
        assert_eq!(
            session.value(code),
            json!({"names": 6, "last": "pet 3.1", "type": "multipart/form-data"}),
            "{code}"
        );
    }
    let photo = site.sent().into_iter().find(|sent| sent.target == "/pets/1/photo").unwrap();
    assert!(
        photo.body.contains("name=\"photo\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\nbytes\r\n"),
        "{photo:?}"
    );
}

#[test]
fn add_writes_an_api_once_somebody_has_said_where_it_is() {
    let site = Site::start();
    let home = Home::new();
    let document = site.document().display().to_string();
    let run = |arguments: &[&str]| {
        let output = home.command(OUTBOARD, arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, told) = run(&["add", "pets", "--openapi", &document]);
    assert!(
        code == Some(2) && told.contains("https://evil.example") && told.contains("--base-url"),
        "{told}"
    );
    let (code, _, told) =
        run(&["add", "pets", "--openapi", &document, "--base-url", &site.url(), "--auth", "kee=x"]);
    assert!(code == Some(2) && told.contains("there are: key"), "{told}");
    let (code, shown, told) = run(&[
        "add",
        "pets",
        "--openapi",
        &document,
        "--base-url",
        &site.url(),
        "--auth",
        "key=k3y-0123456789",
    ]);
    assert!(code == Some(0) && told.contains("7 operations"), "{told}");
    assert!(shown.contains(&site.url()) && !shown.contains("k3y"), "{shown}");
    assert!(told.contains("auth.key now stands in the file as it is"), "{told}");
    // Of a user who wants to be asked nothing.
    let written =
        std::fs::read_to_string(home.state().parent().unwrap().join("config/outboard.json")).unwrap();
    home.configure(&serde_json::from_str(&written).unwrap());
    let (code, called, told) = run(&["call", "pets.list_pets", "{\"page\": 3}", "--json"]);
    assert!(code == Some(0) && called.contains("pet 3.1"), "{called} {told}");
    let (code, listed, _) = run(&["list", "--json"]);
    assert!(code == Some(0) && listed.contains("\"via\": \"openapi\""), "{listed}");
    let (code, shown, told) =
        run(&["add", "zoo", "--openapi", &document, "--base-url", &site.url(), "--by-tag"]);
    assert!(
        code == Some(0) && shown.contains("`zoo-pets` added") && shown.contains("`zoo-files` added"),
        "{shown}"
    );
    assert!(told.contains("2 operations without a tag"), "{told}");
    // Tags that would have the same name have entries of their own.
    let alike = home.project().join("alike.json");
    let tagged = |tag: &str| json!({"get": {"tags": [tag]}});
    let paths = json!({"/a": tagged("a b"), "/b": tagged("a/b")});
    std::fs::write(&alike, json!({"openapi": "3.1.0", "paths": paths}).to_string()).unwrap();
    let (code, shown, told) =
        run(&["add", "two", "--openapi", alike.to_str().unwrap(), "--base-url", &site.url(), "--by-tag"]);
    assert!(
        code == Some(0) && shown.contains("`two-a-b` added") && shown.contains("`two-a-b-2` added"),
        "{shown} {told}"
    );
}

#[test]
fn a_thousand_operations_cost_a_model_no_more_than_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]);
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}});
    let operation = |n: usize| {
        let summary = format!("Change the colour of gadget kind {n}");
        let operation = json!({"summary": summary, "requestBody": {"content": content}, "responses": {"200": {"content": content}}});
        (format!("/kinds/{n}/gadgets/{{id}}"), json!({"parameters": parameters, "put": operation}))
    };
    let properties: serde_json::Map<String, Value> =
        (0..200).map(|n| (format!("property{n}"), json!({"$ref": "#/components/schemas/Thing"}))).collect();
    let document = json!({
        "openapi": "3.0.0",
        "components": {"schemas": {"Thing": {"type": "object", "properties": properties}}},
        "paths": (0..1_000).map(operation).collect::<serde_json::Map<_, _>>(),
    });
    let path = folder.path().join("large.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let mut session =
        Session::of(&[("large", json!({"openapi": path, "baseUrl": "http://127.0.0.1:9"}))], json!({}));
    let (_, found) = session.client.call("search", json!({"query": "colour of gadget kind 77"}));
    assert!(found.contains("large.put_kinds_77_gadgets_by_id") && found.contains("of 1000 shown"), "{found}");
    assert!(count_tokens(&found) <= 1_200, "{}", count_tokens(&found));
    let offered = session.client.request("tools/list", json!({}));
    let tools: Vec<Value> = offered["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| json!({"name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"]}))
        .collect();
    let tokens = count_tokens(&Value::from(tools).to_string());
    assert!(tokens <= 400, "{tokens}");
}
