//! Responses to replies, case by case.

use serde_json::{Value, json};

use super::*;
use crate::{document::Document, operation::outlines};

fn operation(method: &str) -> Operation {
    let parameters = json!([
        {"name": "page", "in": "query", "schema": {"type": "integer"}}, {"name": "q", "in": "query", "schema": {"type": "string"}}
    ]);
    let document = json!({"openapi": "3.0.0", "paths": {"/x": {method: {"parameters": parameters}}}});
    let document = Document::parse(document.to_string().into_bytes()).unwrap();
    outlines(&document).0[0].operation(&document)
}

fn read(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Read {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    Read { status: StatusCode::from_u16(status).unwrap(), headers: map, body: body.to_vec() }
}

#[test]
fn a_body_is_a_value_by_its_type() {
    let image = json!({"type": "image", "data": "AAE=", "mimeType": "image/png"});
    for (kind, body, expected) in [
        ("application/json", &b"{\"a\":1}"[..], json!({"a": 1})),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf[1]", json!([1])),
        ("application/problem+json", b"7", json!(7)),
        ("application/json", b"not json", json!("not json")),
        ("application/json", b"", json!(null)),
        ("text/plain", b"123", json!("123")),
        ("text/html; charset=iso-8859-1", b"gr\xfc\xdf", json!("grüß")),
        ("text/csv", b"a,b\n1,2\n", json!("a,b\n1,2\n")),
        (
            "application/octet-stream",
            b"\x00\x01",
            json!({"base64": "AAE=", "contentType": "application/octet-stream"}),
        ),
        ("", b"{\"a\":1}", json!({"a": 1})),
        ("", b"plain", json!("plain")),
        ("", b"\xff\xfe", json!({"base64": "//4=", "contentType": "application/octet-stream"})),
        ("image/svg+xml", b"<svg/>", json!("<svg/>")),
        ("image/png", b"\x00\x01", image),
    ] {
        let reply = read(200, &[("content-type", kind)], body).reply(&operation("get"), false, None).unwrap();
        let value = match (reply.structured, &reply.content[..]) {
            (Some(value), []) => value.to_value(),
            (None, [block]) => block.to_value(),
            other => panic!("{other:?}"),
        };
        assert_eq!((value, reply.is_error), (expected, false), "{kind} {body:?}");
    }
}

#[test]
fn failures_say_status_body_and_what_to_do() {
    let failed = |status, headers: &[_], body: &[u8]| {
        let reply =
            read(status, headers, body).reply(&operation("get"), false, Some("ADVICE".to_owned())).unwrap();
        assert!(reply.is_error);
        let text = reply.content[0].to_value()["text"].as_str().unwrap().to_owned();
        (text, reply.content[1].to_value())
    };
    let (text, details) = failed(422, &[("content-type", "application/json")], b"{\"message\":\"no\"}");
    assert_eq!(text, "HTTP 422 Unprocessable Entity: {\"message\":\"no\"}");
    assert_eq!((&details["status"], &details["body"]), (&json!(422), &json!({"message": "no"})));
    let (text, _) = failed(500, &[("content-type", "text/html")], b"<html><h1>Oops</h1></html>");
    assert_eq!(text, "HTTP 500 Internal Server Error: Oops");
    let (text, _) = failed(429, &[("retry-after", "300")], b"");
    assert_eq!(text, "HTTP 429 Too Many Requests; the server asks to wait 300 s");
    assert_eq!(failed(401, &[], b"").0, "HTTP 401 Unauthorized; ADVICE");
    assert_eq!(failed(302, &[], b"").0, "HTTP 302 Found");
    let lost = read(502, &[], b"").reply(&operation("post"), false, None);
    assert!(matches!(lost, Err(SendFailure::Lost { .. })));
}

#[test]
fn the_whole_response_is_shown_without_what_is_not_the_scripts() {
    let headers = [
        ("content-type", "application/json"),
        ("set-cookie", "s=1"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("x-key", "mysecret1"),
    ];
    let reply = read(201, &headers, b"{\"key\":\"mysecret1\",\"k\":\"short\"}")
        .without(&["mysecret1".to_owned(), "short".to_owned()])
        .reply(&operation("post"), true, None)
        .unwrap();
    let expected = json!({
        "status": 201, "headers": {"content-type": "application/json", "x-a": "1, 2", "x-key": "***"},
        "next": null, "body": {"key": "***", "k": "short"}
    });
    assert_eq!(reply.structured.unwrap().to_value(), expected);
}

#[test]
fn a_secret_does_not_come_back_in_other_letters() {
    for body in ["\"se/cret+01\"", "\"se\\/cret+01\"", "\"https://h/?k=se%2Fcret%2B01&n=1\""] {
        let reply = read(200, &[("content-type", "application/json")], body.as_bytes())
            .without(&["se/cret+01".to_owned()])
            .reply(&operation("get"), false, None)
            .unwrap();
        let value = reply.structured.unwrap().to_value().to_string();
        assert!(value.contains("***") && !value.contains("cret"), "{body}: {value}");
    }
}

#[test]
fn the_next_page_is_arguments_of_the_same_operation() {
    for (links, expected) in [
        (
            &["<https://evil.example/x?page=2&q=a%20b&other=1>; rel=\"next\""][..],
            json!({"page": 2, "q": "a b"}),
        ),
        (&["</x?page=1>; rel=\"prev\", </x?page=3>; rel=\"next last\""], json!({"page": 3})),
        (&["</x?page=1>; rel=prev", "</x?page=4>; rel=next"], json!({"page": 4})),
        (&["<?page=5,6>; title=\"a, b\"; rel=next"], json!(null)),
        (&["</x?other=1>; rel=next"], json!(null)),
        (&["</x?page=2>; rel=last"], json!(null)),
        (&["nonsense, <<>; rel=next"], json!(null)),
        (&[], json!(null)),
    ] {
        let headers: Vec<(&'static str, &str)> = links.iter().map(|link| ("link", *link)).collect();
        let reply = read(200, &headers, b"[]").reply(&operation("get"), false, None).unwrap();
        assert_eq!(reply.next.map_or(Value::Null, |next| next.to_value()), expected, "{links:?}");
    }
}
