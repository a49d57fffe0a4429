//! Declarations: which names a pattern binds, and to what where that is followed. Part of the walk in `sketch`.
//! It follows only what is bound to a path or a call; everything else is bound to something unknown.

use super::path::{path, peel};
use super::promises::function_span;
use super::{Walk, at};
use crate::preflight::{Bound, Name, Path, ScopeId};
use oxc_ast::ast::{
    BindingPattern, Expression, FormalParameters, PropertyKey, VariableDeclaration, VariableDeclarationKind,
};
use oxc_ast_visit::Visit;
use oxc_span::GetSpan;

/// Names that the global object goes by.
const GLOBAL_OBJECTS: [&str; 4] = ["globalThis", "window", "self", "global"];

impl<'a> Walk<'a> {
    pub(super) fn declare(&mut self, declaration: &VariableDeclaration<'a>) {
        let scope = match declaration.kind {
            VariableDeclarationKind::Var => self.sketch.function_scope(),
            _ => self.sketch.scope(),
        };
        for declarator in &declaration.declarations {
            match &declarator.init {
                None => self.bind_pattern(&declarator.id, scope),
                Some(init) => self.initialise(&declarator.id, scope, init),
            }
        }
    }

    fn initialise(&mut self, pattern: &BindingPattern<'a>, scope: ScopeId, init: &Expression<'a>) {
        if let Some(path) = path(init, self.sketch.scope()) {
            self.sketch.load(path.root.text, path.root.span);
            // What comes of the global object under another name is not followed.
            self.sketch.defines_any |= path.members.is_empty() && GLOBAL_OBJECTS.contains(&path.root.text);
            return self.bind_path(pattern, scope, path);
        }
        let is_call = matches!(peel(init), Expression::CallExpression(_));
        if !matches!(pattern, BindingPattern::BindingIdentifier(_)) {
            self.misuse(init);
        }
        if let (BindingPattern::BindingIdentifier(name), Some(span)) = (pattern, function_span(init)) {
            self.sketch.functions.is_named(span, name.name.as_str());
        }
        let many = self.list(init);
        let before = self.sketch.calls.len();
        self.visit_expression(init);
        // A name that begins with `_` says that nobody cares.
        if let (BindingPattern::BindingIdentifier(name), Some(source)) = (pattern, self.source(many, before))
            && !name.name.starts_with('_')
        {
            self.sketch.bind(scope, name.name.as_str(), Bound::Each(source));
            return;
        }
        // A call is recorded before those among its arguments.
        let call = self.sketch.calls.get(before).filter(|call| is_call && call.span == at(peel(init).span()));
        match (pattern, call) {
            (BindingPattern::BindingIdentifier(name), Some(_)) if !name.name.starts_with('_') => {
                self.sketch.bind(scope, name.name.as_str(), Bound::Call(before));
            }
            _ => self.bind_pattern(pattern, scope),
        }
    }

    /// `const { tool } = namespace`.
    fn bind_path(&mut self, pattern: &BindingPattern<'a>, scope: ScopeId, path: Path<'a>) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => {
                self.sketch.bind(scope, name.name.as_str(), Bound::Path(path));
            }
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let key = match &property.key {
                        PropertyKey::StaticIdentifier(name) => Some((name.name.as_str(), name.span)),
                        PropertyKey::StringLiteral(text) => Some((text.value.as_str(), text.span)),
                        _ => None,
                    };
                    match key {
                        Some((text, span)) => {
                            let mut path = path.clone();
                            path.members.push(Name { text, span: at(span) });
                            self.bind_path(&property.value, scope, path);
                        }
                        None => {
                            self.visit_property_key(&property.key);
                            self.bind_pattern(&property.value, scope);
                        }
                    }
                }
                if let Some(rest) = &object.rest {
                    self.bind_pattern(&rest.argument, scope);
                }
            }
            other => self.bind_pattern(other, scope),
        }
    }

    /// Binds all names of a pattern to what is not followed.
    pub(super) fn bind_pattern(&mut self, pattern: &BindingPattern<'a>, scope: ScopeId) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => {
                self.bind_name(scope, name.name.as_str(), at(name.span));
            }
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    if property.computed {
                        self.visit_property_key(&property.key);
                    }
                    self.bind_pattern(&property.value, scope);
                }
                if let Some(rest) = &object.rest {
                    self.bind_pattern(&rest.argument, scope);
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for element in array.elements.iter().flatten() {
                    self.bind_pattern(element, scope);
                }
                if let Some(rest) = &array.rest {
                    self.bind_pattern(&rest.argument, scope);
                }
            }
            BindingPattern::AssignmentPattern(assignment) => {
                self.bind_pattern(&assignment.left, scope);
                self.visit_expression(&assignment.right);
            }
        }
    }

    pub(super) fn bind_parameters(&mut self, parameters: &FormalParameters<'a>) {
        let scope = self.sketch.scope();
        for parameter in &parameters.items {
            self.bind_pattern(&parameter.pattern, scope);
            if let Some(default) = &parameter.initializer {
                self.visit_expression(default);
            }
        }
        if let Some(rest) = &parameters.rest {
            self.bind_pattern(&rest.rest.argument, scope);
        }
    }
}
