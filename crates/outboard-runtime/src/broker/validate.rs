//! Arguments against the tool's schema, before anything is sent.
//!
//! Schemas are untrusted: nothing is fetched for a `$ref`, patterns run on a linear engine, and a schema that is too
//! large, too deep, too costly for the arguments or not valid is not used (the upstream judges then).

mod cost;
mod nullable;
mod once;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jsonschema::{PatternOptions, Validator};
use outboard_script::Language;
use serde_json::Value;

use super::resolve::Target;
use crate::{
    catalogue::{self, ToolDefinition},
    ids::{ToolName, UpstreamName},
    json::Json,
    reply::{FailureCode, ToolFailure},
};

/// Bounds on a schema that is compiled: bytes as JSON text, and nesting.
const SCHEMA_BYTES: usize = 256 << 10;
const SCHEMA_DEPTH: usize = 64;
/// Bounds on its patterns, which are compiled with it: how many, and bytes that a compiled one may take.
const PATTERNS: usize = 100;
const PATTERN_BYTES: usize = 256 << 10;
/// Arguments beyond this many bytes are not validated: the upstream judges.
const ARGUMENT_BYTES: usize = 4 << 20;
/// Schemas that may judge values in one check, counted as often as they judge.
const STEPS: u64 = 2_000_000;
/// Mistakes named in one message.
const NAMED: usize = 5;
/// Arguments nested less deep than this are what tools take; what they cost is counted once.
const SHALLOW: usize = 8;
/// Levels of arguments that are written out in a script.
const WRITTEN: usize = 3;

/// Compiled schemas, one per tool, made when first needed and again when the definition changes.
#[derive(Default)]
pub(super) struct Validators {
    compiled: Mutex<HashMap<(UpstreamName, ToolName), Arc<Compiled>>>,
}

/// What is worked out of a schema, each part when it is first needed.
struct Compiled {
    tool: Arc<ToolDefinition>,
    validator: OnceLock<Option<Validator>>,
    /// [`cost::steps`] by the arguments' depth.
    steps: [OnceLock<Option<u64>>; SHALLOW],
}

impl Validators {
    /// Refuses arguments that do not fit, naming path, expected and received.
    pub(super) fn check(
        &self,
        target: &Target,
        arguments: &Json,
        language: Language,
    ) -> Result<(), ToolFailure> {
        if !arguments.as_str().starts_with('{') {
            let long = arguments.as_str().len() > ARGUMENT_BYTES;
            let why = if long { String::new() } else { in_words(target, &arguments.to_value()) };
            return Err(refused(target, language, if long { "a tool takes one object" } else { &why }));
        }
        if arguments.as_str().len() > ARGUMENT_BYTES {
            return Ok(());
        }
        let value = once::read(arguments.as_str()).map_err(|why| refused(target, language, &why))?;
        let compiled = self.compiled(target);
        if !compiled.affords(&value) {
            tracing::warn!(tool = %target.tool.name, "an input schema asks for too much work and is not checked");
            return Ok(());
        }
        let Some(validator) = compiled.validator() else { return Ok(()) };
        let errors: Vec<String> = validator.iter_errors(&value).take(NAMED).map(|e| mistake(&e)).collect();
        if errors.is_empty() {
            return Ok(());
        }
        // The words are those of the checks before a run, as far as these see what is wrong.
        let mistakes = in_words(target, &value);
        Err(refused(
            target,
            language,
            if mistakes.is_empty() { errors.join("; ") } else { mistakes }.as_str(),
        ))
    }

    fn compiled(&self, target: &Target) -> Arc<Compiled> {
        let key = (target.upstream.clone(), target.tool.name.clone());
        let mut all = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = all.get(&key)
            && Arc::ptr_eq(&compiled.tool, &target.tool)
        {
            return Arc::clone(compiled);
        }
        let tool = Arc::clone(&target.tool);
        let compiled = Arc::new(Compiled { tool, validator: OnceLock::new(), steps: Default::default() });
        all.insert(key, Arc::clone(&compiled));
        compiled
    }
}

impl Compiled {
    fn validator(&self) -> Option<&Validator> {
        self.validator.get_or_init(|| self.tool.input().as_deref().and_then(compile)).as_ref()
    }

    fn affords(&self, arguments: &Value) -> bool {
        let (depth, values) = cost::extent(arguments);
        let count = || self.tool.input().as_deref().and_then(|schema| cost::steps(schema, depth));
        let steps = self.steps.get(depth).map_or_else(count, |known| *known.get_or_init(count));
        steps.is_some_and(|steps| steps.saturating_mul(values) <= STEPS)
    }
}

/// Whether calls of a tool whose arguments do not fit its schema are refused here.
pub(crate) fn judges_arguments_of(tool: &ToolDefinition) -> bool {
    let Some(schema) = tool.input() else { return false };
    cost::steps(&schema, WRITTEN).is_some_and(|steps| steps <= STEPS / 1_000) && compile(&schema).is_some()
}

fn in_words(target: &Target, value: &Value) -> String {
    let shape = catalogue::shape(target.tool.input().as_deref());
    let mistakes = outboard_script::mistakes(&shape, &catalogue::argument(value), NAMED);
    mistakes.iter().map(|mistake| mistake.text.as_str()).collect::<Vec<_>>().join("; ")
}

fn refused(target: &Target, language: Language, why: &str) -> ToolFailure {
    ToolFailure::new(
        FailureCode::InvalidArguments,
        format!("not sent: {why}; expected {}", target.signature(language)),
    )
}

fn compile(schema: &Value) -> Option<Validator> {
    if depth_exceeds(schema, SCHEMA_DEPTH) || schema.to_string().len() > SCHEMA_BYTES {
        tracing::warn!("an input schema is too large or too deep to be checked");
        return None;
    }
    if patterns(schema) > PATTERNS {
        tracing::warn!("an input schema has too many patterns to be checked");
        return None;
    }
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    // Offline whatever features others of this library's users turn on.
    jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .build(&nullable::spelt_out(schema.clone()))
        .inspect_err(|error| tracing::warn!(%error, "an input schema cannot be used"))
        .ok()
}

/// Patterns in a schema, at most.
fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Array(items) => items.iter().map(patterns).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let own = match (key.as_str(), value) {
                    ("pattern", Value::String(_)) => 1,
                    ("patternProperties", Value::Object(named)) => named.len(),
                    _ => 0,
                };
                own + patterns(value)
            })
            .sum(),
        _ => 0,
    }
}

fn depth_exceeds(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| depth_exceeds(item, left)),
        Value::Object(members) => members.values().any(|member| depth_exceeds(member, left)),
        _ => false,
    }
}

fn mistake(error: &jsonschema::ValidationError<'_>) -> String {
    let path = error.instance_path().to_string();
    let mut text = error.to_string();
    // The instance stands in the text as it was passed; it may be long.
    if text.chars().count() > 300 {
        text = text.chars().take(300).chain("…".chars()).collect();
    }
    if path.is_empty() { text } else { format!("{path}: {text}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_that_could_cost_much_or_reach_out_are_not_compiled() {
        let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({"items": inner}));
        let many: serde_json::Map<String, Value> =
            (0..200).map(|n| (format!("p{n}"), json!({"pattern": format!("^{n}")}))).collect();
        let names: serde_json::Map<String, Value> = (0..200).map(|n| (format!("^{n}"), json!({}))).collect();
        for (schema, compiles) in [
            (json!({"properties": {"a": {"pattern": "^(a+)+$"}}}), true),
            (json!({"properties": {"a": {"pattern": "^((a{100}){100}){100}$"}}}), false),
            (json!({"properties": {"a": {"pattern": "(?=a)b"}}}), false),
            (json!({"properties": {"a": {"pattern": r"(a)\1"}}}), false),
            (json!({"properties": many}), false),
            (json!({"patternProperties": names}), false),
            (nested(20), true),
            (nested(100), false),
            (json!({"description": "x".repeat(300 << 10)}), false),
            (json!({"$ref": "https://example.com/schema.json"}), false),
            (json!({"$ref": "file:///etc/passwd"}), false),
            (json!({"$schema": "https://example.com/own", "type": "object"}), false),
            (json!({"type": 7}), false),
        ] {
            let shown: String = schema.to_string().chars().take(80).collect();
            assert_eq!(compile(&schema).is_some(), compiles, "{shown}");
        }
    }
}
