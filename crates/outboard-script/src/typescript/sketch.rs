//! Walks a TypeScript tree for the checks before a run: scopes, names that are bound and read, calls.
//!
//! Types are passed over. What a script does with a promise is marked at the place that does it, before the call is
//! reached.

mod bind;
mod input;
mod path;

use super::strip::is_erased;
use crate::preflight::{Bound, Mark, Name, Path, ScopeKind, Sketch};
use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, AssignmentExpression, AssignmentTarget,
    AssignmentTargetPropertyIdentifier, BinaryExpression, BinaryOperator, BlockStatement, CallExpression,
    CatchClause, Class, ClassType, ComputedMemberExpression, ConditionalExpression, DoWhileStatement,
    Expression, ExpressionStatement, ForInStatement, ForOfStatement, ForStatement, Function, FunctionType,
    IdentifierReference, IfStatement, Program, SequenceExpression, SimpleAssignmentTarget, SpreadElement,
    Statement, StaticBlock, StaticMemberExpression, SwitchStatement, TSEnumDeclaration,
    TSInterfaceDeclaration, TSTypeAliasDeclaration, TSTypeAnnotation, TSTypeParameterDeclaration,
    TSTypeParameterInstantiation, TaggedTemplateExpression, TemplateLiteral, TryStatement, UnaryExpression,
    UnaryOperator, VariableDeclaration, WhileStatement, WithStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;
use path::{path, peel};
use std::collections::HashSet;

/// Makes the sketch of a program.
pub(super) fn sketch<'a>(program: &Program<'a>) -> Sketch<'a> {
    // Names are used before they are bound, so that a first walk finds out which builtins are hidden.
    let mut walk = Walk { sketch: Sketch::new(), own: HashSet::new() };
    walk.visit_program(program);
    let mut walk = Walk { sketch: Sketch::new(), own: walk.sketch.own };
    walk.visit_program(program);
    walk.sketch
}

struct Walk<'a> {
    sketch: Sketch<'a>,
    /// Names that the script binds, anywhere.
    own: HashSet<&'a str>,
}

fn at(span: Span) -> (u32, u32) {
    (span.start, span.end)
}

impl<'a> Walk<'a> {
    fn within(&mut self, kind: ScopeKind, visit: impl FnOnce(&mut Self)) {
        self.sketch.open(kind);
        visit(self);
        self.sketch.close();
    }

    /// `expression` stands where a promise makes no sense.
    fn misuse(&mut self, expression: &Expression<'a>) {
        let expression = peel(expression);
        if matches!(expression, Expression::CallExpression(_) | Expression::Identifier(_)) {
            self.sketch.mark(at(expression.span()), Mark::Misused);
        }
    }

    fn misuse_all(&mut self, call: &CallExpression<'a>) {
        for argument in call.arguments.iter().filter_map(|argument| argument.as_expression()) {
            self.misuse(argument);
        }
    }

    /// Nobody gets what `expression` gives.
    fn drop_value(&mut self, expression: &Expression<'a>, statement: u32) {
        match peel(expression) {
            Expression::CallExpression(call) => self.sketch.mark(at(call.span), Mark::Dropped(statement)),
            Expression::LogicalExpression(logical) => self.drop_value(&logical.right, statement),
            Expression::ConditionalExpression(either) => {
                self.drop_value(&either.consequent, statement);
                self.drop_value(&either.alternate, statement);
            }
            Expression::SequenceExpression(sequence) => {
                if let Some(last) = sequence.expressions.last() {
                    self.drop_value(last, statement);
                }
            }
            _ => {}
        }
    }

    fn guarded(&mut self, guarded: bool, visit: impl FnOnce(&mut Self)) {
        self.sketch.guards += u32::from(guarded);
        visit(self);
        self.sketch.guards -= u32::from(guarded);
    }

    fn dead(&mut self, dead: bool, visit: impl FnOnce(&mut Self)) {
        self.sketch.dead += u32::from(dead);
        visit(self);
        self.sketch.dead -= u32::from(dead);
    }

    /// A member that is read and not called.
    fn member(&mut self, expression: &Expression<'a>) -> bool {
        let Some(path) = path(expression, self.sketch.scope()) else { return false };
        if path.members.is_empty() {
            return false;
        }
        self.root(&path.root, path.members.first().map(|member| member.text));
        self.sketch.read(path);
        true
    }

    /// The root of a path is read, to get at a member.
    fn root(&mut self, root: &Name<'a>, member: Option<&str>) {
        if member.is_some_and(|member| !OF_PROMISES.contains(&member)) {
            self.sketch.mark(root.span, Mark::Misused);
        }
        self.sketch.load(root.text, root.span);
    }

    /// The object of a member access that is no path.
    fn object(&mut self, object: &Expression<'a>, member: Option<&str>) {
        if member.is_some_and(|member| !OF_PROMISES.contains(&member)) {
            self.misuse(object);
        }
        let caught = member.is_some_and(|member| matches!(member, "catch" | "then"));
        self.guarded(caught, |walk| walk.visit_expression(object));
    }
}

/// What a promise has.
const OF_PROMISES: [&str; 5] = ["then", "catch", "finally", "constructor", "toString"];
/// Functions that can do nothing with a promise.
const TAKE_VALUES: [&str; 7] = ["String", "Number", "Boolean", "parseInt", "parseFloat", "isNaN", "isFinite"];
const TAKE_VALUES_TOO: [(&str, &str); 13] = [
    ("JSON", "stringify"),
    ("JSON", "parse"),
    ("Object", "keys"),
    ("Object", "values"),
    ("Object", "entries"),
    ("Object", "fromEntries"),
    ("Array", "isArray"),
    ("Math", "max"),
    ("Math", "min"),
    ("console", "log"),
    ("console", "info"),
    ("console", "table"),
    ("console", "error"),
];
/// Functions that make code of text.
const RUN_TEXT: [&str; 3] = ["eval", "Function", "AsyncFunction"];

impl<'a> Visit<'a> for Walk<'a> {
    fn visit_statements(&mut self, statements: &oxc_allocator::Vec<'a, Statement<'a>>) {
        let mut ended = false;
        for statement in statements {
            let hoisted = matches!(statement, Statement::FunctionDeclaration(_));
            self.dead(ended && !hoisted, |walk| walk.visit_statement(statement));
            ended |= matches!(
                statement,
                Statement::ReturnStatement(_)
                    | Statement::ThrowStatement(_)
                    | Statement::BreakStatement(_)
                    | Statement::ContinueStatement(_)
            );
        }
    }

    fn visit_statement(&mut self, statement: &Statement<'a>) {
        if !is_erased(statement) {
            walk::walk_statement(self, statement);
        }
    }

    fn visit_expression_statement(&mut self, statement: &ExpressionStatement<'a>) {
        self.drop_value(&statement.expression, statement.span.start);
        walk::walk_expression_statement(self, statement);
    }

    fn visit_sequence_expression(&mut self, sequence: &SequenceExpression<'a>) {
        if let Some((_, dropped)) = sequence.expressions.split_last() {
            dropped.iter().for_each(|expression| self.drop_value(expression, u32::MAX));
        }
        walk::walk_sequence_expression(self, sequence);
    }

    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        let name = identifier.name.as_str();
        self.sketch.load(name, at(identifier.span));
        // To have what makes code of text is to call it.
        self.sketch.writes_any |= RUN_TEXT.contains(&name);
        let root = Name { text: name, span: at(identifier.span) };
        let path = Path { scope: Some(self.sketch.scope()), root, members: Vec::new() };
        self.sketch.read(path);
    }

    fn visit_expression(&mut self, expression: &Expression<'a>) {
        let is_member = matches!(
            expression,
            Expression::StaticMemberExpression(_) | Expression::ComputedMemberExpression(_)
        );
        if !(is_member && self.member(expression)) {
            walk::walk_expression(self, expression);
        }
    }

    fn visit_static_member_expression(&mut self, member: &StaticMemberExpression<'a>) {
        self.object(&member.object, Some(member.property.name.as_str()));
    }

    fn visit_computed_member_expression(&mut self, member: &ComputedMemberExpression<'a>) {
        let key = match &member.expression {
            Expression::StringLiteral(key) => Some(key.value.as_str()),
            Expression::NumericLiteral(_) => Some("0"),
            _ => None,
        };
        self.object(&member.object, key);
        self.visit_expression(&member.expression);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let path = path(&call.callee, self.sketch.scope());
        let settles = match path.as_ref().map(|path| (path.root.text, path.members.as_slice())) {
            Some((root, _)) if self.own.contains(root) => false,
            Some((function, [])) if TAKE_VALUES.contains(&function) => {
                self.misuse_all(call);
                false
            }
            Some((object, [function])) => {
                if TAKE_VALUES_TOO.contains(&(object, function.text)) {
                    self.misuse_all(call);
                }
                (object, function.text) == ("Promise", "allSettled")
            }
            _ => false,
        };
        match path {
            Some(path) if !path.members.is_empty() => {
                self.root(&path.root, path.members.first().map(|member| member.text));
                let optional = call.optional;
                let input = input::input(call);
                self.guarded(optional, |walk| {
                    walk.sketch.call(path, at(call.callee.span()), at(call.span), input);
                });
            }
            _ => self.visit_expression(&call.callee),
        }
        self.guarded(settles, |walk| walk.visit_arguments(&call.arguments));
    }

    fn visit_template_literal(&mut self, template: &TemplateLiteral<'a>) {
        template.expressions.iter().for_each(|expression| self.misuse(expression));
        walk::walk_template_literal(self, template);
    }

    fn visit_tagged_template_expression(&mut self, tagged: &TaggedTemplateExpression<'a>) {
        // The tag gets the promises themselves.
        self.visit_expression(&tagged.tag);
        tagged.quasi.expressions.iter().for_each(|expression| self.visit_expression(expression));
    }

    fn visit_spread_element(&mut self, spread: &SpreadElement<'a>) {
        self.misuse(&spread.argument);
        walk::walk_spread_element(self, spread);
    }

    fn visit_binary_expression(&mut self, binary: &BinaryExpression<'a>) {
        // `pending === undefined` and `promise instanceof Promise` ask nothing of the value.
        let of_values = !matches!(
            binary.operator,
            BinaryOperator::Equality
                | BinaryOperator::Inequality
                | BinaryOperator::StrictEquality
                | BinaryOperator::StrictInequality
                | BinaryOperator::In
                | BinaryOperator::Instanceof
        );
        if of_values {
            self.misuse(&binary.left);
            self.misuse(&binary.right);
        }
        walk::walk_binary_expression(self, binary);
    }

    fn visit_unary_expression(&mut self, unary: &UnaryExpression<'a>) {
        let of_values = matches!(
            unary.operator,
            UnaryOperator::LogicalNot
                | UnaryOperator::UnaryNegation
                | UnaryOperator::UnaryPlus
                | UnaryOperator::BitwiseNot
        );
        if of_values {
            self.misuse(&unary.argument);
        }
        walk::walk_unary_expression(self, unary);
    }

    fn visit_conditional_expression(&mut self, conditional: &ConditionalExpression<'a>) {
        self.misuse(&conditional.test);
        walk::walk_conditional_expression(self, conditional);
    }

    fn visit_if_statement(&mut self, branches: &IfStatement<'a>) {
        self.misuse(&branches.test);
        self.visit_expression(&branches.test);
        let never = is_never(&branches.test);
        self.dead(never, |walk| walk.visit_statement(&branches.consequent));
        if let Some(alternate) = &branches.alternate {
            self.visit_statement(alternate);
        }
    }

    fn visit_while_statement(&mut self, repeated: &WhileStatement<'a>) {
        self.misuse(&repeated.test);
        walk::walk_while_statement(self, repeated);
    }

    fn visit_do_while_statement(&mut self, repeated: &DoWhileStatement<'a>) {
        self.misuse(&repeated.test);
        walk::walk_do_while_statement(self, repeated);
    }

    fn visit_for_statement(&mut self, repeated: &ForStatement<'a>) {
        self.within(ScopeKind::Block, |walk| walk::walk_for_statement(walk, repeated));
    }

    fn visit_for_of_statement(&mut self, each: &ForOfStatement<'a>) {
        if !each.r#await {
            self.misuse(&each.right);
        }
        self.within(ScopeKind::Block, |walk| walk::walk_for_of_statement(walk, each));
    }

    fn visit_for_in_statement(&mut self, each: &ForInStatement<'a>) {
        self.misuse(&each.right);
        self.within(ScopeKind::Block, |walk| walk::walk_for_in_statement(walk, each));
    }

    fn visit_block_statement(&mut self, block: &BlockStatement<'a>) {
        self.within(ScopeKind::Block, |walk| walk::walk_block_statement(walk, block));
    }

    fn visit_switch_statement(&mut self, switch: &SwitchStatement<'a>) {
        self.within(ScopeKind::Block, |walk| walk::walk_switch_statement(walk, switch));
    }

    fn visit_static_block(&mut self, block: &StaticBlock<'a>) {
        self.within(ScopeKind::Function, |walk| walk::walk_static_block(walk, block));
    }

    fn visit_with_statement(&mut self, with: &WithStatement<'a>) {
        self.sketch.writes_any = true;
        walk::walk_with_statement(self, with);
    }

    fn visit_try_statement(&mut self, attempt: &TryStatement<'a>) {
        self.guarded(attempt.handler.is_some(), |walk| walk.visit_block_statement(&attempt.block));
        if let Some(handler) = &attempt.handler {
            self.visit_catch_clause(handler);
        }
        if let Some(finalizer) = &attempt.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_catch_clause(&mut self, handler: &CatchClause<'a>) {
        self.within(ScopeKind::Block, |walk| {
            if let Some(parameter) = &handler.param {
                walk.bind_pattern(&parameter.pattern, walk.sketch.scope());
            }
            walk.visit_block_statement(&handler.body);
        });
    }

    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        self.declare(declaration);
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        if let Some(name) = &function.id
            && function.r#type == FunctionType::FunctionDeclaration
        {
            self.sketch.bind(self.sketch.scope(), name.name.as_str(), Bound::Other);
            let around = self.sketch.function_scope();
            self.sketch.bind(around, name.name.as_str(), Bound::Other);
        }
        let _ = flags;
        self.within(ScopeKind::Function, |walk| {
            if let Some(name) = &function.id {
                walk.sketch.bind(walk.sketch.scope(), name.name.as_str(), Bound::Other);
            }
            walk.bind_parameters(&function.params);
            if let Some(body) = &function.body {
                walk.visit_statements(&body.statements);
            }
        });
    }

    fn visit_arrow_function_expression(&mut self, arrow: &ArrowFunctionExpression<'a>) {
        self.within(ScopeKind::Function, |walk| {
            walk.bind_parameters(&arrow.params);
            match &arrow.body {
                ArrowFunctionBody::FunctionBody(body) => walk.visit_statements(&body.statements),
                body => {
                    if let Some(expression) = body.as_expression() {
                        walk.visit_expression(expression);
                    }
                }
            }
        });
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        if let Some(name) = &class.id
            && class.r#type == ClassType::ClassDeclaration
        {
            self.sketch.bind(self.sketch.scope(), name.name.as_str(), Bound::Other);
        }
        self.within(ScopeKind::Block, |walk| {
            if let Some(name) = &class.id {
                walk.sketch.bind(walk.sketch.scope(), name.name.as_str(), Bound::Other);
            }
            walk::walk_class(walk, class);
        });
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        if let AssignmentTarget::ObjectAssignmentTarget(_) | AssignmentTarget::ArrayAssignmentTarget(_) =
            &assignment.left
        {
            self.misuse(&assignment.right);
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_simple_assignment_target(&mut self, target: &SimpleAssignmentTarget<'a>) {
        match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => {
                self.sketch.assign(name.name.as_str());
            }
            SimpleAssignmentTarget::StaticMemberExpression(member) if is_global(&member.object) => {
                self.sketch.published.insert(member.property.name.as_str());
            }
            _ => walk::walk_simple_assignment_target(self, target),
        }
    }

    fn visit_assignment_target_property_identifier(
        &mut self,
        property: &AssignmentTargetPropertyIdentifier<'a>,
    ) {
        self.sketch.assign(property.binding.name.as_str());
        if let Some(default) = &property.init {
            self.visit_expression(default);
        }
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        self.sketch.bind(self.sketch.scope(), declaration.id.name.as_str(), Bound::Other);
    }

    fn visit_ts_interface_declaration(&mut self, _: &TSInterfaceDeclaration<'a>) {}
    fn visit_ts_type_alias_declaration(&mut self, _: &TSTypeAliasDeclaration<'a>) {}
    fn visit_ts_type_annotation(&mut self, _: &TSTypeAnnotation<'a>) {}
    fn visit_ts_type_parameter_declaration(&mut self, _: &TSTypeParameterDeclaration<'a>) {}
    fn visit_ts_type_parameter_instantiation(&mut self, _: &TSTypeParameterInstantiation<'a>) {}
}

/// Whether a test fails whenever the script runs.
fn is_never(test: &Expression<'_>) -> bool {
    match peel(test) {
        Expression::BooleanLiteral(literal) => !literal.value,
        Expression::NumericLiteral(literal) => literal.value == 0.0,
        Expression::NullLiteral(_) => true,
        _ => false,
    }
}

fn is_global(object: &Expression<'_>) -> bool {
    matches!(peel(object), Expression::Identifier(name) if name.name == "globalThis")
}
