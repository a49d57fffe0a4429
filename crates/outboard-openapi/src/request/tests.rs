//! Arguments to requests, case by case: what is sent where, and what is never sent.

use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::operation::outlines;

const BASE: &str = "https://api.example.com/v1/";

fn build_of(document: &Value, arguments: &Value) -> Result<Request, Unsendable> {
    let document = Document::parse(document.to_string().into_bytes()).unwrap();
    let (outlines, losses) = outlines(&document);
    assert_eq!(losses, []);
    let operation = outlines[0].operation(&document);
    let base = Url::parse(BASE).unwrap();
    build(&document, &operation, &base, arguments.as_object().unwrap(), &|_, _| false)
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better without a borrow")]
fn with(path: &str, parameters: Value) -> Value {
    json!({"openapi": "3.0.3", "paths": {path: {"get": {"parameters": parameters}}}})
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better without a borrow")]
fn with_body(content: Value) -> Value {
    json!({"openapi": "3.1.0", "paths": {"/x": {"post": {"requestBody": {"content": content}}}}})
}

fn address(document: &Value, arguments: &Value) -> String {
    match build_of(document, arguments) {
        Ok(request) => request.url.as_str().strip_prefix(BASE).unwrap_or("elsewhere").to_owned(),
        Err(Unsendable(reason)) => format!("! {reason}"),
    }
}

#[test]
fn path_parameters_are_written_in_their_style() {
    let array = json!(["blue", "black"]);
    let object = json!({"R": 100, "G": 200});
    // The table "Style Examples" of the specification.
    for (style, explode, value, expected) in [
        ("simple", false, &json!("blue"), "blue"),
        ("simple", false, &array, "blue,black"),
        ("simple", false, &object, "R,100,G,200"),
        ("simple", true, &object, "R=100,G=200"),
        ("label", false, &json!("blue"), ".blue"),
        ("label", false, &array, ".blue,black"),
        ("label", true, &array, ".blue.black"),
        ("label", false, &object, ".R,100,G,200"),
        ("label", true, &object, ".R=100.G=200"),
        ("matrix", false, &json!("blue"), ";color=blue"),
        ("matrix", false, &array, ";color=blue,black"),
        ("matrix", true, &array, ";color=blue;color=black"),
        ("matrix", false, &object, ";color=R,100,G,200"),
        ("matrix", true, &object, ";R=100;G=200"),
    ] {
        let parameter =
            json!([{"name": "color", "in": "path", "required": true, "style": style, "explode": explode}]);
        let address = address(&with("/x/{color}", parameter), &json!({"color": value}));
        assert_eq!(address, format!("x/{expected}"), "{style} {explode} {value}");
    }
}

#[test]
fn query_parameters_are_written_in_their_style() {
    let array = json!(["blue", "a,b"]);
    let object = json!({"R": 100, "G": {"x": [1, 2]}});
    for (parameter, value, expected) in [
        (json!({}), &json!("a b&c=d#e+f/ü"), "color=a%20b%26c%3Dd%23e%2Bf%2F%C3%BC"),
        (json!({}), &array, "color=blue&color=a%2Cb"),
        (json!({"explode": false}), &array, "color=blue,a%2Cb"),
        (json!({"style": "spaceDelimited", "explode": false}), &array, "color=blue%20a%2Cb"),
        (json!({"style": "pipeDelimited", "explode": false}), &array, "color=blue%7Ca%2Cb"),
        (json!({}), &object, "R=100&G=%7B%22x%22%3A%5B1%2C2%5D%7D"),
        (json!({"explode": false}), &json!({"R": 1}), "color=R,1"),
        (
            json!({"style": "deepObject"}),
            &object,
            "color%5BR%5D=100&color%5BG%5D%5Bx%5D%5B0%5D=1&color%5BG%5D%5Bx%5D%5B1%5D=2",
        ),
        (json!({"content": {"application/json": {}}}), &json!({"a": 1}), "color=%7B%22a%22%3A1%7D"),
        (json!({"allowReserved": true}), &json!("/a?b=c&d#e+f"), "color=/a?b=c%26d%23e%2Bf"),
        (json!({}), &json!(true), "color=true"),
        (json!({}), &json!(""), "color="),
        (json!({}), &json!([]), ""),
        (json!({}), &json!(null), ""),
    ] {
        let mut whole = json!({"name": "color", "in": "query"});
        whole.as_object_mut().unwrap().extend(parameter.as_object().unwrap().clone());
        let address = address(&with("/x", json!([whole])), &json!({"color": value}));
        let expected = if expected.is_empty() { "x".to_owned() } else { format!("x?{expected}") };
        assert_eq!(address, expected, "{parameter} {value}");
    }
}

#[test]
fn swagger_collections_are_the_styles_that_they_were() {
    for (format, expected) in [
        (None, "c=a,b"),
        (Some("csv"), "c=a,b"),
        (Some("ssv"), "c=a%20b"),
        (Some("tsv"), "c=a%09b"),
        (Some("pipes"), "c=a%7Cb"),
        (Some("multi"), "c=a&c=b"),
    ] {
        let mut parameter = json!({"name": "c", "in": "query", "type": "array", "items": {"type": "string"}});
        if let Some(format) = format {
            parameter["collectionFormat"] = format.into();
        }
        let document = json!({"swagger": "2.0", "paths": {"/x": {"get": {"parameters": [parameter]}}}});
        assert_eq!(address(&document, &json!({"c": ["a", "b"]})), format!("x?{expected}"), "{format:?}");
    }
}

#[test]
fn a_value_never_leaves_its_part_of_the_path() {
    let document = with("/a/{id}/b", json!([{"name": "id", "in": "path", "required": true}]));
    for value in ["a b", "a%b", "a?b", "a#b", "a;b", "ä", "a:b", "...", ".a", "a..b", "@x", "a&b=c"] {
        let address = address(&document, &json!({"id": value}));
        let segment = address.strip_prefix("a/").and_then(|rest| rest.strip_suffix("/b"));
        let decoded = segment
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned());
        assert_eq!(decoded.as_deref(), Some(value), "{address}");
    }
    for value in [
        "",
        ".",
        "..",
        "a/b",
        "/",
        "../x",
        "..\\x",
        "a\\b",
        "%2e%2e",
        "%2E.",
        "%2e",
        "a%2fb",
        "a%2Fb",
        "%252e%252e",
        "%252f",
        "a%5cb",
        "..%2f",
        "a\r\nb",
        "a%0d%0ab",
        "\0",
        "a%00",
        "\u{7f}",
    ] {
        let address = address(&document, &json!({"id": value}));
        assert!(address.starts_with("! `id` "), "{value:?}: {address}");
    }
    assert!(address(&document, &json!({"id": []})).starts_with("! "));
    assert!(address(&document, &json!({"id": ["..", "a"]})).starts_with("! "));
    assert!(address(&document, &json!({})).starts_with("! `id` is missing"));
    // What is harmless by itself may not become harmful together.
    let parameters = json!([
        {"name": "a", "in": "path", "required": true}, {"name": "b", "in": "path", "required": true, "style": "label"}
    ]);
    assert_eq!(address(&with("/x/{a}{b}", parameters.clone()), &json!({"a": "y", "b": "z"})), "x/y.z");
    let label = json!([{"name": "b", "in": "path", "required": true, "style": "label"}]);
    assert_eq!(address(&with("/x/.{b}/y", label.clone()), &json!({"b": "z"})), "x/..z/y");
    assert!(address(&with("/x/{b}", label), &json!({"b": "."})).starts_with("! "));
}

#[test]
fn several_segments_are_for_those_whose_document_says_so() {
    let document =
        with("/c/{path}", json!([{"name": "path", "in": "path", "required": true, "x-multi-segment": true}]));
    assert_eq!(address(&document, &json!({"path": "src/a b.rs"})), "c/src/a%20b.rs");
    for value in ["../x", "a/../b", "a/./b", "a//b", "/a", "a/", "a%2fb", "a/%2e%2e/b", "a\\b", ".."] {
        assert!(address(&document, &json!({"path": value})).starts_with("! "), "{value}");
    }
}

#[test]
fn headers_and_cookies_cannot_be_split_or_taken_over() {
    let parameters = json!([
        {"name": "X-Trace", "in": "header"}, {"name": "Authorization", "in": "header"}, {"name": "Host", "in": "header"},
        {"name": "session", "in": "cookie"}, {"name": "X-List", "in": "header"}
    ]);
    let document = with("/x", parameters);
    let arguments = json!({
        "X-Trace": "abc", "Authorization": "mine", "Host": "evil", "session": "a; b=c", "X-List": [1, 2]
    });
    let request = build_of(&document, &arguments).unwrap();
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(headers, [("x-trace", "abc"), ("x-list", "1,2")]);
    assert_eq!(request.cookies, ["session=a%3B%20b%3Dc"]);
    for value in ["a\r\nEvil: 1", "a\nb", "a\0b", "ü"] {
        let refused = build_of(&document, &json!({"X-Trace": value}));
        assert!(
            refused.is_err_and(|Unsendable(reason)| reason.contains("`X-Trace` is a header")),
            "{value:?}"
        );
    }
}

#[test]
fn bodies_are_written_by_their_media_type() {
    let file = json!({"base64": "AAH/", "filename": "a\"\r\nb.bin", "contentType": "image/png"});
    for (content, arguments, kind, expected) in [
        (
            json!({"application/json": {}}),
            json!({"body": {"a": [1, null]}}),
            "application/json",
            "{\"a\":[1,null]}",
        ),
        (
            json!({"application/x-www-form-urlencoded": {}, "application/json": {}}),
            json!({"body": {"a": 1}}),
            "application/json",
            "{\"a\":1}",
        ),
        (
            json!({"application/x-www-form-urlencoded": {}, "application/json": {}}),
            json!({"body": {"a b": "c&d", "e": [1, 2], "n": null}, "contentType": "application/x-www-form-urlencoded"}),
            "application/x-www-form-urlencoded",
            "a%20b=c%26d&e=1&e=2",
        ),
        (
            json!({"application/x-www-form-urlencoded": {"encoding": {"m": {"style": "deepObject"}, "c": {"explode": false, "style": "form"}}}}),
            json!({"body": {"m": {"k": {"l": 1}}, "c": [1, 2], "o": {"p": 1}}}),
            "application/x-www-form-urlencoded",
            "m%5Bk%5D%5Bl%5D=1&c=1,2&o=%7B%22p%22%3A1%7D",
        ),
        (json!({"text/plain": {}}), json!({"body": "a\nb"}), "text/plain", "a\nb"),
        (json!({"application/xml": {}}), json!({"body": "<a/>"}), "application/xml", "<a/>"),
        (
            json!({"application/octet-stream": {}}),
            json!({"body": {"base64": "QUI="}}),
            "application/octet-stream",
            "AB",
        ),
        (json!({"application/octet-stream": {}}), json!({"body": "AB"}), "application/octet-stream", "AB"),
        (
            json!({"image/png": {}}),
            json!({"body": {"type": "image", "data": "QUI=", "mimeType": "image/png"}}),
            "image/png",
            "AB",
        ),
        (json!({"*/*": {}}), json!({"body": [1]}), "application/json", "[1]"),
        (
            json!({"application/merge-patch+json": {}}),
            json!({"body": {"a": null}}),
            "application/merge-patch+json",
            "{\"a\":null}",
        ),
    ] {
        let body = build_of(&with_body(content.clone()), &arguments).unwrap().body.unwrap();
        let written = (body.content_type.as_str(), String::from_utf8_lossy(&body.bytes).into_owned());
        assert_eq!(written, (kind, expected.to_owned()), "{content}");
    }
    let schema = json!({"properties": {
        "f": {"type": "string", "format": "binary"}, "fs": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "meta": {"type": "object"}, "n": {"type": "integer"}
    }});
    let document = with_body(json!({"multipart/form-data": {"schema": schema}}));
    let arguments = json!({"body": {"f": file, "fs": ["one", {"text": "two"}], "meta": {"a": 1}, "n": 3, "x\"\r\ny": "z"}});
    let body = build_of(&document, &arguments).unwrap().body.unwrap();
    let boundary = body.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let text = String::from_utf8_lossy(&body.bytes).replace(boundary, "B");
    let expected = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%22%0D%0Ab.bin\"\r\nContent-Type: image/png\r\n\r\n\0\u{1}\u{fffd}\r\n\
        --B\r\nContent-Disposition: form-data; name=\"fs\"; filename=\"fs\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\none\r\n\
        --B\r\nContent-Disposition: form-data; name=\"fs\"; filename=\"fs\"\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
        --B\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n\
        --B\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n3\r\n\
        --B\r\nContent-Disposition: form-data; name=\"x%22%0D%0Ay\"\r\n\r\nz\r\n--B--\r\n";
    assert_eq!(text, expected);
    // The document's type of a file holds unless the file says another.
    let encoding = json!({"f": {"contentType": "image/png, image/jpeg"}});
    let schema = json!({"properties": {"f": {"type": "string", "format": "binary"}}});
    let document = with_body(json!({"multipart/form-data": {"schema": schema, "encoding": encoding}}));
    for (file, kind) in [
        (json!({"base64": ""}), "image/png"),
        (json!({"base64": "", "contentType": "image/gif"}), "image/gif"),
        (json!("text"), "image/png"),
    ] {
        let body = build_of(&document, &json!({"body": {"f": file}})).unwrap().body.unwrap();
        let text = String::from_utf8_lossy(&body.bytes).into_owned();
        assert!(text.contains(&format!("\r\nContent-Type: {kind}\r\n")), "{text}");
    }
}

#[test]
fn what_is_no_body_says_what_it_should_be() {
    for (content, body, says) in [
        (json!({"application/octet-stream": {}}), json!({"base64": "?"}), "is no Base64"),
        (json!({"application/octet-stream": {}}), json!(7), "{ base64, filename?, contentType? }"),
        (json!({"application/octet-stream": {}}), json!({}), "neither `base64` nor `text`"),
        (json!({"multipart/form-data": {}}), json!("x"), "must be an object"),
        (json!({"application/x-www-form-urlencoded": {}}), json!([1]), "must be an object"),
        (
            json!({"application/xml": {}}),
            json!({"a": 1}),
            "`body` is sent as application/xml, which is not written from",
        ),
        (json!({"application/atom+xml; charset=utf-8": {}}), json!([1]), "give it as a text"),
        (
            json!({"multipart/form-data": {"encoding": {"x": {"contentType": "text/xml"}}}}),
            json!({"x": {"a": 1}}),
            "`x` is sent as text/xml",
        ),
        (
            json!({"multipart/form-data": {"schema": {"properties": {"f": {"type": "string", "format": "binary"}}}}}),
            json!({"f": {"base64": "", "contentType": "a\r\nb: c"}}),
            "is no media type",
        ),
    ] {
        let refused = build_of(&with_body(content), &json!({"body": body}));
        assert!(
            refused.as_ref().is_err_and(|Unsendable(reason)| reason.contains(says)),
            "{says}: {refused:?}"
        );
    }
}

#[test]
fn arguments_of_one_name_are_told_apart() {
    let document = json!({"openapi": "3.0.0", "paths": {"/x/{id}": {
        "parameters": [{"name": "id", "in": "path", "required": true}],
        "post": {
            "parameters": [{"name": "id", "in": "query"}, {"name": "body", "in": "query"}, {"name": "raw", "in": "query"}],
            "requestBody": {"content": {"application/json": {}}}
        }
    }}});
    let arguments =
        json!({"id": "p", "id_query": "q", "body_query": "b", "raw": "r", "raw_": true, "body": 1});
    let request = build_of(&document, &arguments).unwrap();
    assert_eq!(request.url.as_str(), "https://api.example.com/v1/x/p?id=q&body=b&raw=r");
    assert!(request.raw && request.body.is_some_and(|body| body.bytes == b"1"));
}

proptest::proptest! {
    #[test]
    fn whatever_a_script_gives_the_request_stays_at_its_path(one: String, two: String) {
        let parameters = json!([
            {"name": "one", "in": "path", "required": true}, {"name": "two", "in": "query"}
        ]);
        let document = with("/a/{one}/b", parameters);
        if let Ok(request) = build_of(&document, &json!({"one": one, "two": two})) {
            let segments: Vec<&str> = request.url.path().split('/').collect();
            assert_eq!((segments.len(), segments[1], segments[2], segments[4]), (5, "v1", "a", "b"));
            assert_eq!(request.url.query_pairs().collect::<Vec<_>>(), [("two".into(), two.as_str().into())]);
            assert_eq!(request.url.host_str(), Some("api.example.com"));
        }
    }
}
