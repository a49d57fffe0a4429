//! Documents to tools and their schemas, case by case; and documents that mean harm.

use std::time::{Duration, Instant};

use outboard_runtime::catalogue::{Listing, ToolDefinition};
use serde_json::{Value, json};
use url::Url;

use crate::{
    api::{Api, Opened},
    document::Document,
    operation::Loss,
    spec::{Pattern, Reach, Source},
};

fn reach() -> Reach {
    Reach::new(Source::File("unused".into()), Url::parse("https://api.example.com").unwrap())
}

fn opened(text: &str, reach: &Reach) -> (Listing, Vec<Loss>) {
    let document = Document::parse(text.as_bytes().to_vec()).unwrap();
    let Opened { listing, losses, .. } = Api::open(document, reach, 1 << 20).unwrap();
    (listing, losses)
}

fn tools(document: &Value) -> Vec<std::sync::Arc<ToolDefinition>> {
    let (listing, losses) = opened(&document.to_string(), &reach());
    assert_eq!(losses, []);
    listing.tools
}

fn input(document: &Value) -> Value {
    (*tools(document)[0].input().unwrap()).clone()
}

fn output(document: &Value) -> Value {
    (*tools(document)[0].output().unwrap()).clone()
}

#[expect(clippy::needless_pass_by_value, reason = "literals read better without a borrow")]
fn v3(operation: Value, schemas: Value) -> Value {
    json!({"openapi": "3.0.3", "components": {"schemas": schemas}, "paths": {"/pets/{id}": {"post": operation}}})
}

#[test]
fn an_operation_takes_its_parameters_and_its_body() {
    let operation = json!({
        "parameters": [
            {"name": "id", "in": "path", "required": true, "description": "<b>Which</b> pet", "schema": {"type": "integer"}},
            {"name": "q", "in": "query", "schema": {"type": "string", "nullable": true, "maxLength": 5, "example": "x"}},
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
    });
    let pet = json!({
        "type": "object", "required": ["id", "name"], "xml": {"name": "pet"},
        "properties": {
            "id": {"type": "integer", "readOnly": true}, "name": {"type": "string"},
            "parent": {"$ref": "#/components/schemas/Pet"},
            "kind": {"oneOf": [{"type": "string"}, {"type": "string", "format": "date"}]},
            "age": {"type": "number", "minimum": 0, "exclusiveMinimum": true},
        },
    });
    let expected = json!({
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "Which pet"},
            "q": {"type": ["string", "null"], "maxLength": 5},
            "body": {"$ref": "#/$defs/Pet"},
            "raw": {"type": "boolean", "description": "give { status, headers, body, next } instead of the body alone"},
        },
        "additionalProperties": false,
        "required": ["id", "body"],
        "$defs": {"Pet": {
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string"}, "parent": {"$ref": "#/$defs/Pet"},
                "kind": {"anyOf": [{"type": "string"}, {"type": "string", "format": "date"}]},
                "age": {"type": "number", "exclusiveMinimum": 0},
            },
        }},
    });
    assert_eq!(input(&v3(operation, json!({"Pet": pet}))), expected);
}

#[test]
fn bodies_of_several_types_and_files_say_what_they_take() {
    let content = json!({
        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Upload"}},
        "application/json": {"schema": {"type": "object"}},
    });
    let upload = json!({"required": ["file"], "properties": {
        "file": {"type": "string", "format": "binary"},
        "more": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "note": {"type": "string"},
    }});
    let schema = input(&v3(json!({"requestBody": {"content": content}}), json!({"Upload": upload})));
    assert_eq!(
        schema["properties"]["contentType"]["enum"],
        json!(["application/json", "multipart/form-data"])
    );
    let alternatives = &schema["properties"]["body"]["anyOf"];
    assert_eq!(alternatives[0], json!({"type": "object"}));
    assert_eq!(alternatives[1]["required"], json!(["file"]));
    for file in [&alternatives[1]["properties"]["file"], &alternatives[1]["properties"]["more"]["items"]] {
        assert_eq!(file["description"], "a file: a text, or { base64, filename?, contentType? }");
    }
}

#[test]
fn an_operation_gives_what_its_successes_say() {
    let pet =
        json!({"type": "object", "properties": {"name": {"type": "string"}, "secret": {"writeOnly": true}}});
    let of = |responses: Value| output(&v3(json!({"responses": responses}), json!({"Pet": pet})));
    let content = |name: &str, schema: Value| json!({"content": {name: {"schema": schema}}});
    let reference = json!({"$ref": "#/components/schemas/Pet"});
    let listed = of(
        json!({"200": content("application/json", json!({"type": "array", "items": reference})), "404": content("application/json", json!(true))}),
    );
    let expected = json!({
        "type": "array", "items": {"$ref": "#/$defs/Pet"},
        "$defs": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
    });
    assert_eq!(listed, expected);
    assert_eq!(of(json!({"204": {"description": "gone"}})), json!({"type": "null"}));
    assert_eq!(
        of(json!({"default": content("text/plain", json!({"type": "string"}))})),
        json!({"type": "string"})
    );
    assert_eq!(of(json!({})), json!({}));
    let bytes = of(json!({"200": content("image/png", json!({"type": "string", "format": "binary"}))}));
    assert_eq!(bytes["required"], json!(["base64", "contentType"]));
    let either = of(json!({"200": content("application/json", json!({"type": "integer"})), "202": {}}));
    assert_eq!(either, json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}));
}

#[test]
fn swagger_says_the_same_in_its_own_way() {
    let document = json!({
        "swagger": "2.0",
        "definitions": {"Pet": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "parameters": {"Limit": {"name": "limit", "in": "query", "type": "integer", "format": "int32"}},
        "responses": {"Pets": {"description": "x", "schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}},
        "produces": ["application/json"],
        "paths": {"/pets": {
            "get": {"parameters": [{"$ref": "#/parameters/Limit"}], "responses": {"200": {"$ref": "#/responses/Pets"}}},
            "post": {"operationId": "add", "parameters": [{"name": "pet", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Pet"}}]},
            "put": {"operationId": "up", "consumes": ["multipart/form-data"], "parameters": [
                {"name": "photo", "in": "formData", "type": "file", "required": true}, {"name": "note", "in": "formData", "type": "string"}
            ]},
        }},
    });
    let tools = tools(&document);
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["get_pets", "add", "up"]);
    assert_eq!(
        tools[0].input().unwrap()["properties"]["limit"],
        json!({"type": "integer", "format": "int32"})
    );
    assert_eq!(tools[0].output().unwrap()["items"], json!({"$ref": "#/$defs/Pet"}));
    assert_eq!(tools[1].input().unwrap()["required"], json!(["body"]));
    let up = tools[2].input().unwrap();
    assert_eq!(up["properties"]["body"]["required"], json!(["photo"]));
    assert!(up["properties"]["body"]["properties"]["photo"]["anyOf"].is_array());
}

#[test]
fn operations_have_names_that_say_what_they_are() {
    let operation = |id: Value| json!({"operationId": id});
    let document = json!({"openapi": "3.1.0", "paths": {
        "/pets": {"get": operation(json!("pets/list")), "post": operation(json!("pets/list")), "put": {}},
        "/items/{item_id}": {"get": operation(json!("read_item_items__item_id__get")), "delete": operation(json!(7))},
        "/": {"get": operation(json!(""))},
        "/a/{userId}/bC": {"patch": {}},
        "/users/": {"get": operation(json!("read_users__get"))},
        "/v2/users/": {"get": operation(json!("read_v2_users__get"))},
    }});
    let names: Vec<String> = tools(&document).iter().map(|tool| tool.name.as_str().to_owned()).collect();
    assert_eq!(
        names,
        [
            "pets/list",
            "post_pets",
            "put_pets",
            "read_item",
            "delete_items_by_item_id",
            "get_root",
            "patch_a_by_user_id_b_c",
            "read_users__get",
            "read_v2_users__get"
        ]
    );
}

#[test]
fn methods_claim_what_they_are_unless_a_person_says_otherwise() {
    let document = json!({"openapi": "3.0.0", "paths": {"/x": {
        "get": {"operationId": "g"}, "head": {"operationId": "h"}, "delete": {"operationId": "d"},
        "put": {"operationId": "u"}, "post": {"operationId": "p"}, "patch": {"operationId": "search_all"},
    }}});
    let claims = outboard_runtime::catalogue::Annotations {
        read_only_hint: Some(true),
        ..outboard_runtime::catalogue::Annotations::default()
    };
    let reach = Reach { annotations: vec![(Pattern::new("search*").unwrap(), claims)], ..reach() };
    let (listing, _) = opened(&document.to_string(), &reach);
    let claimed: Vec<_> = listing
        .tools
        .iter()
        .map(|tool| {
            (
                tool.name.as_str(),
                tool.annotations.read_only_hint,
                tool.annotations.destructive_hint,
                tool.annotations.idempotent_hint,
            )
        })
        .collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(
        claimed,
        [
            ("g", yes, no, yes),
            ("h", yes, no, yes),
            ("d", no, yes, yes),
            ("u", no, None, yes),
            ("p", no, None, no),
            ("search_all", yes, None, no)
        ]
    );
}

#[test]
fn what_is_left_out_of_a_schema_refuses_nothing() {
    let schema = json!({
        "type": "object", "not": {"pattern": "(?=x)"}, "if": {"$ref": "away.json"}, "then": {"required": ["a"]},
        "allOf": [{"$ref": "away.json"}], "unevaluatedProperties": false,
    });
    let body = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    let (listing, losses) = opened(&v3(body, json!({})).to_string(), &reach());
    let taken = listing.tools[0].input().unwrap()["properties"]["body"].clone();
    assert_eq!(taken, json!({"type": "object", "allOf": [{}]}));
    assert!(losses.len() == 1 && losses[0].reason.contains("(2 references) is any value"), "{losses:?}");
    let wide: serde_json::Map<String, Value> = (0..20_000).map(|n| (format!("p{n}"), json!({}))).collect();
    let schema = json!({"type": "object", "additionalProperties": false, "properties": wide});
    let body = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
    let taken = input(&v3(body, json!({})))["properties"]["body"].clone();
    assert!(taken.get("properties").is_some() && taken.get("additionalProperties").is_none());
}

#[test]
fn tags_choose_operations() {
    let tagged = |tag: &str| json!({"tags": [tag], "operationId": tag});
    let document =
        json!({"openapi": "3.0.0", "paths": {"/x": {"get": tagged("a"), "post": tagged("b"), "put": {}}}});
    let reach = Reach { tags: vec!["b".to_owned()], ..reach() };
    assert_eq!(opened(&document.to_string(), &reach).0.tools.len(), 1);
    let none = Reach { tags: vec!["c".to_owned()], ..reach };
    let parsed = Document::parse(document.to_string().into_bytes()).unwrap();
    assert_eq!(Api::open(parsed, &none, 1).unwrap_err(), "no operation of the document has the tag c");
}

#[test]
fn what_is_lost_is_told_with_its_reason_and_costs_nothing_else() {
    let deep = "[".repeat(300) + &"]".repeat(300);
    let text = format!(
        r##"{{"openapi": "3.0.0", "paths": {{
            "/ok": {{"get": {{}}, "x-more": 1, "summary": "s", "post": 7}},
            "nope": {{"get": {{}}}},
            "/away": {{"$ref": "other.yaml#/x"}},
            "/gone": {{"$ref": "#/paths/~1nowhere"}},
            "/self": {{"$ref": "#/paths/~1self"}},
            "/deep": {{"get": {{"x": {deep}}}}},
            "/text": "x"
        }}}}"##
    );
    let (listing, losses) = opened(&text, &reach());
    assert_eq!(listing.tools.len(), 1);
    let told: Vec<String> = losses.iter().map(Loss::to_string).collect();
    for (place, reason) in [
        ("POST /ok", "it is no object"),
        ("nope", "must begin with `/`"),
        ("/away", "another document, which is not read"),
        ("other.yaml", "no other document is read unless that is asked for"),
        ("/gone", "not in the document"),
        ("/self", "refers to itself"),
        ("GET /deep", "more than 100 levels"),
        ("/text", "it is no object"),
    ] {
        assert!(
            told.iter().any(|told| told.starts_with(place) && told.contains(reason)),
            "{place}: {told:#?}"
        );
    }
    assert_eq!(told.len(), 8);
}

/// Everything that can be made of a document is made within this, whatever it says.
fn all_made(text: &str) -> usize {
    let began = Instant::now();
    let (listing, _) = opened(text, &reach());
    let mut bytes = 0;
    for tool in &listing.tools {
        let (input, output) = (tool.input().unwrap(), tool.output().unwrap());
        assert!(!tool.input_schema.as_ref().unwrap().properties().is_empty() || tool.input().is_some());
        let (input, output) = (input.to_string().len(), output.to_string().len());
        assert!(input < 256 << 10 && output < 256 << 10, "{} {input} {output}", tool.name);
        bytes += input + output;
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    bytes
}

#[test]
fn circles_and_bombs_are_bounded() {
    let body = |reference: &str| {
        json!({"requestBody": {"content": {"application/json": {"schema": {"$ref": reference}}}},
        "responses": {"200": {"content": {"application/json": {"schema": {"$ref": reference}}}}}})
    };
    let circle = json!({"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}, "C": {"allOf": [{"$ref": "#/components/schemas/C"}]}});
    for start in ["A", "C"] {
        all_made(&v3(body(&format!("#/components/schemas/{start}")), circle.clone()).to_string());
    }
    // Each of three hundred schemas refers to all of them.
    let all: serde_json::Map<String, Value> =
        (0..300).map(|n| (format!("p{n}"), json!({"$ref": format!("#/components/schemas/S{n}")}))).collect();
    let schemas: serde_json::Map<String, Value> = (0..300)
        .map(|n| (format!("S{n}"), json!({"properties": all, "description": "d".repeat(1_000)})))
        .collect();
    all_made(&v3(body("#/components/schemas/S0"), Value::Object(schemas)).to_string());
    // References into the middle of large things, which are read again and again.
    let wide: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("w{n}"), json!({"type": "string"}))).collect();
    let into: serde_json::Map<String, Value> = (0..2_000)
        .map(|n| (format!("r{n}"), json!({"$ref": format!("#/components/schemas/Wide/properties/w{n}")})))
        .collect();
    let schemas = json!({"Wide": {"properties": wide}, "Into": {"properties": into}});
    all_made(&v3(body("#/components/schemas/Into"), schemas).to_string());
    let names: Vec<String> = (0..50_000).map(|n| format!("wide{n}")).collect();
    for hidden in [false, true] {
        let own: serde_json::Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!({"type": "string", "readOnly": hidden}))).collect();
        let wide = json!({"properties": own, "required": names, "default": names, "enum": names});
        let document = v3(body("#/components/schemas/Wide"), json!({ "Wide": wide }));
        all_made(&document.to_string());
    }
    for reference in [
        "#",
        "#/",
        "#/components",
        "#/paths/~1pets~1{id}/post",
        "#/%zz",
        "https://evil.example/x.json",
        "file:///etc/passwd",
        "",
    ] {
        all_made(&v3(body(reference), json!({})).to_string());
    }
    let many: serde_json::Map<String, Value> =
        (0..3_000).map(|n| (format!("/p{n}"), json!({"get": {"operationId": "same"}}))).collect();
    all_made(&json!({"openapi": "3.0.0", "paths": many}).to_string());
}

#[test]
fn what_is_no_description_says_so() {
    for (text, says) in [
        ("", "must be an object"),
        ("{", "neither JSON nor YAML"),
        ("[]", "must be an object"),
        ("{}", "neither `openapi` nor `swagger`"),
        ("{\"openapi\": \"4.0.0\"}", "OpenAPI `4.0.0` is not known here"),
        ("{\"swagger\": \"1.2\"}", "Swagger `1.2` is not known here"),
        ("a: [", "neither JSON nor YAML: line "),
        ("<html></html>", "no OpenAPI document"),
    ] {
        let problem = Document::parse(text.as_bytes().to_vec()).unwrap_err().to_string();
        assert!(problem.contains(says), "{text}: {problem}");
    }
    assert!(Document::parse(b"\xef\xbb\xbf{\"swagger\": \"2.0\"}".to_vec()).is_ok());
    assert!(Document::parse(b"swagger: 2.0\n".to_vec()).is_ok());
    assert!(Document::parse(b"openapi: 3.1.0\npaths:\n  /x:\n    get: {}\n".to_vec()).is_ok());
    assert!(Document::parse(vec![0xff, 0xfe]).is_err());
}
