//! Whether the machine has checkers of types, and which. Each is started once, and asked for its name alone.
//! What it means for scripts that they are required and not there, the trial of the sandbox has told.

use outboard_runtime::Language;
use outboard_typecheck::{Bounds, Checkers, find};
use serde_json::{Map, Value, json};

use super::{
    super::{context::Context, variable},
    Findings,
};
use crate::{
    config::TypeCheck,
    report::{Cell, Table, escaped},
    wiring::TYPE_CHECKS,
};

/// Tells of the checker of each language.
pub(super) async fn examine(context: &Context, findings: &mut Findings) {
    let setting = context.configuration.settings.type_check;
    findings.heading("type check");
    let programs = find(variable("PATH").unwrap_or_default().as_ref());
    let folder = context.places.state.join(TYPE_CHECKS);
    let checkers = Checkers::new(programs.clone(), &folder, Bounds::default());
    let mut facts = Map::new();
    for (language, install) in
        [(Language::TypeScript, "npm install -g typescript@7"), (Language::Python, "pip install ty")]
    {
        let program = programs.iter().find(|program| program.language == language);
        let named = match program {
            Some(_) => Some(checkers.warm(language).await),
            None => None,
        };
        let state = match &named {
            None => format!("not on this machine; if types are to be checked beside runs: {install}"),
            Some(Ok(_)) if setting == TypeCheck::Off => {
                "there, and not used (setting `typeCheck`)".to_owned()
            }
            Some(Ok(name)) => format!("{}, beside runs", escaped(name)),
            Some(Err(unchecked)) => escaped(&unchecked.reason),
        };
        let mut table = Table::indented(2).least([Language::TypeScript.as_str().len()]);
        table.row([Cell::left(language.as_str()), Cell::left(state.clone())]);
        findings.rows(&table);
        let ready = matches!(named, Some(Ok(_)));
        let path = program.map(|program| program.path.clone());
        let name = named.and_then(Result::ok);
        facts.insert(language.as_str().to_owned(), json!({"ready": ready, "program": path, "name": name}));
    }
    checkers.shutdown().await;
    findings.fact("typeCheck", Value::Object(facts));
}
