//! Walks a TypeScript tree for the checks before a run: scopes, names that are bound and read, calls.
//!
//! Types are passed over. What a script does with a promise is marked at the place that does it, before the call is
//! reached.

mod bind;
mod input;
mod leave;
mod path;
mod promises;

use super::strip::is_erased;
use crate::preflight::{Bound, Mark, Name, Path, ScopeId, ScopeKind, Sketch, Source, Use};
use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, AssignmentExpression, AssignmentTarget,
    AssignmentTargetPropertyIdentifier, BinaryExpression, BinaryOperator, BindingPattern, BlockStatement,
    CallExpression, CatchClause, Class, ClassType, ComputedMemberExpression, ConditionalExpression,
    DoWhileStatement, Expression, ExpressionStatement, ForInStatement, ForOfStatement, ForStatement,
    ForStatementLeft, Function, FunctionType, IdentifierReference, IfStatement, LogicalExpression,
    LogicalOperator, MethodDefinition, NewExpression, ObjectProperty, Program, PropertyDefinition,
    PropertyKey, ReturnStatement, SequenceExpression, SimpleAssignmentTarget, SpreadElement, Statement,
    StaticBlock, StaticMemberExpression, SwitchStatement, TSEnumDeclaration, TSInterfaceDeclaration,
    TSTypeAliasDeclaration, TSTypeAnnotation, TSTypeParameterDeclaration, TSTypeParameterInstantiation,
    TaggedTemplateExpression, TemplateLiteral, TryStatement, UnaryExpression, UnaryOperator,
    VariableDeclaration, WhileStatement, WithStatement,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;
use path::{path, peel};
use promises::{Element, Many, function_span};
use std::collections::{HashMap, HashSet};

/// Makes the sketch of a program.
pub(super) fn sketch<'a>(program: &Program<'a>) -> Sketch<'a> {
    // Names are used before they are bound, so that a first walk finds out which builtins are hidden.
    let mut walk = Walk::new(HashSet::new(), false);
    walk.visit_program(program);
    let own_for_each = walk.sketch.functions.has("forEach");
    let mut walk = Walk::new(walk.sketch.own, own_for_each);
    walk.visit_program(program);
    walk.sketch
}

struct Walk<'a> {
    sketch: Sketch<'a>,
    /// Names that the script binds, anywhere.
    own: HashSet<&'a str>,
    /// It has a `forEach` of its own, which may wait.
    own_for_each: bool,
    /// Numbers of asynchronous callbacks, by where they are written.
    callbacks: HashMap<(u32, u32), usize>,
    /// Names to be bound to elements of a list of promises, by where they are written.
    elements: HashMap<(u32, u32), Option<Source>>,
    /// Their bindings.
    bound: HashMap<(u32, u32), usize>,
    /// Names of the classes around.
    classes: Vec<&'a str>,
}

fn at(span: Span) -> (u32, u32) {
    (span.start, span.end)
}

impl<'a> Walk<'a> {
    fn new(own: HashSet<&'a str>, own_for_each: bool) -> Self {
        Self {
            sketch: Sketch::new(),
            own,
            own_for_each,
            callbacks: HashMap::new(),
            elements: HashMap::new(),
            bound: HashMap::new(),
            classes: Vec::new(),
        }
    }

    fn function(&mut self, span: Span, visit: impl FnOnce(&mut Self)) {
        self.sketch.open_function(at(span));
        visit(self);
        self.sketch.close();
    }

    fn within(&mut self, kind: ScopeKind, visit: impl FnOnce(&mut Self)) {
        self.sketch.open(kind);
        visit(self);
        self.sketch.close();
    }

    fn guarded(&mut self, guarded: bool, visit: impl FnOnce(&mut Self)) {
        if guarded {
            self.sketch.begin_guard();
        }
        visit(self);
        if guarded {
            self.sketch.end_guard();
        }
    }

    fn looped(&mut self, looped: bool, visit: impl FnOnce(&mut Self)) {
        self.sketch.loops += u32::from(looped);
        visit(self);
        self.sketch.loops -= u32::from(looped);
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
        if let Some(use_) = member.and_then(promises::use_of_member) {
            self.sketch.mark_anew(root.span, Mark::Use(use_));
        }
        self.sketch.writes_any |= RUN_TEXT.contains(&root.text);
        self.sketch.load(root.text, root.span);
    }

    /// A call whose callee is a path.
    fn tool_call(&mut self, call: &CallExpression<'a>, path: Path<'a>) {
        let (optional, input) = (call.optional, input::input(call));
        let number = self.sketch.call(path, at(call.callee.span()), at(call.span), input);
        if let Some(number) = number {
            self.sketch.calls[number].guarded |= optional;
            self.use_arguments(call, Use::Given(number));
        }
    }

    /// A callee that is no path: a method of what another call gives, or a function that is called where it stands.
    fn visit_callee(&mut self, call: &CallExpression<'a>, element: Option<&Element>) {
        if let Some(span) = function_span(&call.callee) {
            self.sketch.functions.is_called(span);
        }
        let Expression::StaticMemberExpression(member) = peel(&call.callee) else {
            return self.visit_expression(&call.callee);
        };
        let many = self.list(&member.object);
        let joined = member.property.name == "join" || matches!(element, Some(Element::Parts));
        if let (Some(Many::Call(span)), true) = (many, joined) {
            self.sketch.mark(span, Mark::Use(Use::Misused));
        }
        if let (Some(Many::Callback(number)), true) = (many, joined) {
            self.sketch.callbacks[number].dropped = Some(u32::MAX);
        }
        let before = self.sketch.calls.len();
        self.visit_expression(&call.callee);
        if let (Some(source), Some(Element::Name(span))) = (self.source(many, before), element) {
            self.elements.insert(*span, Some(source));
        }
    }

    /// Functions among the arguments are called by whom they are given to.
    fn name_arguments(&mut self, call: &CallExpression<'a>, callee: Option<&'a str>) {
        let Some(callee) = callee else { return };
        for argument in call.arguments.iter().filter_map(|argument| argument.as_expression()) {
            if let Some(span) = function_span(argument) {
                self.sketch.functions.is_given(span, callee);
            }
        }
    }

    /// The object of a member access that is no path.
    fn object(&mut self, object: &Expression<'a>, member: Option<&'a str>) {
        if let Some(use_) = member.and_then(promises::use_of_member) {
            self.used(object, use_);
        }
        if let Some(member) = member {
            self.sketch.functions.mention(self.sketch.scope(), member, self.sketch.guards > 0, false);
        }
        let caught = member.is_some_and(|member| matches!(member, "catch" | "then"));
        self.guarded(caught, |walk| walk.visit_expression(object));
    }
}

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
        // A script may be a function.
        if let Some(span) = function_span(&statement.expression) {
            self.sketch.functions.is_called(span);
        }
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
            _ => None,
        };
        if matches!(member.expression, Expression::NumericLiteral(_)) {
            self.used(&member.object, Use::Opened);
        }
        self.object(&member.object, key);
        self.visit_expression(&member.expression);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let path = path(&call.callee, self.sketch.scope());
        let known = path.as_ref().filter(|path| !self.own.contains(path.root.text));
        let known = known.map(|path| (path.root.text, path.members.first().map(|member| member.text)));
        let takes_values = match known {
            Some((function, None)) => promises::takes_values(function),
            Some((object, Some(method))) => promises::method_takes_values(object, method),
            None => false,
        };
        if takes_values {
            self.use_arguments(call, Use::Misused);
        }
        if matches!(known, Some((object, Some(method))) if promises::method_hands_on(object, method)) {
            for argument in call.arguments.iter().filter_map(|argument| argument.as_expression()) {
                self.misuse(argument);
            }
        }
        self.drop_of_each(call);
        let method = match peel(&call.callee) {
            Expression::StaticMemberExpression(member) => Some(member.property.name.as_str()),
            _ => None,
        };
        self.name_arguments(call, path.as_ref().map(|path| path.last().text).or(method));
        let element = method.and_then(|method| Self::element_of(method, call));
        let mut through = None;
        match path {
            Some(path) => {
                let opened = path.members.first().map(|member| member.text);
                through = (path.members.len() == 1).then_some(self.sketch.loads.len());
                self.root(&path.root, opened);
                self.tool_call(call, path);
            }
            None => self.visit_callee(call, element.as_ref()),
        }
        if let (Some(Element::Name(span)), Some(_)) = (&element, through) {
            self.elements.insert(*span, None);
        }
        let looped = method.is_some_and(promises::calls_for_each);
        self.guarded(known == Some(("Promise", Some("allSettled"))), |walk| {
            walk.looped(looped, |walk| walk.visit_arguments(&call.arguments));
        });
        if let (Some(element), Some(load)) = (element, through) {
            self.went_through(load, &element);
        }
    }

    fn visit_new_expression(&mut self, made: &NewExpression<'a>) {
        if let Expression::Identifier(class) = peel(&made.callee) {
            let of_values =
                promises::is_made_of_values(&class.name) && !self.own.contains(class.name.as_str());
            for argument in made.arguments.iter().filter_map(|argument| argument.as_expression()) {
                if of_values {
                    self.misuse(argument);
                }
                if let Some(span) = function_span(argument) {
                    self.sketch.functions.is_given(span, class.name.as_str());
                }
            }
        }
        walk::walk_new_expression(self, made);
    }

    fn visit_return_statement(&mut self, statement: &ReturnStatement<'a>) {
        if let Some(value) =
            statement.argument.as_ref().filter(|_| self.sketch.function_scope() == ScopeId::SCRIPT)
        {
            self.returned(value);
        }
        walk::walk_return_statement(self, statement);
    }

    fn visit_logical_expression(&mut self, logical: &LogicalExpression<'a>) {
        if logical.operator == LogicalOperator::And {
            self.misuse(&logical.left);
        }
        walk::walk_logical_expression(self, logical);
    }

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if let (Some(span), Some(name)) = (function_span(&property.value), key_of(&property.key)) {
            self.sketch.functions.is_member(span, name);
        }
        walk::walk_object_property(self, property);
    }

    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        if let Some(name) = key_of(&method.key) {
            let name =
                if name == "constructor" { self.classes.last().copied().unwrap_or(name) } else { name };
            self.sketch.functions.is_named(at(method.value.span), name);
        }
        walk::walk_method_definition(self, method);
    }

    fn visit_property_definition(&mut self, property: &PropertyDefinition<'a>) {
        let function = property.value.as_ref().and_then(function_span);
        if let (Some(span), Some(name)) = (function, key_of(&property.key)) {
            self.sketch.functions.is_named(span, name);
        }
        walk::walk_property_definition(self, property);
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
        self.looped(true, |walk| {
            walk.within(ScopeKind::Block, |walk| walk::walk_for_statement(walk, repeated));
        });
    }

    fn visit_for_of_statement(&mut self, each: &ForOfStatement<'a>) {
        // A promise is no list, not even of promises.
        if !each.r#await || matches!(peel(&each.right), Expression::CallExpression(_)) {
            self.misuse(&each.right);
        }
        let element = match &each.left {
            ForStatementLeft::VariableDeclaration(declaration) if !each.r#await => {
                declaration.declarations.first().and_then(|first| match &first.id {
                    BindingPattern::BindingIdentifier(name) => Some(Element::Name(at(name.span))),
                    BindingPattern::ObjectPattern(_) | BindingPattern::ArrayPattern(_) => {
                        Some(Element::Parts)
                    }
                    BindingPattern::AssignmentPattern(_) => None,
                })
            }
            _ => None,
        };
        let named = matches!(peel(&each.right), Expression::Identifier(_));
        self.within(ScopeKind::Block, |walk| {
            let before = walk.sketch.calls.len();
            let many = if named { None } else { walk.list(&each.right) };
            let load = walk.sketch.loads.len();
            walk.visit_expression(&each.right);
            let source = walk.source(many, before);
            if let Some(Element::Name(span)) = &element
                && (named || source.is_some())
            {
                walk.elements.insert(*span, source);
            }
            walk.looped(true, |walk| {
                walk.visit_for_statement_left(&each.left);
                walk.visit_statement(&each.body);
            });
            if let (Some(element), true) = (&element, named) {
                walk.went_through(load, element);
            }
        });
    }

    fn visit_for_in_statement(&mut self, each: &ForInStatement<'a>) {
        self.misuse(&each.right);
        self.looped(true, |walk| {
            walk.within(ScopeKind::Block, |walk| walk::walk_for_in_statement(walk, each));
        });
    }

    fn visit_block_statement(&mut self, block: &BlockStatement<'a>) {
        self.within(ScopeKind::Block, |walk| walk::walk_block_statement(walk, block));
    }

    fn visit_switch_statement(&mut self, switch: &SwitchStatement<'a>) {
        self.misuse(&switch.discriminant);
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
        let handled =
            attempt.handler.as_ref().is_some_and(|handler| !leave::always_throws(&handler.body.body));
        let silenced = attempt.finalizer.as_ref().is_some_and(|last| leave::may_leave_any(&last.body));
        self.guarded(handled || silenced, |walk| walk.visit_block_statement(&attempt.block));
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

    fn visit_function(&mut self, function: &Function<'a>, _: ScopeFlags) {
        if let Some(name) = &function.id {
            self.sketch.functions.is_named(at(function.span), name.name.as_str());
            if function.r#type == FunctionType::FunctionDeclaration {
                self.sketch.bind(self.sketch.scope(), name.name.as_str(), Bound::Other);
                let around = self.sketch.function_scope();
                self.sketch.bind(around, name.name.as_str(), Bound::Other);
            }
        } else if function.r#type == FunctionType::FunctionDeclaration {
            // `export default function () {}` is the script.
            self.sketch.functions.is_called(at(function.span));
        }
        self.function(function.span, |walk| {
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
        self.function(arrow.span, |walk| {
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
            let name = class.id.as_ref().map_or("", |name| name.name.as_str());
            walk.classes.push(name);
            walk::walk_class(walk, class);
            walk.classes.pop();
        });
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        if let AssignmentTarget::ObjectAssignmentTarget(_) | AssignmentTarget::ArrayAssignmentTarget(_) =
            &assignment.left
        {
            self.misuse(&assignment.right);
        }
        if assignment.operator.is_arithmetic() {
            self.misuse(&assignment.right);
        }
        let target = match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => Some(name.name.as_str()),
            AssignmentTarget::StaticMemberExpression(member) => Some(member.property.name.as_str()),
            _ => None,
        };
        if let (Some(span), Some(name)) = (function_span(&assignment.right), target) {
            self.sketch.functions.is_member(span, name);
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

/// The name of a member.
fn key_of<'a>(key: &PropertyKey<'a>) -> Option<&'a str> {
    match key {
        PropertyKey::StaticIdentifier(name) => Some(name.name.as_str()),
        PropertyKey::StringLiteral(text) => Some(text.value.as_str()),
        _ => None,
    }
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
