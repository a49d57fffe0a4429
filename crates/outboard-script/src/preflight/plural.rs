//! Calls that are made for each of many where one tool takes many at once: a hint, never a mistake.
//! Which tool that is, the catalogue says.

use super::check::Places;
use super::dialect::Dialect;
use super::names::Meaning;
use super::sketch::Call;
use crate::argument::{Argument, Span, Value};
use crate::catalogue::CatalogueView;
use crate::finding::{Finding, Findings};
use crate::fit::shown;
use std::collections::HashSet;

/// A tool that is called again and again, and the one that takes many.
pub(super) struct Hint<'a> {
    namespace: &'a str,
    tool: &'a str,
    named: Span,
    many: String,
}

/// The hint for a call, if it is made again and again, each time with something else. The catalogue, which looks through
/// all tools of the namespace, is asked once about each tool; `asked` are those of before.
pub(super) fn hint<'a>(
    call: &Call<'a>,
    meaning: &Meaning<'a>,
    catalogue: &dyn CatalogueView,
    asked: &mut HashSet<(&'a str, &'a str)>,
) -> Option<Hint<'a>> {
    let [tool] = meaning.members.as_slice() else { return None };
    let namespace = meaning.root.text;
    let repeated = call.repeated && varies(&call.input) && catalogue.has_namespace(namespace);
    let anew = repeated && asked.insert((namespace, tool.text));
    let many = anew.then(|| catalogue.takes_many(namespace, tool.text))??;
    Some(Hint { namespace, tool: tool.text, named: call.named, many })
}

impl Hint<'_> {
    pub(super) fn told(
        &self,
        places: &Places<'_>,
        dialect: &Dialect,
        catalogue: &dyn CatalogueView,
        findings: &Findings<'_>,
    ) -> Finding {
        let Self { namespace, tool, named, many } = self;
        let (start, end) = ((places.to_source)(named.0), (places.to_source)(named.1));
        let message = format!("`{namespace}.{}` is called once for each; one call takes many", shown(tool));
        let signature = catalogue.signature(namespace, many, dialect.language);
        findings.worded(start, end.max(start), message, Some(format!("use {signature}")))
    }
}

/// Whether something in an argument is not written out, so that each call may pass something else.
fn varies(argument: &Argument<'_>) -> bool {
    match &argument.value {
        Value::Unknown | Value::Text(None) => true,
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(Some(_)) | Value::Several(_) => {
            false
        }
        Value::Array { items, open } => *open || items.iter().any(varies),
        Value::Object { members, open } => *open || members.iter().any(|member| varies(&member.value)),
    }
}
