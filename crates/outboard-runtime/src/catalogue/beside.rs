//! What an upstream lists beside its tools: prompts and templates of resources as it sent them, and what else it can be
//! asked for. All of it is the upstream's word. Resources themselves are data, and stand nowhere here.

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// What an upstream has beside tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beside {
    /// MCP `Prompt`s, by their names.
    pub prompts: Vec<Entry>,
    /// MCP `ResourceTemplate`s, by their templates.
    pub templates: Vec<Entry>,
    /// Whether it has resources.
    pub resources: bool,
    /// Whether it tells of changes of single resources.
    pub subscribe: bool,
    /// Whether it completes arguments.
    pub completions: bool,
}

/// A prompt or a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is asked for by: the name of a prompt, the URI template of a template.
    pub name: String,
    /// The JSON object that the upstream sent.
    pub definition: Json,
}

impl Beside {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether one of the templates makes this URI.
    pub fn makes(&self, uri: &str) -> bool {
        self.templates.iter().any(|template| makes(&template.name, uri))
    }
}

/// Whether a URI template (RFC 6570) can become this URI. Of its expressions only the operator counts: a simple one stands for
/// something within one segment, the others for anything.
fn makes(template: &str, uri: &str) -> bool {
    let uri = uri.as_bytes();
    // The places in the URI up to which the template so far can reach.
    let mut places = vec![false; uri.len() + 1];
    places[0] = true;
    let mut rest = template;
    loop {
        let (literal, after) =
            rest.split_once('{').map_or((rest, None), |(literal, after)| (literal, Some(after)));
        places = after_literal(&places, literal.as_bytes(), uri);
        let Some(after) = after else { return places[uri.len()] };
        // What is no expression makes nothing.
        let Some((expression, after)) = after.split_once('}') else { return false };
        places = after_expression(&places, expression, uri);
        rest = after;
    }
}

fn after_literal(places: &[bool], literal: &[u8], uri: &[u8]) -> Vec<bool> {
    let reaches = |end: usize| {
        end.checked_sub(literal.len()).is_some_and(|start| places[start] && uri[start..].starts_with(literal))
    };
    (0..places.len()).map(reaches).collect()
}

fn after_expression(places: &[bool], expression: &str, uri: &[u8]) -> Vec<bool> {
    let is_simple = expression.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    let mut after = if is_simple { vec![false; places.len()] } else { places.to_vec() };
    let mut inside = false;
    for (at, byte) in uri.iter().enumerate() {
        inside = (inside || places[at]) && !(is_simple && b"/?#".contains(byte));
        after[at + 1] |= inside;
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_what_fits_it_and_nothing_else() {
        for (template, uri, expected) in [
            ("test://a", "test://a", true),
            ("test://a", "test://ab", false),
            ("test://{id}/data", "test://7/data", true),
            ("test://{id}/data", "test:///data", false),
            ("test://{id}/data", "test://7/8/data", false),
            ("test://{id}/data", "test://7/data?x", false),
            ("{a}{b}", "xy", true),
            ("{a}{b}", "x", false),
            ("file:///{+path}", "file:///a/b/../c", true),
            ("file:///{+path}", "file:///", true),
            ("file:///{+path}", "http://a", false),
            ("x://a{?q,n}", "x://a", true),
            ("x://a{?q,n}", "x://a?q=1&n=2", true),
            ("x://a{b", "x://a{b", false),
            ("", "", true),
            ("x://{\u{e4}}", "x://\u{e4}", true),
        ] {
            assert_eq!(makes(template, uri), expected, "{template} {uri}");
        }
        // Each token is looked at once for each place: no template takes long.
        assert!(!makes(&"{a}".repeat(4_000), &"x".repeat(3_000)));
    }
}
