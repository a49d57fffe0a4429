//! The condition of a rule: a CEL expression, read once, in the parts that `&&` joins. Parts that speak of names only
//! are worked out once for each name; the others for each operation, if there is not too much to work on.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use cel::{
    Context, Env, ExecutionError, Value,
    common::{
        ast::{Expr, IdedExpr, operators},
        types::{self, CelBool, CelString},
        value::CowVal,
    },
};
use regex::{Regex, RegexBuilder};

use super::{
    bounds::{self, Extent, Unbounded},
    comparison::Comparison,
    variables::{OF_NAME, Variables},
};

/// Bytes of an expression at most.
const BYTES: usize = 4_096;
/// Bytes that a compiled regular expression may take.
const REGEX_BYTES: usize = 256 << 10;
/// Steps that one condition may cost: nodes, as often as loops repeat them, each going through 64 bytes at a time.
const STEPS: u64 = 2_000_000;

/// Bytes of arguments that a condition works on at most.
const WORKED_ON: u64 = 1 << 20;
const TOO_MUCH: &str = "there is too much in the arguments for it";

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(super) struct BadCondition {
    /// What, with the line and column of the expression.
    pub(super) what: String,
    /// What to do about it.
    pub(super) hint: String,
}

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    No,
    /// It cannot be worked out, for this reason.
    Unclear(String),
}

#[derive(Debug)]
pub(super) struct Condition {
    of_name: Vec<IdedExpr>,
    others: Vec<IdedExpr>,
    /// Those of the others that are comparisons.
    comparisons: Vec<Comparison>,
    extent: Extent,
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    let text = || types::STRING_TYPE;
    let added = environment.add_member_overload("matches", "matches_text", text(), vec![text()], matches);
    added
        .and_then(|()| environment.add_overload("matches", "matches_texts", vec![text(), text()], matches))
        .expect("without the library's regular expressions there is no such function");
    Arc::new(environment)
});

/// The regular expressions of all rules that were read, by their text. Only these can be matched.
static PATTERNS: LazyLock<RwLock<HashMap<String, Regex>>> = LazyLock::new(RwLock::default);

impl Condition {
    pub(super) fn read(text: &str) -> Result<Self, BadCondition> {
        if text.len() > BYTES {
            let what = format!("the expression has more than {BYTES} bytes");
            return Err(BadCondition { what, hint: "split it into several rules".to_owned() });
        }
        let program = ENVIRONMENT.compile(text).map_err(|errors| {
            let first = errors.errors.first();
            let place = first.map_or_else(String::new, |error| at(error.pos.0, error.pos.1));
            let message = first.map_or("it cannot be read", |error| error.msg.as_str());
            let hint = if message.ends_with(": namespace") { "write `ns`" } else { EXAMPLE };
            BadCondition { what: format!("{place}{}", one_line(message)), hint: hint.to_owned() }
        })?;
        let mut patterns = Vec::new();
        let extent = bounds::measure(program.expression(), &mut patterns).map_err(|unbounded| {
            let Unbounded { node, what, hint } = unbounded;
            let offset = program.source_info().offset_for(node).map_or(0, |(start, _)| start as usize);
            let place = at_offset(text, offset);
            BadCondition { what: format!("{place}{what}"), hint }
        })?;
        for pattern in patterns {
            remember(pattern)?;
        }
        let mut parts = Vec::new();
        conjuncts(program.expression(), &mut parts);
        let says_of_name_only =
            |part: &IdedExpr| part.references().variables().iter().all(|name| OF_NAME.contains(name));
        let (of_name, others): (_, Vec<_>) = parts.into_iter().partition(says_of_name_only);
        let comparisons = others.iter().filter_map(Comparison::of).collect();
        Ok(Self { of_name, others, comparisons, extent })
    }

    /// Whether it looks at more than names.
    pub(super) fn looks_further(&self) -> bool {
        !self.others.is_empty()
    }

    /// Whether it can hold for an operation of this name.
    pub(super) fn may_hold(&self, variables: &Variables<'_>) -> bool {
        self.of_name.is_empty() || all(&self.of_name, variables) != Held::No
    }

    /// Whether it holds for this operation, of whose name it can hold.
    pub(super) fn holds(&self, variables: &Variables<'_>) -> Held {
        let of_name = if self.of_name.is_empty() { Held::Yes } else { all(&self.of_name, variables) };
        if self.others.is_empty() || of_name == Held::No {
            return of_name;
        }
        let size = variables.size();
        if size.bytes > WORKED_ON {
            return Held::Unclear(TOO_MUCH.to_owned());
        }
        let rounds = (0..self.extent.loops).fold(1, |rounds: u64, _| rounds.saturating_mul(size.values));
        let steps = rounds.saturating_mul(self.extent.nodes as u64).saturating_mul(1 + size.bytes / 64);
        if steps > STEPS {
            return Held::Unclear(TOO_MUCH.to_owned());
        }
        // One part that does not hold decides, whatever the others do.
        if self.comparisons.iter().any(|comparison| comparison.fails(variables.arguments())) {
            return Held::No;
        }
        match (of_name, all(&self.others, variables)) {
            (_, Held::No) => Held::No,
            (Held::Unclear(why), _) => Held::Unclear(why),
            (_, others) => others,
        }
    }
}

/// A condition that is right.
const EXAMPLE: &str = "for example: arguments.amount > 100 && !has(arguments.draft)";

fn at(line: isize, column: isize) -> String {
    if line <= 1 { format!("column {column}: ") } else { format!("line {line}, column {column}: ") }
}

fn at_offset(text: &str, offset: usize) -> String {
    let before: Vec<char> = text.chars().take(offset).collect();
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
    at(line as isize, column as isize)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The parts that `&&` joins: what holds of all of them holds, whatever their order.
fn conjuncts(expression: &IdedExpr, into: &mut Vec<IdedExpr>) {
    match &expression.expr {
        Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
            call.args.iter().for_each(|part| conjuncts(part, into));
        }
        _ => into.push(expression.clone()),
    }
}

/// As `&&` does: one that does not hold decides, whatever cannot be worked out beside it.
fn all(parts: &[IdedExpr], variables: &Variables<'_>) -> Held {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.set_variable_resolver(variables);
    let mut held = Held::Yes;
    for part in parts {
        match Value::resolve(part, &context) {
            Ok(Value::Bool(true)) => {}
            Ok(Value::Bool(false)) => return Held::No,
            Ok(_) => held = Held::Unclear("it is neither true nor false".to_owned()),
            Err(error) => held = Held::Unclear(explained(&error)),
        }
    }
    held
}

/// An error without the values in it: they are hostile and may be long.
fn explained(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{}`; `has(…)` asks for it first", short(key)),
        ExecutionError::NoSuchOverload(overload) => {
            let types = overload.argument_types().join(" and ");
            format!("`{}` does not work on {types}", overload.function())
        }
        ExecutionError::UnexpectedType { got, want } => format!("expected {want}, got {got}"),
        ExecutionError::ValuesNotComparable(..) => "two values cannot be compared".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no such element".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "it divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number became too large".to_owned(),
        ExecutionError::FunctionError { function, .. } => format!("`{function}` cannot be applied"),
        _ => "its values do not fit".to_owned(),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

fn remember(pattern: String) -> Result<(), BadCondition> {
    let mut patterns = PATTERNS.write().unwrap_or_else(PoisonError::into_inner);
    if patterns.contains_key(&pattern) {
        return Ok(());
    }
    // A linear engine; what it may take is bounded while it is made.
    let made = RegexBuilder::new(&pattern).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES).build();
    let made = made.map_err(|error| BadCondition {
        what: format!(
            "`{}` is no regular expression: {}",
            short(&pattern),
            one_line(&last_line(&error.to_string()))
        ),
        hint: "patterns have no look-around and no back-references".to_owned(),
    })?;
    patterns.insert(pattern, made);
    Ok(())
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// `text.matches("pattern")`, of patterns that were made when their rule was read.
#[expect(clippy::needless_pass_by_value, reason = "the library's functions take their arguments so")]
fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let texts: Option<Vec<&str>> =
        arguments.iter().map(|one| one.downcast_ref::<CelString<'_>>().map(CelString::inner)).collect();
    let patterns = PATTERNS.read().unwrap_or_else(PoisonError::into_inner);
    let found = match texts.as_deref() {
        Some([text, pattern]) => patterns.get(*pattern).map(|pattern| pattern.is_match(text)),
        _ => None,
    };
    let found = found.ok_or_else(|| ExecutionError::function_error("matches", "it takes two texts"))?;
    Ok(CowVal::owned(CelBool::from(found)))
}
