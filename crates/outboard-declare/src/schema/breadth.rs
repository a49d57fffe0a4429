//! How many alternatives a checker has to put together where all of several types hold at once: those of one with those of each
//! other. A schema of some lines can ask for more than any checker takes, which would then refuse all declarations beside it.

use crate::model::{DefinitionId, Document, Kind, Others, Type};

/// Combinations of an intersection at most; tsc gives up at 100,000.
const MOST: usize = 1_000;
/// Definitions that are looked through for one.
const DEEPEST: usize = 100;

/// What is known of a definition.
#[derive(Clone, Copy)]
enum Breadth {
    Unknown,
    /// It leads back to itself, which no checker follows at once.
    UnderWay,
    Known(usize),
}

struct Bounding<'d> {
    document: &'d mut Document,
    breadths: Vec<Breadth>,
    has_cut: bool,
}

/// Has only the first part count where the parts have too many alternatives together. Tells whether that was so anywhere.
pub(super) fn bound(document: &mut Document) -> bool {
    let mut root = std::mem::take(&mut document.root);
    let breadths = vec![Breadth::Unknown; document.definitions.len()];
    let mut bounding = Bounding { document, breadths, has_cut: false };
    bounding.of(&mut root, None);
    for id in 0..bounding.breadths.len() {
        let mut body = std::mem::take(&mut bounding.document.definitions[id].body);
        bounding.of(&mut body, None);
        bounding.document.definitions[id].body = body;
    }
    let has_cut = bounding.has_cut;
    document.root = root;
    has_cut
}

impl Bounding<'_> {
    fn of_definition(&mut self, id: DefinitionId, depth: usize) -> usize {
        match self.breadths[id.0] {
            Breadth::Known(breadth) => breadth,
            Breadth::UnderWay => 1,
            // Nothing that it is a part of is put together with anything.
            Breadth::Unknown if depth > DEEPEST => MOST + 1,
            Breadth::Unknown => {
                self.breadths[id.0] = Breadth::UnderWay;
                let mut body = std::mem::take(&mut self.document.definitions[id.0].body);
                let breadth = self.of(&mut body, Some(depth + 1));
                self.document.definitions[id.0].body = body;
                self.breadths[id.0] = Breadth::Known(breadth);
                breadth
            }
        }
    }

    /// The alternatives of a type, which is bounded with all that it holds. `depth` says of how many definitions it is a part;
    /// where it is none the number is wanted by nobody, and references are not followed.
    fn of(&mut self, ty: &mut Type, depth: Option<usize>) -> usize {
        match &mut ty.kind {
            Kind::Reference(id) => depth.map_or(1, |depth| self.of_definition(*id, depth)),
            Kind::Union(members) => {
                members.iter_mut().map(|member| self.of(member, depth)).fold(0, usize::saturating_add)
            }
            Kind::Intersection(parts) => {
                let depth = Some(depth.unwrap_or_default());
                let breadths: Vec<usize> = parts.iter_mut().map(|part| self.of(part, depth)).collect();
                let together = breadths.iter().copied().fold(1, usize::saturating_mul);
                if together <= MOST {
                    return together;
                }
                self.has_cut = true;
                ty.kind = std::mem::take(&mut parts[0].kind);
                breadths[0]
            }
            kind => {
                for inner in inside(kind) {
                    self.of(inner, None);
                }
                1
            }
        }
    }
}

/// The types that stand inside of one that is no combination.
fn inside(kind: &mut Kind) -> Vec<&mut Type> {
    match kind {
        Kind::Array(item) => vec![item],
        Kind::Tuple(tuple) => tuple.items.iter_mut().chain(tuple.rest.as_deref_mut()).collect(),
        Kind::Object(object) => {
            let properties = object.properties.iter_mut().map(|property| &mut property.ty);
            let others = match &mut object.others {
                Others::Open(ty) => Some(&mut **ty),
                Others::Unspecified | Others::Closed => None,
            };
            properties.chain(others).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Oddity, read};

    /// Types that hold at once, each one of two, `depth` levels of them.
    fn tower(depth: usize) -> Value {
        let level = |at: usize| {
            let next = json!({"$ref": format!("#/$defs/n{}", at + 1)});
            let either = |other: &str| json!({"oneOf": [next, {"type": "object", "properties": {other: {"type": "string"}}}]});
            json!({"allOf": [either(&format!("a{at}")), either(&format!("b{at}"))]})
        };
        let mut all: serde_json::Map<_, _> = (0..depth).map(|at| (format!("n{at}"), level(at))).collect();
        all.insert(format!("n{depth}"), json!({"type": "object", "properties": {"x": {"type": "string"}}}));
        json!({"$ref": "#/$defs/n0", "$defs": all})
    }

    #[test]
    fn however_deep_a_schema_is_what_can_be_put_together_is() {
        let level = |at: usize| {
            let next = json!({"$ref": format!("#/$defs/n{}", at + 1)});
            let properties =
                json!({"x": {"allOf": [next, {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}]}});
            json!({"type": "object", "properties": properties})
        };
        let mut all: serde_json::Map<_, _> = (0..300).map(|at| (format!("n{at}"), level(at))).collect();
        all.insert("n300".to_owned(), json!({"type": "object"}));
        assert_eq!(read(&json!({"$ref": "#/$defs/n0", "$defs": all})).warnings, []);
    }

    #[test]
    fn alternatives_that_cannot_be_put_together_are_left_out_with_a_warning() {
        let cut = Oddity::TooLarge { what: "combinations of alternatives" };
        for (depth, expected) in [(1, false), (2, false), (40, true), (1_000, true)] {
            let reading = read(&tower(depth));
            assert_eq!(reading.warnings.iter().any(|warning| warning.oddity == cut), expected, "{depth}");
        }
    }
}
