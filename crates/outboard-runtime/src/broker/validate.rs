//! Arguments against the tool's schema, before anything is sent.
//!
//! Schemas are untrusted: nothing is fetched for a `$ref`, patterns run on a linear engine, and a schema that is too
//! large, too deep, too costly for the arguments or not valid is not used (the upstream judges then).

mod cost;

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
        let value = arguments.to_value();
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
        self.validator.get_or_init(|| self.tool.input_schema.as_ref().and_then(compile)).as_ref()
    }

    fn affords(&self, arguments: &Value) -> bool {
        let (depth, values) = cost::extent(arguments);
        let count = || self.tool.input_schema.as_ref().and_then(|schema| cost::steps(schema, depth));
        let steps = self.steps.get(depth).map_or_else(count, |known| *known.get_or_init(count));
        steps.is_some_and(|steps| steps.saturating_mul(values) <= STEPS)
    }
}

/// Whether calls of a tool whose arguments do not fit its schema are refused here.
pub(crate) fn judges_arguments_of(tool: &ToolDefinition) -> bool {
    let Some(schema) = &tool.input_schema else { return false };
    cost::steps(schema, WRITTEN).is_some_and(|steps| steps <= STEPS / 1_000) && compile(schema).is_some()
}

fn in_words(target: &Target, value: &Value) -> String {
    let shape = catalogue::shape(target.tool.input_schema.as_ref());
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
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(schema)
        .inspect_err(|error| tracing::warn!(%error, "an input schema cannot be used"))
        .ok()
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
