//! Comparisons of one argument with something written out, such as `arguments.to == 'a'`: most rules have one that does not
//! hold, and it is found here in a tenth of the time that evaluating the expression takes. What this cannot tell for
//! certain, the expression tells.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

/// A part of a condition that compares an argument.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Names of members, from the arguments on.
    path: Vec<String>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Text(fn(&str, &str) -> bool, String),
    Whole(fn(&i64, &i64) -> bool, i64),
    OneOf(Vec<String>),
    /// `has(…)`.
    Present,
}

impl Comparison {
    /// The part as a comparison, if it is one.
    pub(super) fn of(part: &IdedExpr) -> Option<Self> {
        let call = match &part.expr {
            Expr::Call(call) => call,
            Expr::Select(select) if select.test => {
                let mut path = vec![select.field.clone()];
                follow(&select.operand, &mut path)?;
                return Some(Self { path, test: Test::Present });
            }
            _ => return None,
        };
        let operands: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let [argument, with] = operands[..] else { return None };
        let mut path = Vec::new();
        follow(argument, &mut path)?;
        let test = match &with.expr {
            Expr::Literal(LiteralValue::String(text)) => {
                Test::Text(of_texts(&call.func_name)?, text.inner().to_owned())
            }
            Expr::Literal(LiteralValue::Int(number)) => {
                Test::Whole(of_numbers(&call.func_name)?, *number.inner())
            }
            Expr::List(list) if call.func_name == operators::IN => {
                let text = |one: &IdedExpr| match &one.expr {
                    Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
                    _ => None,
                };
                Test::OneOf(list.elements.iter().map(text).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        Some(Self { path, test })
    }

    /// Whether it certainly does not hold for these arguments.
    pub(super) fn fails(&self, arguments: &Value) -> bool {
        let Some((name, of)) = self.path.split_last() else { return false };
        let within = of.iter().try_fold(arguments, |value, name| value.as_object()?.get(name));
        let Some(members) = within.and_then(Value::as_object) else { return false };
        let holds = match (&self.test, members.get(name)) {
            (Test::Present, argument) => argument.is_some(),
            (Test::Text(test, with), Some(Value::String(text))) => test(text, with),
            (Test::OneOf(texts), Some(Value::String(text))) => texts.contains(text),
            (Test::Whole(test, with), Some(Value::Number(number))) => {
                number.as_i64().is_none_or(|number| test(&number, with))
            }
            _ => return false,
        };
        !holds
    }
}

/// The members that an expression goes through, if it begins at the arguments.
fn follow(expression: &IdedExpr, path: &mut Vec<String>) -> Option<()> {
    match &expression.expr {
        Expr::Ident(name) => (name == "arguments" && !path.is_empty()).then(|| path.reverse()),
        Expr::Select(select) if !select.test => {
            path.push(select.field.clone());
            follow(&select.operand, path)
        }
        _ => None,
    }
}

fn of_texts(function: &str) -> Option<fn(&str, &str) -> bool> {
    Some(match function {
        operators::EQUALS => |text, with| text == with,
        operators::NOT_EQUALS => |text, with| text != with,
        "startsWith" => |text, with| text.starts_with(with),
        "endsWith" => |text, with| text.ends_with(with),
        "contains" => |text, with| text.contains(with),
        _ => return None,
    })
}

fn of_numbers(function: &str) -> Option<fn(&i64, &i64) -> bool> {
    Some(match function {
        operators::EQUALS => |number, with| number == with,
        operators::NOT_EQUALS => |number, with| number != with,
        operators::LESS => |number, with| number < with,
        operators::LESS_EQUALS => |number, with| number <= with,
        operators::GREATER => |number, with| number > with,
        operators::GREATER_EQUALS => |number, with| number >= with,
        _ => return None,
    })
}
