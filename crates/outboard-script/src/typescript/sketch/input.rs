//! What a call passes, as far as it is written out.
//! It follows no names: a variable's value is unknown, and so is everything that a spread may replace.

use super::at;
use super::path::peel;
use crate::argument::{Argument, Member, Value, put};
use oxc_ast::ast::{
    ArrayExpressionElement, CallExpression, Expression, ObjectExpression, ObjectPropertyKind, PropertyKey,
    PropertyKind, UnaryOperator,
};
use oxc_span::GetSpan;
use std::borrow::Cow;

/// Levels of nesting that are looked into.
const DEEPEST: usize = 16;

/// The one object that a call of a tool passes.
pub(super) fn input<'a>(call: &CallExpression<'a>) -> Argument<'a> {
    let span = at(call.span);
    if call.arguments.iter().any(|argument| argument.as_expression().is_none()) {
        return Argument::unknown(span);
    }
    let all: Vec<&Expression<'a>> =
        call.arguments.iter().filter_map(|argument| argument.as_expression()).collect();
    let given = all.iter().rposition(|argument| !is_undefined(argument)).map_or(0, |last| last + 1);
    match &all[..given] {
        [] => {
            let last = (span.1.saturating_sub(1), span.1);
            Argument { span: last, value: Value::Object { members: Vec::new(), open: false } }
        }
        [one] => argument(one, DEEPEST),
        [one, rest @ ..] => {
            let more = rest.iter().any(|argument| self::argument(argument, 1).value != Value::Unknown);
            match more {
                true => Argument { span: at(one.span()), value: Value::Several(given) },
                // The others may turn out to be `undefined`.
                false => argument(one, DEEPEST),
            }
        }
    }
}

fn argument<'a>(expression: &Expression<'a>, deep: usize) -> Argument<'a> {
    let expression = peel(expression);
    let span = at(expression.span());
    let Some(deep) = deep.checked_sub(1) else { return Argument::unknown(span) };
    let value = match expression {
        Expression::NullLiteral(_) => Value::Null,
        Expression::BooleanLiteral(literal) => Value::Boolean(literal.value),
        Expression::NumericLiteral(literal) if literal.value.is_finite() => Value::Number(literal.value),
        Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::UnaryNegation => match &unary
            .argument
        {
            Expression::NumericLiteral(literal) if literal.value.is_finite() => Value::Number(-literal.value),
            _ => Value::Unknown,
        },
        Expression::StringLiteral(text) => Value::Text(Some(Cow::Borrowed(text.value.as_str()))),
        Expression::TemplateLiteral(template) => {
            let whole = template.expressions.is_empty();
            let text = template.quasis.first().filter(|_| whole).and_then(|part| part.value.cooked.as_ref());
            Value::Text(text.map(|text| Cow::Borrowed(text.as_str())))
        }
        Expression::ArrayExpression(array) => {
            let mut open = false;
            let mut items = Vec::new();
            for element in &array.elements {
                match element {
                    ArrayExpressionElement::SpreadElement(_) => open = true,
                    ArrayExpressionElement::Elision(hole) => items.push(Argument::unknown(at(hole.span))),
                    element => items.extend(element.as_expression().map(|item| argument(item, deep))),
                }
            }
            Value::Array { items, open }
        }
        Expression::ObjectExpression(object) => self::object(object, deep),
        _ => Value::Unknown,
    };
    Argument { span, value }
}

fn object<'a>(object: &ObjectExpression<'a>, deep: usize) -> Value<'a> {
    let mut members: Vec<Member<'a>> = Vec::new();
    let mut open = false;
    for property in &object.properties {
        let ObjectPropertyKind::ObjectProperty(property) = property else {
            // What is spread may bring any of the names before it again.
            open = true;
            members.iter_mut().for_each(|member| member.value.value = Value::Unknown);
            continue;
        };
        let Some(name) = name(&property.key, property.computed) else {
            open = true;
            members.iter_mut().for_each(|member| member.value.value = Value::Unknown);
            continue;
        };
        if name == "toJSON" || name == "__proto__" {
            return Value::Unknown;
        }
        let plain = property.kind == PropertyKind::Init && !property.method;
        let span = at(property.key.span());
        let value = if plain { argument(&property.value, deep) } else { Argument::unknown(span) };
        put(&mut members, Member { name, span, value });
    }
    Value::Object { members, open }
}

fn name<'a>(key: &PropertyKey<'a>, computed: bool) -> Option<Cow<'a, str>> {
    match key {
        PropertyKey::StaticIdentifier(name) => Some(Cow::Borrowed(name.name.as_str())),
        PropertyKey::StringLiteral(text) => Some(Cow::Borrowed(text.value.as_str())),
        PropertyKey::NumericLiteral(number) if !computed => Some(Cow::Owned(number.value.to_string())),
        _ => None,
    }
}

fn is_undefined(expression: &Expression<'_>) -> bool {
    matches!(peel(expression), Expression::Identifier(name) if name.name == "undefined")
}
