//! Enums, the one construct of TypeScript with values that models write: lowered in place, line by line.
//!
//! Part of the walk in `strip`. Values are computed where the script runs, none are inlined.

use super::Strip;
use oxc_ast::ast::{Expression, TSEnumDeclaration, TSEnumMember, TSEnumMemberName, UnaryExpression};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;
use oxc_syntax::operator::UnaryOperator;

/// The value of a member without an initialiser.
enum Next {
    Number(f64),
    /// One more than the member of this quoted name.
    After(String),
}

impl Strip<'_, '_, '_> {
    /// `enum E { A, B = A + 2 }` becomes
    /// `var E=((E)=>{var A=E["A"]=0;E[0]="A"; var B=E["B"]=(A + 2);… return E;})(E||{});`.
    pub(super) fn lower_enum(&mut self, declaration: &TSEnumDeclaration<'_>) {
        self.visit_binding_identifier(&declaration.id);
        let (name, body) = (declaration.id.name.as_str(), declaration.body.span);
        // Declarations of one name in one function add to each other.
        let (keyword, start) = if self.in_block { ("let", "{}") } else { ("var", &*format!("{name}||{{}}")) };
        self.edits.replace(declaration.span.start, body.start + 1, format!("{keyword} {name}=(({name})=>{{"));
        let mut next = Next::Number(0.0);
        for member in &declaration.body.members {
            next = self.lower_member(name, member, &next);
            let comma = self.token(member.span.end);
            if self.byte(comma) == b',' {
                self.edits.blank(comma, comma + 1);
            }
        }
        self.edits.replace(body.end - 1, declaration.span.end, format!("return {name};}})({start});"));
    }

    fn lower_member(&mut self, owner: &str, member: &TSEnumMember<'_>, next: &Next) -> Next {
        let name = member_name(&member.id);
        let quoted = format!("{name:?}");
        self.word(&name);
        // Members are in scope in the initialisers of those that follow.
        let alias =
            if name != owner && can_be_variable(&name) { format!("var {name}=") } else { String::new() };
        let target = format!("{owner}[{quoted}]");
        let head = format!("{alias}{target}=");
        let Some(initializer) = &member.initializer else {
            let (value, after) = match next {
                Next::Number(number) => (number.to_string(), Next::Number(number + 1.0)),
                Next::After(before) => (format!("{owner}[{before}]+1"), Next::After(quoted.clone())),
            };
            let text = format!("{head}{value};{owner}[{target}]={quoted};");
            self.edits.replace(member.span.start, member.span.end, text);
            return after;
        };
        let (next, reverse) = match constant(initializer) {
            Constant::Number(number) => (Next::Number(number + 1.0), format!("{owner}[{target}]={quoted};")),
            Constant::Text => (Next::After(quoted), String::new()),
            Constant::Unknown => {
                let reverse = format!("typeof {target}===\"number\"&&({owner}[{target}]={quoted});");
                (Next::After(quoted), reverse)
            }
        };
        self.edits.replace(member.span.start, initializer.span().start, format!("{head}("));
        self.visit_expression(initializer);
        self.edits.insert(member.span.end, format!(");{reverse}"));
        next
    }
}

enum Constant {
    Number(f64),
    Text,
    Unknown,
}

fn constant(expression: &Expression<'_>) -> Constant {
    match expression.get_inner_expression() {
        Expression::NumericLiteral(number) => Constant::Number(number.value),
        Expression::UnaryExpression(unary) => negative(unary),
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => Constant::Text,
        _ => Constant::Unknown,
    }
}

fn negative(unary: &UnaryExpression<'_>) -> Constant {
    match (unary.operator, unary.argument.get_inner_expression()) {
        (UnaryOperator::UnaryNegation, Expression::NumericLiteral(number)) => Constant::Number(-number.value),
        _ => Constant::Unknown,
    }
}

fn member_name(name: &TSEnumMemberName<'_>) -> String {
    match name {
        TSEnumMemberName::Identifier(name) => name.name.to_string(),
        TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => text.value.to_string(),
        TSEnumMemberName::ComputedTemplateString(template) => {
            let cooked = template.quasis.first().and_then(|part| part.value.cooked);
            cooked.map(|text| text.to_string()).unwrap_or_default()
        }
    }
}

/// Whether `var name` is allowed in sloppy and in strict code.
fn can_be_variable(name: &str) -> bool {
    const RESERVED: &str = " arguments async await break case catch class const continue debugger default delete do \
        else enum eval export extends false finally for function if implements import in instanceof interface let new \
        null package private protected public return static super switch this throw true try typeof undefined var void \
        while with yield NaN Infinity ";
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    name.chars().all(is_word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && !RESERVED.contains(&format!(" {name} "))
}
