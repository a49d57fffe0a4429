//! What is learned from results: what the observer is shown and asked, and that what it says is no more than shown.

use std::sync::{Arc, Mutex};

use outboard_declare::observed::Observed;
use outboard_runtime::{
    Language,
    catalogue::{Detail, Listing, SearchRequest, Terms, ToolDefinition},
    ids::ToolName,
    json::Json,
    policy::Labels,
    ports::observer::Observer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fakes::{Play, Setting, World, listing};

/// Notes down what it is shown, and knows one thing of every tool.
#[derive(Default)]
struct Notebook(Mutex<Vec<(String, Value)>>);

impl Observer for Notebook {
    fn saw(&self, _: u64, tool: &ToolName, value: &Json) {
        self.0.lock().unwrap().push((tool.to_string(), value.to_value()));
    }

    fn result_of(&self, _: u64, _: &ToolName) -> Option<Arc<Value>> {
        Some(Arc::new(
            json!({"type": "object", "properties": {"seen": {"type": "integer"}}, "required": ["seen"]}),
        ))
    }
}

fn observed(calls: Vec<(&'static str, &'static str, Value)>) -> (World, Arc<Notebook>) {
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, ..Setting::default() });
    let notebook = Arc::new(Notebook::default());
    world.runtime.catalogue().set_observer(Arc::clone(&notebook) as _);
    (world, notebook)
}

fn labelled(private: Option<bool>) -> Terms {
    Terms { trusted: true, labels: Labels { private, ..Labels::default() }, ..Terms::default() }
}

/// The same tools, of which `work` declares this result.
fn declaring(output: Value) -> Listing {
    let mut listing = listing();
    let work = ToolDefinition { output_schema: Some(output.into()), ..(*listing.tools[0]).clone() };
    listing.tools[0] = Arc::new(work);
    listing
}

#[tokio::test]
async fn results_are_shown_where_nothing_is_declared_and_nothing_private() {
    let calls =
        || vec![("box", "work", json!({"n": 7})), ("box", "work", json!({"n": 8, "tool_error": true}))];
    let (world, notebook) = observed(calls());
    world.run().await;
    assert_eq!(*notebook.0.lock().unwrap(), [("work".to_owned(), json!(7))]);

    for (terms, output, shown) in [
        (labelled(Some(true)), None, 0),
        (labelled(Some(false)), None, 1),
        (labelled(None), Some(json!({"type": "object", "properties": {"id": {}}})), 0),
        (labelled(None), Some(json!({"type": "object", "additionalProperties": true})), 1),
        (
            labelled(None),
            Some(json!({"type": "object", "properties": {"result": {}}, "required": ["result"]})),
            1,
        ),
    ] {
        let (world, notebook) = observed(calls());
        world.on(terms);
        if let Some(output) = &output {
            world.runtime.catalogue().publish(&"box".into(), declaring(output.clone()));
        }
        world.run().await;
        assert_eq!(notebook.0.lock().unwrap().len(), shown, "for {output:?}");
    }
}

#[tokio::test]
async fn what_was_observed_stands_in_answers_and_not_in_what_is_fixed() {
    let (world, _) = observed(Vec::new());
    let catalogue = world.runtime.catalogue();
    let asked = |query: &str, detail| {
        let request =
            SearchRequest { query: query.to_owned(), detail: Some(detail), ..SearchRequest::default() };
        catalogue.snapshot().answer(&request)
    };
    let expected = "Promise</* observed */ { seen: number }> // Does things";
    for query in ["box.work", "does things"] {
        assert!(asked(query, Detail::Signature).contains(expected), "{}", asked(query, Detail::Signature));
        assert!(asked(query, Detail::Full).contains("/* observed */"), "{}", asked(query, Detail::Full));
        assert!(!asked(query, Detail::Name).contains("observed"));
    }
    let snapshot = catalogue.snapshot();
    let python = snapshot.resolve_full("box.work").unwrap().declaration(Language::Python, Detail::Signature);
    assert!(python.contains("# result observed"), "{python}");
    let fixed = snapshot.declarations(10_000).unwrap();
    assert!(fixed.contains("work(") && !fixed.contains("seen") && !fixed.contains("observed"), "{fixed}");

    world.on(labelled(Some(true)));
    assert!(!asked("box.work", Detail::Full).contains("observed"), "it became private");
    world.on(labelled(None));
    catalogue.publish(
        &"box".into(),
        declaring(json!({"type": "object", "properties": {"declared": {"type": "string"}}})),
    );
    let text = asked("box.work", Detail::Signature);
    assert!(text.contains("{ declared?: string }") && !text.contains("observed"), "{text}");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6).prop_map(|number: f64| json!(number)),
        prop_oneof![Just("open"), Just("closed"), Just("free text"), Just("ann@example.com")]
            .prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("id"),
        Just("name"),
        Just("state"),
        Just("type"),
        Just("ann@x.org"),
        Just("line1"),
        Just("line2"),
        Just("line3"),
        Just("a b"),
        Just("total"),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Every result that was learned from is valid for what is shown, at each moment.
    #[test]
    fn what_is_shown_holds_for_every_result(results in prop::collection::vec(value(), 3..12)) {
        let mut observed = Observed::default();
        for (at, result) in results.iter().enumerate() {
            observed.learn(&result.to_string()).unwrap();
            if let Some(schema) = observed.schema() {
                for seen in &results[..=at] {
                    prop_assert!(jsonschema::is_valid(&schema, seen), "{seen} is not valid for {schema}");
                }
                let text = schema.to_string();
                for secret in ["ann", "a b", "free text"] {
                    prop_assert!(!text.contains(secret), "{text}");
                }
            }
        }
    }
}
