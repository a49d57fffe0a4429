//! Dotted paths: a name and the members that are read from it, by literal keys too.
//! What the name means is found out later, in `preflight::names`.

use crate::preflight::{Name, Path, ScopeId};
use oxc_ast::ast::{ChainElement, Expression};
use oxc_span::GetSpan;

/// Members of a path; of longer ones only the inner part is one.
const LONGEST: usize = 8;

/// The expression without parentheses and assertions of types around it.
pub(super) fn peel<'e, 'a>(mut expression: &'e Expression<'a>) -> &'e Expression<'a> {
    loop {
        expression = match expression {
            Expression::ParenthesizedExpression(inner) => &inner.expression,
            Expression::TSAsExpression(inner) => &inner.expression,
            Expression::TSSatisfiesExpression(inner) => &inner.expression,
            Expression::TSNonNullExpression(inner) => &inner.expression,
            Expression::TSTypeAssertion(inner) => &inner.expression,
            Expression::TSInstantiationExpression(inner) => &inner.expression,
            other => return other,
        };
    }
}

/// The path that an expression is.
pub(super) fn path<'a>(expression: &Expression<'a>, scope: ScopeId) -> Option<Path<'a>> {
    let mut members = Vec::new();
    let mut at = peel(expression);
    loop {
        let (object, name) = match at {
            Expression::Identifier(root) => {
                members.reverse();
                let root = Name { text: root.name.as_str(), span: super::at(root.span) };
                return Some(Path { scope: Some(scope), root, members });
            }
            Expression::StaticMemberExpression(member) => {
                let property = &member.property;
                (&member.object, Name { text: property.name.as_str(), span: super::at(property.span) })
            }
            Expression::ComputedMemberExpression(member) => (&member.object, key(&member.expression)?),
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::StaticMemberExpression(member) => {
                    let property = &member.property;
                    (&member.object, Name { text: property.name.as_str(), span: super::at(property.span) })
                }
                ChainElement::ComputedMemberExpression(member) => (&member.object, key(&member.expression)?),
                _ => return None,
            },
            _ => return None,
        };
        members.push(name);
        if members.len() > LONGEST {
            return None;
        }
        at = peel(object);
    }
}

/// A literal key of a member.
fn key<'a>(expression: &Expression<'a>) -> Option<Name<'a>> {
    let text = match expression {
        Expression::StringLiteral(text) => text.value.as_str(),
        Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
            template.quasis.first()?.value.cooked.as_ref()?.as_str()
        }
        _ => return None,
    };
    Some(Name { text, span: super::at(expression.span()) })
}
