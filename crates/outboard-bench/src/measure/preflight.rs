//! What is made of a script before it runs: read and checked against a catalogue of 10,000 tools, in this process; and a
//! full check of its types, as its users have it, beside a run without one.

use outboard_runtime::catalogue::Catalogue;
use outboard_script::{Language as ScriptLanguage, Preparation, prepare_with};
use serde_json::{Value, json};

use super::{
    Bench, BenchFailure, Measure,
    calls::summed,
    catalogue::loaded,
    expect,
    settings::{IN_TURN, compare},
    timed,
};
use crate::{
    peer::{Peer, PeerFailure},
    records::{PAGE_RECORDS, PAGES, summary},
    samples::Pair,
    scripts::Language,
    tools::{self, UPSTREAMS},
};

/// Parts of ten lines; each calls a tool of another upstream.
const PARTS: usize = 20;

/// A script of 200 lines that is right, read and checked.
pub(super) fn check(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let listings = tools::listings();
    let catalogue: Catalogue = loaded(&listings)?;
    let snapshot = catalogue.snapshot();
    let language = measure.language();
    let script = script(language, &listings)?;
    let preparation = Preparation {
        language: Some(match language {
            Language::TypeScript => ScriptLanguage::TypeScript,
            Language::Python => ScriptLanguage::Python,
        }),
        catalogue: &*snapshot,
        ..Preparation::default()
    };
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let (seconds, prepared) = timed(|| Ok::<_, BenchFailure>(prepare_with(&script, &preparation)))?;
        let wrong = prepared.err().map(|rejected| rejected.render());
        expect("the check of a script that is right", &wrong, &None)?;
        pair.ours.push(seconds);
    }
    // What is not found is no check.
    let slip = script.replacen("query", "qery", 1);
    expect("the check of a slip", &prepare_with(&slip, &preparation).is_err(), &true)?;
    Ok(pair)
}

/// The 31 calls of `sequential`, with a check of their types that must pass and without one.
pub(super) fn types(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let right = summary(PAGES * PAGE_RECORDS);
    let settings = ["required", "off"].map(|setting| json!({ "typeCheck": setting }));
    let run = |peer: &mut Peer| summed(peer, language, language.pages());
    let taken = compare(bench, measure, settings, IN_TURN, &right, run);
    if let Err(BenchFailure::Peer(PeerFailure::Refused(said))) = &taken
        && let Some(reason) = said.lines().find(|line| line.contains("there is no `t"))
    {
        return Err(BenchFailure::Absent(reason.trim().to_owned()));
    }
    taken
}

fn script(language: Language, listings: &[String]) -> Result<String, BenchFailure> {
    let mut parts = vec![match language {
        Language::TypeScript => "const totals: Record<string, number> = {};".to_owned(),
        Language::Python => "totals, names = {}, []".to_owned(),
    }];
    for (number, listing) in listings.iter().enumerate().take(PARTS) {
        let listing: Value =
            serde_json::from_str(listing).map_err(|error| BenchFailure::GuestEnded(error.to_string()))?;
        parts.push(part(language, number, &listing["tools"][number * 3]));
    }
    parts.push(match language {
        Language::TypeScript => "return totals;".to_owned(),
        Language::Python => "[totals, names]".to_owned(),
    });
    Ok(parts.join("\n"))
}

/// A call with what the tool requires, and what is made of its result.
fn part(language: Language, number: usize, tool: &Value) -> String {
    let upstream = UPSTREAMS[number];
    let name = tool["name"].as_str().unwrap_or_default();
    let (input, between) = (&tool["inputSchema"], if language == Language::Python { "=" } else { ": " });
    let argument = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let value = match input["properties"][name]["type"].as_str() {
            Some("integer") => "10".to_owned(),
            Some("boolean") if language == Language::Python => "True".to_owned(),
            Some("boolean") => "true".to_owned(),
            Some("array") => "[\"a\"]".to_owned(),
            _ if name == "status" => "\"open\"".to_owned(),
            _ => format!("\"{number}\""),
        };
        format!("  {name}{between}{value},\n")
    };
    let arguments: String = input["required"].as_array().into_iter().flatten().map(argument).collect();
    match language {
        Language::TypeScript => format!(
            "const page{number}: any = await {upstream}.{name}({{\n{arguments}}});\n\
             for (const row of page{number}.items ?? []) {{\n  \
             if (row.state === \"open\" && row.count > {number}) {{\n    \
             totals[row.author] = (totals[row.author] ?? 0) + row.count;\n  }}\n}}\n\
             console.log(\"{upstream}\", page{number}.total);"
        ),
        Language::Python => format!(
            "page{number} = await {upstream}.{name}(\n{arguments})\n\
             for row in page{number}.get(\"items\", []):\n  \
             if row[\"state\"] == \"open\" and row[\"count\"] > {number}:\n    \
             totals[row[\"author\"]] = totals.get(row[\"author\"], 0) + row[\"count\"]\n    \
             names.append(row[\"name\"])\n\
             print(\"{upstream}\", page{number}.get(\"total\"))\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_have_two_hundred_lines() {
        let listings = tools::listings();
        for language in [Language::TypeScript, Language::Python] {
            let lines = script(language, &listings).unwrap().lines().count();
            assert!((200..=205).contains(&lines), "{lines} in {}", language.name());
        }
    }
}
