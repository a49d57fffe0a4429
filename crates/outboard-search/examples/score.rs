//! Scores the search on directories of tools and queries: what `cargo xtask bench search` runs.
//! Arguments: DIR [--json] [--even | --all] [--without PART] [--with PART].

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people at the desk")]

use std::{collections::BTreeMap, path::Path, time::Instant};

use outboard_search::{Document, Index, Key, Parts};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Collection {
    name: String,
    tools: Vec<Tool>,
    queries: Vec<Query>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tool {
    id: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    server: String,
    #[serde(default)]
    input_schema: Value,
}

#[derive(Deserialize)]
struct Query {
    id: Value,
    q: String,
    rel: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Half {
    Odd,
    Even,
    All,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut directory, mut json, mut half, mut parts) = (None, false, Half::Odd, Parts::default());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--even" => half = Half::Even,
            "--all" => half = Half::All,
            "--without" | "--with" => {
                let name = arguments.next().unwrap_or_default();
                assert!(parts.switch(&name, argument == "--with"), "no part `{name}`: {:?}", Parts::NAMES);
            }
            _ => directory = Some(argument),
        }
    }
    let directory = directory.expect("a directory");
    let mut files: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
        let report = score(file, half, parts);
        if json { println!("{report}") } else { println!("{}", line(&report)) }
    }
}

fn score(file: &Path, half: Half, parts: Parts) -> Value {
    let collection: Collection = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let started = Instant::now();
    let mut index = Index::new();
    let mut ids = BTreeMap::new();
    for tool in &collection.tools {
        let key = Key::new(&tool.server, &tool.name);
        ids.insert(key.clone(), tool.id.as_str());
        index.put(key, &document(tool));
    }
    let built = started.elapsed();
    let (mut hit, mut recall) = (0.0, [0.0; 3]);
    let mut times = Vec::new();
    for query in collection
        .queries
        .iter()
        .filter(|query| half == Half::All || is_even(&query.id) == (half == Half::Even))
    {
        let started = Instant::now();
        let found = index.search_with(&query.q, 10, parts);
        times.push(started.elapsed().as_secs_f64() * 1e6);
        let found: Vec<&str> = found.iter().map(|hit| ids[&hit.key]).collect();
        let relevant = |id: &&&str| query.rel.iter().any(|rel| rel == **id);
        hit += f64::from(u8::from(found.iter().take(1).filter(relevant).count() > 0));
        for (at, k) in [1, 5, 10].into_iter().enumerate() {
            recall[at] += found.iter().take(k).filter(relevant).count() as f64 / query.rel.len() as f64;
        }
    }
    let n = times.len().max(1) as f64;
    times.sort_by(f64::total_cmp);
    let percent = |sum: f64| (1000.0 * sum / n).round() / 10.0;
    json!({
        "name": collection.name, "tools": collection.tools.len(), "queries": times.len(),
        "hit_at_1": percent(hit), "recall_at_1": percent(recall[0]), "recall_at_5": percent(recall[1]),
        "recall_at_10": percent(recall[2]), "built_ms": built.as_secs_f64() * 1e3,
        "us_p50": times.get(times.len() / 2).copied().unwrap_or_default(),
        "us_mean": times.iter().sum::<f64>() / n,
    })
}

fn line(report: &Value) -> String {
    format!(
        "{:16} {:5} tools {:5} queries  hit@1 {:5}  recall@1/5/10 {:5} {:5} {:5}  {:.0} µs/query (p50 {:.0})  built in {:.0} ms",
        report["name"].as_str().unwrap_or_default(),
        report["tools"].as_u64().unwrap_or_default(),
        report["queries"].as_u64().unwrap_or_default(),
        report["hit_at_1"],
        report["recall_at_1"],
        report["recall_at_5"],
        report["recall_at_10"],
        report["us_mean"].as_f64().unwrap_or_default(),
        report["us_p50"].as_f64().unwrap_or_default(),
        report["built_ms"].as_f64().unwrap_or_default(),
    )
}

fn document(tool: &Tool) -> Document<'_> {
    let parameters = tool.input_schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    Document {
        title: None,
        description: tool.description.as_deref(),
        parameters: parameters
            .map(|(name, schema)| {
                (name.as_str(), schema.get("description").and_then(Value::as_str).unwrap_or_default())
            })
            .collect(),
    }
}

/// By the last number in a query's id.
fn is_even(id: &Value) -> bool {
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    id.bytes().rev().find(u8::is_ascii_digit).is_none_or(|digit| digit % 2 == 0)
}
