//! Prompts, resources and completions of upstreams, with scripts and without.

use std::sync::Arc;

use outboard_face::FaceOptions;
use outboard_runtime::{
    approval::Said,
    catalogue::{Beside, Catalogue, Entry, Listing},
    ids::UpstreamName,
    json::Json,
};
use serde_json::{Value, json};

use crate::{
    client::{Client, modern},
    runtime::{Fake, tool},
};

fn entry(name: &str, definition: Value) -> Entry {
    Entry { name: name.to_owned(), definition: Json::from(definition) }
}

fn listing(prompts: &[&str]) -> Listing {
    let prompt =
        |name: &&str| entry(name, json!({ "name": name, "description": "Says it", "arguments": [] }));
    let template = "x://of/{id}";
    let beside = Beside {
        prompts: prompts.iter().map(prompt).chain([entry("odd", json!({ "name": 7 }))]).collect(),
        templates: vec![entry(template, json!({ "uriTemplate": template, "name": "one of many" }))],
        resources: true,
        subscribe: false,
        completions: true,
    };
    Listing { tools: vec![tool("a")], beside, ..Listing::default() }
}

fn upstreams(names: &[&str]) -> Catalogue {
    let names = names.iter().map(|name| UpstreamName::new(*name));
    let catalogue = Catalogue::new(names.clone());
    names.for_each(|name| catalogue.publish(&name, listing(&["greet"])));
    catalogue
}

async fn client(fake: &Arc<Fake>, passthrough: bool) -> Client {
    let mut client = Client::with(fake, FaceOptions { passthrough, ..FaceOptions::default() });
    client.initialize("2025-11-25").await;
    client
}

fn all<'a>(answer: &'a Value, list: &str, name: &str) -> Vec<&'a str> {
    let all = answer["result"][list].as_array().unwrap_or_else(|| panic!("{answer}"));
    all.iter().map(|one| one[name].as_str().unwrap()).collect()
}

fn read(uri: &str) -> Value {
    json!({ "uri": uri })
}

#[tokio::test]
async fn what_one_upstream_has_is_offered_under_its_own_names() {
    for passthrough in [false, true] {
        let mut client = client(&Fake::new(upstreams(&["only"])), passthrough).await;
        let prompts = client.ask("prompts/list", json!({})).await;
        assert_eq!(all(&prompts, "prompts", "name"), ["greet"]);
        let resources = client.ask("resources/list", json!({})).await;
        assert_eq!(all(&resources, "resources", "uri"), ["x://only", "x://common", "x://refused", "x://ask"]);
        let templates = client.ask("resources/templates/list", json!({})).await;
        assert_eq!(all(&templates, "resourceTemplates", "uriTemplate"), ["x://of/{id}"]);
        let got = client.ask("prompts/get", json!({ "name": "greet", "arguments": { "a": "b" } })).await;
        assert_eq!(
            got["result"]["messages"][0]["content"]["text"],
            "only prompts/get {\"name\":\"greet\",\"arguments\":{\"a\":\"b\"}} for test"
        );
        for uri in ["x://only", "x://of/7", "only+x://only", "y://never listed"] {
            let own = uri.trim_start_matches("only+");
            let got = client.ask("resources/read", read(uri)).await;
            let expected = format!("only resources/read {} for test", read(own));
            assert_eq!(got["result"]["contents"][0]["text"], expected, "{got}");
        }
        let refused = client.ask("resources/read", read("x://refused")).await;
        assert_eq!(
            (&refused["error"]["code"], &refused["error"]["message"]),
            (&json!(-32002), &json!("no such thing"))
        );
    }
}

#[tokio::test]
async fn what_several_upstreams_have_is_told_apart() {
    let mut client = client(&Fake::new(upstreams(&["one", "two"])), false).await;
    let prompts = client.ask("prompts/list", json!({})).await;
    assert_eq!(all(&prompts, "prompts", "name"), ["one__greet", "two__greet"]);
    let templates = client.ask("resources/templates/list", json!({})).await;
    assert_eq!(all(&templates, "resourceTemplates", "uriTemplate"), ["one+x://of/{id}", "two+x://of/{id}"]);
    // Before anybody has listed anything.
    for (uri, owner, own) in [
        ("x://two", "two", "x://two"),
        ("one+x://common", "one", "x://common"),
        ("two+x://common", "two", "x://common"),
        ("one+x://of/7", "one", "x://of/7"),
        ("two+x://of/7", "two", "x://of/7"),
    ] {
        let got = client.ask("resources/read", read(uri)).await;
        let expected = format!("{owner} resources/read {} for test", read(own));
        assert_eq!(got["result"]["contents"][0]["text"], expected, "{got}");
    }
    let resources = client.ask("resources/list", json!({})).await;
    let uris = all(&resources, "resources", "uri");
    let shared = |name: &str| ["common", "refused", "ask"].map(|own| format!("{name}+x://{own}"));
    let expected =
        [vec!["x://one".to_owned()], shared("one").into(), vec!["x://two".to_owned()], shared("two").into()];
    assert_eq!(uris, expected.concat());
    // What two have is nobody's plainly: the first may want to be taken for the second.
    for uri in ["x://common", "x://of/7"] {
        let unclear = client.ask("resources/read", read(uri)).await;
        let message = unclear["error"]["message"].as_str().unwrap();
        assert!(message.contains(&format!("one+{uri}, two+{uri}")), "{message}");
    }
    let unknown = client.ask("resources/read", read("y://never listed")).await;
    assert_eq!(unknown["error"]["data"], read("y://never listed"), "{unknown}");
    let got = client.ask("prompts/get", json!({ "name": "two__greet" })).await;
    let text = got["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("two prompts/get {\"name\":\"greet\""), "{text}");
    let unknown = client.ask("prompts/get", json!({ "name": "greet" })).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn arguments_are_completed_by_the_upstream_that_has_them() {
    let mut client = client(&Fake::new(upstreams(&["one", "two"])), true).await;
    let argument = json!({ "name": "a", "value": "b" });
    for (reference, own) in [
        (
            json!({ "type": "ref/prompt", "name": "two__greet" }),
            json!({ "type": "ref/prompt", "name": "greet" }),
        ),
        (
            json!({ "type": "ref/resource", "uri": "two+x://of/{id}" }),
            json!({ "type": "ref/resource", "uri": "x://of/{id}" }),
        ),
    ] {
        let got = client.ask("completion/complete", json!({ "ref": reference, "argument": argument })).await;
        let asked: Value =
            serde_json::from_str(got["result"]["completion"]["values"][0].as_str().unwrap()).unwrap();
        assert_eq!(asked, json!({ "ref": own, "argument": argument }));
    }
    let unknown = json!({ "type": "ref/prompt", "name": "none" });
    let got = client.ask("completion/complete", json!({ "ref": unknown, "argument": argument })).await;
    assert_eq!(got["error"]["code"], -32602, "{got}");
}

#[tokio::test]
async fn an_upstream_that_gives_no_list_costs_only_itself() {
    let mut client = client(&Fake::new(upstreams(&["one", "silent"])), false).await;
    let resources = client.ask("resources/list", json!({})).await;
    assert_eq!(all(&resources, "resources", "uri").len(), 4);
}

#[tokio::test]
async fn a_person_is_asked_and_may_hand_a_form_back() {
    let fake = Fake::new(upstreams(&["only"]));
    let mut client = client(&fake, true).await;
    let asked = client.request("resources/read", read("x://ask")).await;
    let mut open = fake.approvals.watch();
    while fake.approvals.open().is_empty() {
        open.changed().await.unwrap();
    }
    fake.approvals.answer(&fake.approvals.open()[0].id, Said::Once).unwrap();
    assert_eq!(client.answer(asked).await["result"]["contents"][0]["text"], "allowed");

    let mut params = modern(read("x://ask"));
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": { "form": {} } });
    let mut client = Client::with(&fake, FaceOptions { passthrough: true, ..FaceOptions::default() });
    let form = client.ask("resources/read", params.clone()).await;
    assert_eq!(form["result"]["resultType"], "input_required", "{form}");
    params["requestState"] = form["result"]["requestState"].clone();
    let chosen = json!({ "action": "accept", "content": { "decision": "allow once" } });
    params["inputResponses"] = json!({ "approval": chosen });
    let read = client.ask("resources/read", params).await;
    assert_eq!(read["result"]["contents"][0]["text"], "allowed", "{read}");
}

#[test]
fn the_model_is_told_of_them_within_the_same_tokens() {
    let many: Vec<String> = (0..100).map(|number| format!("server_number_{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for names in [&["one"][..], &many] {
        let options = FaceOptions { declarations_budget: 0, ..FaceOptions::default() };
        let offer = outboard_face::Offer::new(&upstreams(names).snapshot(), options);
        let execute = offer.tools[1].description.as_deref().unwrap();
        assert!(execute.contains("resources.read(uri)"), "{execute}");
        assert!(offer.tokens() <= 400, "{}", offer.tokens());
    }
    let without =
        outboard_face::Offer::new(&crate::runtime::catalogue(1, 1).snapshot(), FaceOptions::default());
    assert!(!without.tools[1].description.as_deref().unwrap().contains("resources"));
}

#[tokio::test]
async fn capabilities_name_what_there_is() {
    let fake = Fake::new(upstreams(&["only"]));
    let mut client = Client::with(&fake, FaceOptions::default());
    let opened = client.initialize("2025-11-25").await;
    let capabilities = &opened["result"]["capabilities"];
    assert_eq!(capabilities["prompts"], json!({ "listChanged": true }));
    assert_eq!(capabilities["resources"], json!({ "listChanged": true }));
    assert_eq!(capabilities["completions"], json!({}));
    let mut client = Client::with(&Fake::new(crate::runtime::catalogue(1, 1)), FaceOptions::default());
    let opened = client.initialize("2025-11-25").await;
    let capabilities = opened["result"]["capabilities"].as_object().unwrap();
    assert_eq!(capabilities.keys().collect::<Vec<_>>(), ["tools"]);
}

#[tokio::test]
async fn a_change_is_told_by_its_kind() {
    let fake = Fake::new(upstreams(&["only"]));
    let mut client = client(&fake, false).await;
    client.ask("prompts/list", json!({})).await;
    let name = UpstreamName::new("only");
    fake.catalogue.publish(&name, listing(&["greet", "part"]));
    assert_eq!(client.next().await.unwrap()["method"], "notifications/prompts/list_changed");
    fake.catalogue.seat(&name).resources_changed();
    assert_eq!(client.next().await.unwrap()["method"], "notifications/resources/list_changed");
}
