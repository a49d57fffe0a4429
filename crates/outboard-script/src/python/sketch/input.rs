//! What a call passes, as far as it is written out: keywords, or one dict, or both.
//! It follows no names: a variable's value is unknown.

use super::at;
use crate::argument::{Argument, Member, Span, Value, put};
use ruff_python_ast::{Arguments, Expr, ExprDict, Number, UnaryOp};
use ruff_text_size::Ranged;
use std::borrow::Cow;

/// Levels of nesting that are looked into.
const DEEPEST: usize = 16;

/// The one object that a call of a tool passes.
pub(super) fn input(arguments: &Arguments, call: Span) -> Argument<'_> {
    let mut input = keywords(arguments, call);
    match &*arguments.args {
        [] => input,
        [Expr::NoneLiteral(_)] => input,
        [Expr::Starred(_)] => Argument::unknown(call),
        [first] => {
            let first = argument(first, DEEPEST);
            match (first.value, &mut input.value) {
                (Value::Object { mut members, open: first_open }, Value::Object { members: named, open }) => {
                    // What `**` brings may be any of the names in the dict.
                    if *open {
                        members.iter_mut().for_each(|member| member.value.value = Value::Unknown);
                    }
                    named.drain(..).for_each(|member| put(&mut members, member));
                    let open = *open || first_open;
                    Argument { span: first.span, value: Value::Object { members, open } }
                }
                (Value::Unknown | Value::Object { .. }, _) => Argument::unknown(call),
                (value, _) => Argument { span: first.span, value },
            }
        }
        several if several.iter().any(Expr::is_starred_expr) => Argument::unknown(call),
        several => Argument { span: at(several[1].range()), value: Value::Several(several.len()) },
    }
}

/// Keywords alone.
pub(super) fn keywords(arguments: &Arguments, call: Span) -> Argument<'_> {
    let mut members = Vec::new();
    let mut open = false;
    for keyword in &arguments.keywords {
        match &keyword.arg {
            Some(name) => {
                let value = argument(&keyword.value, DEEPEST);
                put(
                    &mut members,
                    Member { name: Cow::Borrowed(name.as_str()), span: at(name.range()), value },
                );
            }
            None => match argument(&keyword.value, DEEPEST).value {
                Value::Object { members: more, open: others } => {
                    open |= others;
                    more.into_iter().for_each(|member| put(&mut members, member));
                }
                _ => open = true,
            },
        }
    }
    let last = (call.1.saturating_sub(1), call.1);
    let first = members.first().map_or(last, |member: &Member<'_>| member.span);
    Argument { span: first, value: Value::Object { members, open } }
}

fn argument(expression: &Expr, deep: usize) -> Argument<'_> {
    let span = at(expression.range());
    let Some(deep) = deep.checked_sub(1) else { return Argument::unknown(span) };
    let value = match expression {
        Expr::NoneLiteral(_) => Value::Null,
        Expr::BooleanLiteral(literal) => Value::Boolean(literal.value),
        Expr::NumberLiteral(literal) => number(&literal.value, 1.0),
        Expr::UnaryOp(unary) if unary.op == UnaryOp::USub => match &*unary.operand {
            Expr::NumberLiteral(literal) => number(&literal.value, -1.0),
            _ => Value::Unknown,
        },
        Expr::StringLiteral(text) => Value::Text(Some(Cow::Borrowed(text.value.to_str()))),
        Expr::FString(_) => Value::Text(None),
        Expr::List(list) => array(&list.elts, deep),
        Expr::Tuple(tuple) => array(&tuple.elts, deep),
        Expr::Dict(dict) => object(dict, deep),
        _ => Value::Unknown,
    };
    Argument { span, value }
}

fn number(number: &Number, sign: f64) -> Value<'static> {
    match number {
        Number::Int(integer) => {
            // Larger ones are not looked at; a double holds these exactly.
            let exact = integer.as_i64().and_then(|integer| i32::try_from(integer).ok());
            exact.map_or(Value::Unknown, |integer| Value::Number(sign * f64::from(integer)))
        }
        Number::Float(float) if float.is_finite() => Value::Number(sign * float),
        _ => Value::Unknown,
    }
}

fn array(elements: &[Expr], deep: usize) -> Value<'_> {
    let open = elements.iter().any(Expr::is_starred_expr);
    let items = elements.iter().filter(|element| !element.is_starred_expr());
    Value::Array { items: items.map(|element| argument(element, deep)).collect(), open }
}

fn object(dict: &ExprDict, deep: usize) -> Value<'_> {
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut open = false;
    for item in &dict.items {
        match &item.key {
            Some(Expr::StringLiteral(key)) => {
                let name = Cow::Borrowed(key.value.to_str());
                put(&mut members, Member { name, span: at(key.range), value: argument(&item.value, deep) });
            }
            // Another key, or what `**` brings, may be any of the names before it again.
            _ => {
                open = true;
                members.iter_mut().for_each(|member| member.value.value = Value::Unknown);
            }
        }
    }
    Value::Object { members, open }
}
