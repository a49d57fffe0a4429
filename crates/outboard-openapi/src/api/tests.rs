//! Calls against real sockets: what is sent to whom, what is followed, what is repeated, what is refused.

mod login;
pub(crate) mod site;

use std::collections::BTreeMap;

use outboard_runtime::{json::Json, ports::upstream::SendFailure, reply::CallReply};
use serde_json::{Value, json};
use url::Url;

use self::site::{Answer, Site};
use super::*;
use crate::spec::{Credential, Source};

const LIMIT: usize = 1 << 20;

fn reach(site: &Site) -> Reach {
    Reach::new(Source::File("unused".into()), site.url("/v1"))
}

fn open(document: &Value, reach: &Reach) -> Result<Opened, String> {
    Api::open(Document::parse(document.to_string().into_bytes()).unwrap(), reach, LIMIT)
}

async fn call(
    document: &Value,
    reach: &Reach,
    tool: &str,
    arguments: Value,
) -> Result<CallReply, SendFailure> {
    let Opened { api, .. } = open(document, reach).unwrap();
    api.call(&ToolName::new(tool), &Json::from(arguments)).await
}

fn value(reply: Result<CallReply, SendFailure>) -> Value {
    let reply = reply.unwrap();
    assert!(!reply.is_error, "{:?}", reply.content);
    reply.structured.unwrap().to_value()
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better without a borrow")]
fn document(operations: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "servers": [{"url": "https://elsewhere.example"}],
        "components": {"securitySchemes": {
            "header": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "query": {"type": "apiKey", "in": "query", "name": "key"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
            "basic": {"type": "http", "scheme": "basic"},
            "bearer": {"type": "http", "scheme": "Bearer"},
            "digest": {"type": "http", "scheme": "digest"},
            "oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
            "away": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://evil.example/token", "scopes": {}}}},
        }},
        "paths": operations,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better without a borrow")]
fn get(security: Value) -> Value {
    document(json!({"/x": {"get": {"operationId": "x", "security": security}}}))
}

fn with(site: &Site, credentials: &[(&str, &str)]) -> Reach {
    let text = |(name, text): &(&str, &str)| ((*name).to_owned(), Credential::Text((*text).to_owned()));
    Reach { credentials: credentials.iter().map(text).collect(), ..reach(site) }
}

#[tokio::test]
async fn credentials_go_where_the_scheme_says() {
    for (scheme, credential, name, sent) in [
        ("header", "k3y value", "x-key", "k3y value"),
        ("cookie", "a=b;c", "cookie", "sid=a%3Db%3Bc"),
        ("cookie", "YWJj==", "cookie", "sid=YWJj=="),
        ("basic", "me:pass", "authorization", "Basic bWU6cGFzcw=="),
        ("bearer", "t0ken", "authorization", "Bearer t0ken"),
        ("oauth", "t0ken", "authorization", "Bearer t0ken"),
    ] {
        let site = Site::start(|_| Answer::json("{}")).await;
        value(call(&get(json!([{scheme: []}])), &with(&site, &[(scheme, credential)]), "x", json!({})).await);
        let request = site.received().remove(0);
        assert_eq!(request.headers.get(name).map(String::as_str), Some(sent), "{scheme}");
        assert_eq!((request.target.as_str(), request.headers.contains_key("x-evil")), ("/v1/x", false));
    }
    let site = Site::start(|_| Answer::json("{}")).await;
    value(call(&get(json!([{"query": []}])), &with(&site, &[("query", "a&b=c")]), "x", json!({})).await);
    assert_eq!(site.received()[0].target, "/v1/x?key=a%26b%3Dc");
}

#[tokio::test]
async fn of_several_alternatives_the_first_complete_one_is_used() {
    let both = json!([{"bearer": [], "header": []}, {"header": []}, {}]);
    for (security, configured, expected) in [
        (both.clone(), &[("header", "h")][..], (Some("h"), None)),
        (both.clone(), &[("header", "h"), ("bearer", "b")], (Some("h"), Some("Bearer b"))),
        (both, &[], (None, None)),
        (json!([]), &[("header", "h")], (None, None)),
        (json!([{"bearer": []}]), &[("header", "h")], (None, None)),
        (json!(null), &[("header", "h")], (Some("h"), None)),
    ] {
        let site = Site::start(|_| Answer::json("{}")).await;
        value(call(&get(security.clone()), &with(&site, configured), "x", json!({})).await);
        let request = site.received().remove(0);
        let sent = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!((sent("x-key"), sent("authorization")), expected, "{security}");
    }
}

#[tokio::test]
async fn credentials_that_do_not_fit_the_document_are_told_of() {
    let site = Site::start(|_| Answer::json("{}")).await;
    for (name, credential, says) in [
        (
            "nosuch",
            Credential::Text("x".to_owned()),
            "no security scheme of the document; there are: away, basic",
        ),
        ("basic", Credential::Text("x".to_owned()), "must be `user:password`"),
        ("digest", Credential::Text("x".to_owned()), "is not filled in here"),
        ("header", client(None), "must be a text"),
        ("away", client(None), "asks for tokens at https://evil.example, which nobody has confirmed"),
        ("bearer", client(None), "`tokenUrl` is missing"),
    ] {
        let reach = Reach { credentials: BTreeMap::from([(name.to_owned(), credential)]), ..reach(&site) };
        let refused = open(&get(json!([])), &reach).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    let nowhere = Reach { base: None, ..reach(&site) };
    let refused = open(&get(json!([])), &nowhere).unwrap_err();
    assert!(
        refused.contains("`baseUrl` is missing") && refused.contains("https://elsewhere.example"),
        "{refused}"
    );
}

fn client(token_url: Option<Url>) -> Credential {
    Credential::Client {
        id: "me".to_owned(),
        secret: "s3cret-s3cret".to_owned(),
        scopes: vec!["a".to_owned(), "b".to_owned()],
        token_url,
    }
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_it_was_refused() {
    let site = Site::start(|request| match request.target.as_str() {
        "/token" => Answer::json("{\"access_token\": \"t-0123456789\", \"expires_in\": 3600}"),
        "/v1/x?fail=true" => Answer::new(401).with("x-saw", &request.headers["authorization"]),
        _ => Answer::json(&format!("{{\"saw\": \"{}\"}}", request.headers["authorization"])),
    })
    .await;
    let operation = json!({"operationId": "x", "security": [{"oauth": []}], "parameters": [{"name": "fail", "in": "query"}]});
    let reach = Reach { credentials: BTreeMap::from([("oauth".to_owned(), client(None))]), ..reach(&site) };
    let Opened { api, .. } = open(&document(json!({"/x": {"get": operation}})), &reach).unwrap();
    let once = async |arguments: Value| api.call(&ToolName::new("x"), &Json::from(arguments)).await;
    // What the server saw does not come back.
    assert_eq!(value(once(json!({})).await), json!({"saw": "Bearer ***"}));
    value(once(json!({})).await);
    let refused = once(json!({"fail": true})).await.unwrap();
    // Nor does a token that is forgotten because of this very answer.
    assert_eq!((refused.is_error, &refused.content[1].to_value()["headers"]["x-saw"]), (true, &json!("***")));
    value(once(json!({})).await);
    let asked: Vec<_> = site.received().into_iter().filter(|request| request.target == "/token").collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(String::from_utf8_lossy(&asked[0].body), "grant_type=client_credentials&scope=a%20b");
    assert_eq!(asked[0].headers["authorization"], "Basic bWU6czNjcmV0LXMzY3JldA==");
}

#[tokio::test]
async fn a_redirect_to_another_origin_takes_no_credentials_along() {
    let other = Site::start(|_| Answer::json("{\"there\": true}")).await;
    let there = other.url("/there?a=1").to_string();
    let site = Site::start(move |request| match request.target.as_str() {
        "/v1/x" => Answer::new(302).with("location", "/v1/y"),
        _ => Answer::new(302).with("location", &there),
    })
    .await;
    let mut reach = with(&site, &[("header", "h"), ("cookie", "c")]);
    reach.headers.push(("X-Own".to_owned(), "mine".to_owned()));
    reach.private = true;
    let document = get(json!([{"header": [], "cookie": []}]));
    assert_eq!(value(call(&document, &reach, "x", json!({})).await), json!({"there": true}));
    let own = site.received();
    assert!(
        own.len() == 2
            && own
                .iter()
                .all(|request| request.headers["x-key"] == "h" && request.headers["x-own"] == "mine")
    );
    let strange = other.received().remove(0);
    assert_eq!(strange.target, "/there?a=1");
    for name in ["x-key", "cookie", "x-own", "authorization"] {
        assert!(!strange.headers.contains_key(name), "{name}");
    }
    // Nobody has allowed an address of this machine but the one that was written down.
    reach.private = false;
    let refused = call(&document, &reach, "x", json!({})).await;
    assert!(
        matches!(&refused, Err(SendFailure::Unavailable { reason }) if reason.contains("private address")),
        "{refused:?}"
    );
    assert_eq!(other.received().len(), 1);
}

#[tokio::test]
async fn what_changes_something_is_not_sent_elsewhere_nor_twice() {
    let other = Site::start(|_| Answer::json("{}")).await;
    let there = other.url("/").to_string();
    let site = Site::start(move |request| match request.target.as_str() {
        "/v1/away" => Answer::new(307).with("location", &there),
        "/v1/moved" => Answer::new(308).with("location", "/v1/here"),
        "/v1/see" => Answer::new(303).with("location", "/v1/here"),
        "/v1/nowhere" => Answer::new(303).with("location", "http://127.0.0.1:1/"),
        "/v1/round" => Answer::new(303).with("location", "/v1/loop"),
        "/v1/busy" => Answer::new(429).with("retry-after", "0"),
        "/v1/loop" => Answer::new(302).with("location", "/v1/loop"),
        _ => {
            Answer::json(&format!("{{\"method\": \"{}\", \"body\": {}}}", request.method, request.body.len()))
        }
    })
    .await;
    let post = |name: &str| json!({"post": {"operationId": name, "requestBody": {"content": {"application/json": {}}}}});
    let document = document(json!({
        "/away": post("away"), "/moved": post("moved"), "/see": post("see"), "/busy": post("busy"), "/loop": {"get": {"operationId": "loop"}},
        "/nowhere": post("nowhere"), "/round": post("round"),
    }));
    let reach = Reach { private: true, ..reach(&site) };
    let refused = call(&document, &reach, "away", json!({"body": 1})).await;
    assert!(
        matches!(&refused, Err(SendFailure::Lost { reason }) if reason.contains("not sent elsewhere")),
        "{refused:?}"
    );
    assert_eq!(
        value(call(&document, &reach, "moved", json!({"body": 1})).await),
        json!({"method": "POST", "body": 1})
    );
    assert_eq!(
        value(call(&document, &reach, "see", json!({"body": 1})).await),
        json!({"method": "GET", "body": 0})
    );
    let busy = call(&document, &reach, "busy", json!({"body": 1})).await.unwrap();
    assert!(
        busy.is_error && site.received().iter().filter(|request| request.target == "/v1/busy").count() == 1
    );
    // What leads nowhere afterwards does not undo what was sent.
    for name in ["nowhere", "round"] {
        let lost = call(&document, &reach, name, json!({"body": 1})).await;
        assert!(matches!(&lost, Err(SendFailure::Lost { .. })), "{lost:?}");
    }
    let endless = call(&document, &reach, "loop", json!({})).await;
    assert!(
        matches!(&endless, Err(SendFailure::Unavailable { reason }) if reason.contains("more than 5 times")),
        "{endless:?}"
    );
    assert_eq!(other.received().len(), 0);
}

#[tokio::test]
async fn what_is_safe_is_repeated_when_the_server_asks_for_it() {
    let site = Site::start(|request| match request.count {
        1 | 2 => Answer::new(503).with("retry-after", "0"),
        _ => Answer::json("\"done\""),
    })
    .await;
    assert_eq!(value(call(&get(json!([])), &reach(&site), "x", json!({})).await), json!("done"));
    assert_eq!(site.received().len(), 3);
    // A pause that is too long is the script's to decide about.
    let site = Site::start(|_| Answer::new(429).with("retry-after", "3000")).await;
    let busy = call(&get(json!([])), &reach(&site), "x", json!({})).await.unwrap();
    let said = busy.content[0].to_value()["text"].as_str().unwrap().to_owned();
    assert_eq!(
        (said.as_str(), site.received().len()),
        ("HTTP 429 Too Many Requests; the server asks to wait 3000 s", 1)
    );
}

#[tokio::test]
async fn a_document_does_not_move_requests() {
    let other = Site::start(|_| Answer::json("{}")).await;
    let site = Site::start(|_| Answer::json("{}")).await;
    let operation = |server: &str| json!({"get": {"operationId": "x", "servers": [{"url": server}], "security": [{"header": []}]}});
    let at = |server: &str| document(json!({"/x": operation(server)}));
    let there = other.url("").to_string();
    let mut reach = with(&site, &[("header", "h")]);
    let refused = call(&at(&there), &reach, "x", json!({})).await;
    assert!(
        matches!(&refused, Err(SendFailure::Unsendable { reason }) if reason.contains("nobody has confirmed")),
        "{refused:?}"
    );
    assert_eq!((other.received().len(), site.received().len()), (0, 0));
    // The same origin in another place is the same server; so is what a person has confirmed.
    value(call(&at("/v2"), &reach, "x", json!({})).await);
    assert_eq!(site.received()[0].target, "/v2/x");
    reach.servers.push(other.url(""));
    value(call(&at(&there), &reach, "x", json!({})).await);
    assert_eq!(other.received()[0].headers["x-key"], "h");
    for odd in [
        "http://user:pw@127.0.0.1:1/",
        "file:///etc/passwd",
        "//evil.example/",
        "http://127.0.0.1.evil.example/",
    ] {
        let refused = call(&at(odd), &reach, "x", json!({})).await;
        assert!(matches!(refused, Err(SendFailure::Unsendable { .. })), "{odd}: {refused:?}");
    }
}

#[tokio::test]
async fn a_response_that_is_too_long_is_not_read() {
    let site = Site::start(|_| Answer::json(&format!("\"{}\"", "x".repeat(LIMIT)))).await;
    let lost = call(&get(json!([])), &reach(&site), "x", json!({})).await;
    assert!(
        matches!(&lost, Err(SendFailure::Lost { reason }) if reason.contains("toolResultBytes")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn missing_credentials_are_told_of_with_what_to_configure() {
    let site = Site::start(|_| Answer::new(401)).await;
    let refused = call(&get(json!([{"bearer": []}])), &reach(&site), "x", json!({})).await.unwrap();
    let said = refused.content[0].to_value()["text"].as_str().unwrap().to_owned();
    assert!(
        said.starts_with("HTTP 401 Unauthorized; its document asks for `bearer`: ")
            && said.ends_with("\"auth\": { \"bearer\": \"${TOKEN}\" }"),
        "{said}"
    );
}

#[tokio::test]
async fn a_script_does_not_replace_what_a_person_configured() {
    let site = Site::start(|_| Answer::json("{}")).await;
    let parameters = json!([{"name": "X-Own", "in": "header"}, {"name": "X-Key", "in": "header", "required": true}, {"name": "X-Free", "in": "header"}]);
    let document = document(
        json!({"/x": {"get": {"operationId": "x", "parameters": parameters, "security": [{"header": []}]}}}),
    );
    let mut reach = with(&site, &[("header", "real")]);
    reach.headers.push(("x-own".to_owned(), "mine".to_owned()));
    value(call(&document, &reach, "x", json!({"X-Own": "theirs", "X-Key": "fake", "X-Free": "free"})).await);
    let headers = site.received().remove(0).headers;
    assert_eq!(
        (headers["x-own"].as_str(), headers["x-key"].as_str(), headers["x-free"].as_str()),
        ("mine", "real", "free")
    );
}
