//! Documents in several files and at several addresses: what is read, and what is not, whoever asks for it.

use std::{os::unix::fs::symlink, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::{
    api::tests::site::{Answer, Site},
    examine,
    load::load,
    spec::Reach,
};

fn near(folders: &[&Path], origins: &[Url]) -> References {
    References::Near {
        folders: folders.iter().map(|folder| (*folder).to_owned()).collect(),
        origins: origins.to_vec(),
    }
}

fn write(folder: &Path, files: &[(&str, Value)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }
}

async fn loaded(source: &Source, references: &References) -> Arc<Document> {
    load(source, None, false, references).await.unwrap()
}

/// Input and output schemas of the tools, and the losses.
fn listed(document: Arc<Document>) -> (Vec<(Value, Value)>, Vec<String>) {
    let reach = Reach::new(Source::File("unused".into()), Url::parse("https://api.example").unwrap());
    let (listing, losses) = examine::listing(document, &reach).unwrap();
    let schema = |schema: Option<Arc<Value>>| schema.map(|schema| Value::clone(&schema)).unwrap_or_default();
    let tools = listing.tools.iter().map(|tool| (schema(tool.input()), schema(tool.output())));
    (tools.collect(), losses.iter().map(ToString::to_string).collect())
}

fn several() -> [(&'static str, Value); 5] {
    let json = |schema: Value| json!({"200": {"content": {"application/json": {"schema": schema}}}});
    [
        (
            "openapi.json",
            json!({
                "openapi": "3.1.0",
                "components": {"parameters": {"Limit": {"name": "limit", "in": "query", "schema": {"type": "integer"}}}},
                "paths": {"/pets": {"$ref": "./paths/pets%20all.json"}, "/toys": {"$ref": "paths/more.json#/toys~1all"}},
            }),
        ),
        (
            "paths/pets all.json",
            json!({"get": {
                "operationId": "list_pets",
                "parameters": [{"$ref": "../openapi.json#/components/parameters/Limit"}],
                "responses": json(json!({"$ref": "../schemas/pet.json"})),
            }}),
        ),
        (
            "paths/more.json",
            json!({"toys/all": {"get": {
                "operationId": "list_toys",
                "parameters": [{"$ref": "#/colour"}],
                "responses": json(json!({"$ref": "../schemas/toy.json#/components/schemas/Toy"})),
            }}, "colour": {"name": "colour", "in": "query", "schema": {"type": "string"}}}),
        ),
        (
            "schemas/pet.json",
            json!({"type": "object", "properties": {
                "name": {"type": "string"},
                "toys": {"type": "array", "items": {"$ref": "toy.json#/components/schemas/Toy"}},
                "parent": {"$ref": "#"},
            }}),
        ),
        (
            "schemas/toy.json",
            json!({"components": {"schemas": {"Toy": {"type": "object", "properties": {
                "sound": {"const": "squeak"}, "owner": {"$ref": "pet.json"},
            }}}}}),
        ),
    ]
}

#[tokio::test]
async fn a_document_in_several_files_is_one_once_a_person_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &several());
    let source = Source::File(folder.path().join("openapi.json"));
    let (tools, losses) = listed(loaded(&source, &near(&[], &[])).await);
    assert_eq!(losses, Vec::<String>::new());
    let [(pets, pet), (toys, toy)] = &tools[..] else { panic!("{tools:?}") };
    assert_eq!(pets["properties"]["limit"]["type"], "integer");
    assert_eq!(toys["properties"]["colour"]["type"], "string");
    for (schema, name) in [(pet, "pet"), (toy, "toy")] {
        let text = schema.to_string();
        assert!(text.contains("squeak") && text.contains("\"parent\""), "{name}: {text}");
    }

    let (tools, losses) = listed(loaded(&source, &References::Unread).await);
    assert_eq!(tools, []);
    let told = losses.join("\n");
    for says in [
        "/pets: it refers to another document, which is not read",
        "./paths/pets%20all.json, paths/more.json: no other document is read unless that is asked for: --references",
        "(2 references) is any value, and its paths and parameters are left out",
    ] {
        assert!(told.contains(says), "{told}");
    }
}

#[tokio::test]
async fn nothing_outside_the_documents_folder_is_read_unless_it_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (folder, outside) = (home.path().join("api"), home.path().join("outside"));
    write(&outside, &[("schema.json", json!({"const": "s3cret"}))]);
    let hidden = outside.join("schema.json").display().to_string();
    let property = |reference: &str| json!({"$ref": reference});
    let references = [
        "../outside/schema.json".to_owned(),
        "link.json".to_owned(),
        "folder/schema.json".to_owned(),
        "%2e%2e/outside/schema.json".to_owned(),
        hidden.clone(),
        format!("file://{hidden}"),
        format!("file://elsewhere.example{hidden}"),
        ".".to_owned(),
        "gone.json".to_owned(),
        "https://elsewhere.example/schema.json".to_owned(),
        "//elsewhere.example/schema.json".to_owned(),
        "ftp://elsewhere.example/schema.json".to_owned(),
        "data:application/json,%7B%7D".to_owned(),
        "broken.json".to_owned(),
    ];
    let properties: serde_json::Map<String, Value> = references
        .iter()
        .enumerate()
        .map(|(at, reference)| (format!("p{at}"), property(&format!("{reference}#"))))
        .collect();
    let schema = json!({"type": "object", "properties": properties});
    let responses = json!({"200": {"content": {"application/json": {"schema": schema}}}});
    write(
        &folder,
        &[("openapi.json", json!({"openapi": "3.1.0", "paths": {"/x": {"get": {"responses": responses}}}}))],
    );
    fs::write(folder.join("broken.json"), "{\"a\": [}").unwrap();
    symlink(&hidden, folder.join("link.json")).unwrap();
    symlink(&outside, folder.join("folder")).unwrap();
    let source = Source::File(folder.join("openapi.json"));
    let (tools, losses) = listed(loaded(&source, &near(&[], &[])).await);
    assert!(!tools[0].1.to_string().contains("s3cret"), "{tools:?}");
    let told = losses.join("\n");
    for says in [
        "../outside/schema.json, folder/schema.json, link.json: it lies outside the document's folder",
        "it is no file of this machine",
        "gone.json: No such file",
        "https://elsewhere.example/schema.json: it lies elsewhere, and is read only if that is named",
        "`ftp` addresses are not read",
        "`data` addresses are not read",
        "broken.json: it is neither JSON nor YAML",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let (tools, _) = listed(loaded(&source, &near(&[&outside], &[])).await);
    assert!(tools[0].1.to_string().contains("s3cret"), "{tools:?}");
}

#[tokio::test]
async fn number_and_distance_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let paths: serde_json::Map<String, Value> =
        (0..30).map(|n| (format!("/{n}"), json!({"$ref": format!("many/{n}.json")}))).collect();
    let many = json!({"openapi": "3.1.0", "paths": paths});
    write(folder.path(), &[("many.json", many.clone())]);
    for n in 0..30 {
        write(folder.path(), &[(&*format!("many/{n}.json"), json!({"get": {}}))]);
    }
    let source = Source::File(folder.path().join("many.json"));
    let nearby = Near::of(&source, &near(&[], &[]), None, false).unwrap().unwrap();
    let gathered = Near { most: 20, ..nearby }.gather(many.to_string()).await.unwrap();
    let (tools, losses) = listed(Arc::new(gathered.document().unwrap()));
    assert_eq!(tools.len(), 20);
    assert!(losses.iter().any(|loss| loss.contains("more than 20 documents are not read")), "{losses:?}");

    let far = |n: usize| json!({"get": {"responses": {}}, "x-next": {"$ref": format!("{}.json", n + 1)}});
    write(
        folder.path(),
        &[("far.json", json!({"openapi": "3.1.0", "paths": {"/x": {"$ref": "far/1.json"}}}))],
    );
    for n in 1..FARTHEST + 5 {
        write(folder.path(), &[(&*format!("far/{n}.json"), far(n))]);
    }
    let (tools, losses) =
        listed(loaded(&Source::File(folder.path().join("far.json")), &near(&[], &[])).await);
    assert_eq!(tools.len(), 1);
    assert!(
        losses.len() == 1 && losses[0].starts_with("far/21.json: more than 20 documents lie between"),
        "{losses:?}"
    );
}

#[tokio::test]
async fn from_an_address_only_its_own_origin_is_read_and_what_is_named() {
    let schema = |site: &str| json!({"$ref": format!("{site}schema.json")});
    let document = |references: &[Value]| {
        let responses = json!({"200": {"content": {"application/json": {"schema": {"allOf": references}}}}});
        json!({"openapi": "3.1.0", "paths": {"/x": {"get": {"responses": responses}}}}).to_string()
    };
    let other = Site::start(|_| Answer::json("{\"const\": \"theirs\"}")).await;
    let away = other.url("/").to_string();
    let answer = document(&[schema(""), schema("moved/"), schema(&away), schema("file:///etc/")]);
    let site = Site::start(move |asked| match asked.target.as_str() {
        "/openapi.json" => Answer::json(&answer),
        "/schema.json" => Answer::json("{\"const\": \"ours\"}"),
        "/moved/schema.json" => Answer::new(302).with("location", &format!("{away}schema.json")),
        _ => Answer::new(404),
    })
    .await;
    let source = Source::Address(site.url("/openapi.json"));
    let (tools, losses) = listed(loaded(&source, &near(&[], &[])).await);
    let told = losses.join("\n");
    assert!(tools[0].1.to_string().contains("ours"), "{tools:?}");
    assert_eq!(other.received().len(), 0);
    for says in ["moved/schema.json: read", "it redirects to", "it lies elsewhere", "is from elsewhere"] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let (tools, _) = listed(loaded(&source, &near(&[Path::new("/etc")], &[other.url("/")])).await);
    assert!(tools[0].1.to_string().contains("theirs"), "{tools:?}");
    assert_eq!(other.received().len(), 2);
    // Nobody asked for any of it.
    let before = site.received().len();
    loaded(&source, &References::Unread).await;
    assert_eq!((site.received().len(), other.received().len()), (before + 1, 2));
}

#[tokio::test]
async fn what_was_fetched_leads_to_no_file_also_where_the_first_document_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let secret = Url::from_file_path(folder.path().join("secret.json")).unwrap();
    let answer = json!({"allOf": [{"$ref": secret.as_str()}, {"const": "theirs"}]}).to_string();
    let site = Site::start(move |_| Answer::json(&answer)).await;
    let schema = json!({"$ref": site.url("/schema.json").as_str()});
    let responses = json!({"200": {"content": {"application/json": {"schema": schema}}}});
    let document = json!({"openapi": "3.1.0", "paths": {"/x": {"get": {"responses": responses}}}});
    write(folder.path(), &[("openapi.json", document), ("secret.json", json!({"const": "mine"}))]);
    let source = Source::File(folder.path().join("openapi.json"));
    let references = near(&[folder.path()], &[site.url("/")]);
    let (tools, losses) = listed(loaded(&source, &references).await);
    let shown = tools[0].1.to_string();
    assert!(shown.contains("theirs") && !shown.contains("mine"), "{shown}");
    assert!(losses.join("\n").contains("refers to it is from elsewhere"), "{losses:?}");
}
