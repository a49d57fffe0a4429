//! One decision of a policy with 200 rules: where each rule names its tools, as people write them, and where all rules
//! look at the arguments of the same tool. It compares with nothing.

use outboard_runtime::{
    json::Json,
    operation::{Operation, ToolCall},
    policy::{Facts, Policy as _, PolicyText, RuleText, Rulebook, Standing, Word},
};

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::samples::Pair;

const RULES: usize = 200;
/// Decisions of one round: one alone is too short to be timed.
const DECISIONS: u32 = 2_000;

/// Rules that each name a tool and look at its arguments; the last is about the tool that is called.
pub(super) fn named(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let rule = |at: usize| RuleText {
        tools: Some(vec![format!("service_{}.tool_{at}", at % 10)]),
        when: Some(format!("arguments.amount > {at} && !arguments.draft")),
        verdict: Word::Allow,
        reason: None,
    };
    take(bench, measure, rule, "allow")
}

/// Rules that all look at the arguments of the tool that is called, in different ways, and of which none matches.
pub(super) fn arguments(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let conditions = [
        |at| format!("arguments.to == 'nobody-{at}@example.org'"),
        |at| format!("arguments.amount > {} && !arguments.draft", 1_000 + at),
        |at| format!("arguments.to.startsWith('team-{at}') && size(arguments.lines) > 2"),
        |at| format!("has(arguments.cc) && arguments.cc in ['a-{at}', 'b-{at}']"),
    ];
    let rule = |at: usize| RuleText {
        tools: None,
        when: Some(conditions[at % conditions.len()](at)),
        verdict: Word::Deny,
        reason: None,
    };
    take(bench, measure, rule, "ask")
}

fn take(
    bench: &Bench<'_>,
    measure: &Measure,
    rule: impl Fn(usize) -> RuleText,
    expected: &'static str,
) -> Result<Pair, BenchFailure> {
    let rules = (0..RULES).map(rule).collect();
    let policy = Rulebook::read(PolicyText { rules, ..PolicyText::default() })
        .map_err(|bad| BenchFailure::GuestEnded(bad.to_string()))?;
    let arguments = serde_json::json!({
        "to": "somebody@example.org", "amount": 1_000, "draft": false, "lines": ["a", "b", "c"],
    });
    let last = RULES - 1;
    let operation = Operation::CallTool(ToolCall {
        upstream: "service_9".into(),
        namespace: format!("service_{}", last % 10).as_str().into(),
        tool: format!("tool_{last}").as_str().into(),
        arguments: Json::from(arguments),
    });
    let facts = Facts { standing: Standing::Accepted, ..Facts::of(&operation) };
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let (seconds, word) = timed(|| {
            let mut word = "";
            for _ in 0..DECISIONS {
                word = policy.judge(&facts).word();
            }
            Ok::<_, BenchFailure>(word)
        })?;
        expect("the policy", &word, &expected)?;
        pair.ours.push(seconds / f64::from(DECISIONS));
    }
    Ok(pair)
}
