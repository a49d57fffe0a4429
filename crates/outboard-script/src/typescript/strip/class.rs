//! Classes: what TypeScript adds to their heads and members, and parameter properties.
//!
//! Part of the walk in `strip`. Members that are types alone are not its business; see `erased`.

use super::Strip;
use oxc_ast::ast::{
    BindingPattern, Class, Expression, FormalParameter, FunctionBody, MethodDefinition, MethodDefinitionKind,
    PropertyDefinition, PropertyKey, Statement,
};
use oxc_ast_visit::Visit;
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;
use std::fmt::Write as _;

/// Words before a member's name that mean nothing at run time.
const MODIFIERS: [&str; 7] =
    ["public", "private", "protected", "readonly", "override", "declare", "abstract"];

/// Whether a constructor's parameter declares a property as well.
pub(super) fn is_property(parameter: &FormalParameter<'_>) -> bool {
    parameter.accessibility.is_some() || parameter.readonly || parameter.r#override
}

impl Strip<'_, '_, '_> {
    pub(super) fn class(&mut self, class: &Class<'_>) {
        self.visit_decorators(&class.decorators);
        if class.r#abstract {
            let at = self.token(class.span.start);
            if self.text[at as usize..].starts_with("abstract") {
                self.edits.blank(at, at + 8);
            }
        }
        if let Some(id) = &class.id {
            self.visit_binding_identifier(id);
        }
        if let Some(types) = &class.type_parameters {
            self.edits.blank_span(types.span);
        }
        if let Some(heritage) = &class.heritage {
            self.visit_expression(&heritage.expression);
            if let Some(types) = &heritage.type_arguments {
                self.edits.blank_span(types.span);
            }
        }
        if let (Some(first), Some(last)) = (class.implements.first(), class.implements.last()) {
            let head = &self.text[class.span.start as usize..first.span.start as usize];
            let keyword =
                class.span.start + u32::try_from(head.rfind("implements").unwrap_or(0)).unwrap_or(0);
            self.edits.blank(keyword, last.span.end);
        }
        let derived = std::mem::replace(&mut self.derived, class.heritage.is_some());
        self.visit_class_body(&class.body);
        self.derived = derived;
    }

    pub(super) fn method(&mut self, method: &MethodDefinition<'_>) {
        self.visit_decorators(&method.decorators);
        self.blank_modifiers(method.span.start, method.key.span());
        self.visit_property_key(&method.key);
        let name_end = self.name_end(&method.key, method.computed);
        self.blank_annotation(name_end, method.optional, None);
        if method.kind == MethodDefinitionKind::Constructor
            && let Some(body) = &method.value.body
        {
            self.assign_parameter_properties(&method.value.params.items, body);
        }
        self.visit_function(&method.value, ScopeFlags::Function);
    }

    pub(super) fn property(&mut self, property: &PropertyDefinition<'_>) {
        self.visit_decorators(&property.decorators);
        self.blank_modifiers(property.span.start, property.key.span());
        self.visit_property_key(&property.key);
        let name_end = self.name_end(&property.key, property.computed);
        let annotation = property.type_annotation.as_deref();
        if property.value.is_none() && is_keyword_like(&property.key) {
            // Without its type, `get` would be taken for the start of the next member.
            self.edits.insert(name_end, ";");
        }
        self.blank_annotation(name_end, property.optional || property.definite, annotation);
        if let Some(value) = &property.value {
            self.in_function(|strip| strip.visit_expression(value));
        }
    }

    /// Where a member's name ends, the bracket of a computed one included.
    fn name_end(&self, key: &PropertyKey<'_>, computed: bool) -> u32 {
        let end = key.span().end;
        if computed { self.token(end) + 1 } else { end }
    }

    fn blank_modifiers(&mut self, start: u32, key: Span) {
        let (mut at, mut first) = (self.token(start), true);
        while at < key.start {
            let rest = &self.text[at as usize..key.start as usize];
            let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let end = at + u32::try_from(length).unwrap_or(0);
            if !MODIFIERS.contains(&&rest[..length]) {
                first = false;
            } else if first {
                // The word kept the member before apart from `[computed]` and `*generator`.
                self.edits.blank_behind(";", at, end);
                first = false;
            } else {
                self.edits.blank(at, end);
            }
            at = self.token(end.max(at + 1));
        }
    }

    /// Sets the properties that parameters declare, where TypeScript does: after `super(…)`, or first of all.
    fn assign_parameter_properties(&mut self, parameters: &[FormalParameter<'_>], body: &FunctionBody<'_>) {
        let mut assignments = String::new();
        for parameter in parameters.iter().filter(|parameter| is_property(parameter)) {
            if let BindingPattern::BindingIdentifier(name) = &parameter.pattern {
                let _ = write!(assignments, "this.{0}={0};", name.name);
            }
        }
        if assignments.is_empty() {
            return;
        }
        let super_call = body.statements.iter().find(|statement| is_super_call(statement));
        match super_call {
            Some(statement) => self.edits.insert(statement.span().end, format!(";{assignments}")),
            None if self.derived => self.finding(
                body.span,
                "a constructor with parameter properties needs `super(…)` as a statement of its own",
                "declare the properties in the class and assign them in the constructor",
            ),
            None => {
                let start =
                    body.directives.last().map_or(body.span.start + 1, |directive| directive.span.end);
                let separator = if body.directives.is_empty() { "" } else { ";" };
                self.edits.insert(start, format!("{separator}{assignments}"));
            }
        }
    }
}

fn is_super_call(statement: &Statement<'_>) -> bool {
    let Statement::ExpressionStatement(statement) = statement else { return false };
    let Expression::CallExpression(call) = &statement.expression else { return false };
    matches!(call.callee, Expression::Super(_))
}

fn is_keyword_like(key: &PropertyKey<'_>) -> bool {
    match key {
        PropertyKey::StaticIdentifier(name) => {
            matches!(name.name.as_str(), "get" | "set" | "static" | "async" | "accessor")
        }
        _ => false,
    }
}
