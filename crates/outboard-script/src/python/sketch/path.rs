//! Dotted paths: a name and what is read from it, by attributes, literal keys and `getattr`.
//! What the name means is found out later, in `preflight::names`.

use super::at;
use crate::preflight::{Name, Path, ScopeId};
use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

/// Members of a path; of longer ones only the inner part is one.
const LONGEST: usize = 8;

/// The path that an expression is.
pub(super) fn path(expression: &Expr, scope: ScopeId) -> Option<Path<'_>> {
    let mut members = Vec::new();
    let mut expression = expression;
    loop {
        let (object, text, span) = match expression {
            Expr::Name(root) => {
                members.reverse();
                let root = Name { text: root.id.as_str(), span: at(root.range) };
                return Some(Path { scope: Some(scope), root, members });
            }
            Expr::Attribute(attribute) => {
                (&*attribute.value, attribute.attr.as_str(), at(attribute.attr.range()))
            }
            Expr::Subscript(subscript) => {
                let Expr::StringLiteral(key) = &*subscript.slice else { return None };
                (&*subscript.value, key.value.to_str(), at(key.range))
            }
            Expr::Call(call) => match (&*call.func, &*call.arguments.args) {
                (Expr::Name(function), [object, Expr::StringLiteral(key)])
                    if function.id.as_str() == "getattr" =>
                {
                    (object, key.value.to_str(), at(key.range))
                }
                _ => return None,
            },
            _ => return None,
        };
        members.push(Name { text, span });
        if members.len() > LONGEST {
            return None;
        }
        expression = object;
    }
}
