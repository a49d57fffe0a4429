//! Walks a Python tree for the checks before a run: scopes, names that are bound and read, calls.
//!
//! What a script does with a coroutine is marked at the place that does it, before the call is reached.

mod bind;
mod input;
mod leave;
mod path;
mod promises;

use crate::argument::{Argument, Span, Value};
use crate::preflight::{Bound, Mark, Name, Path, ScopeKind, Sketch, Source, Use};
use path::path;
use ruff_python_ast::visitor::{
    Visitor, walk_expr, walk_interpolated_string_element, walk_pattern, walk_stmt,
};
use ruff_python_ast::{
    BoolOp, CmpOp, Comprehension, ExceptHandler, Expr, ExprCall, ExprContext, InterpolatedStringElement,
    Number, Parameters, Pattern, Stmt, TypeParams,
};
use ruff_text_size::{Ranged, TextRange};
use std::collections::{BTreeSet, HashMap, HashSet};

/// By these a script reaches names that nobody can follow.
const REACH_ALL_NAMES: [&str; 5] = ["eval", "exec", "globals", "locals", "vars"];
/// By these it can bind them.
const BIND_ALL_NAMES: [&str; 6] = ["eval", "exec", "globals", "builtins", "__builtins__", "__import__"];

/// By these a name can be defined without being seen to be.
const DEFINE_NAMES: [&str; 13] = [
    "__dict__",
    "__globals__",
    "__main__",
    "f_globals",
    "f_locals",
    "import_module",
    "locals",
    "modules",
    "setattr",
    "vars",
    "currentframe",
    "meta_path",
    "path_hooks",
];

/// Makes the sketch of a script in which these words occur; `returned` are the statements whose value is the script's.
pub(super) fn sketch<'a>(body: &'a [Stmt], words: &BTreeSet<String>, returned: &BTreeSet<u32>) -> Sketch<'a> {
    // Names are used before they are bound, so that a first walk finds out which builtins are hidden.
    let mut walk = Walk::new(HashSet::new(), returned);
    walk.visit_body(body);
    let mut walk = Walk::new(walk.sketch.own, returned);
    walk.value_of(body);
    walk.visit_body(body);
    walk.sketch.modules = body.iter().flat_map(bind::modules).collect();
    walk.sketch.defines_any |= DEFINE_NAMES.iter().any(|name| words.contains(*name));
    // Paths lead through `getattr`.
    walk.sketch.writes_any |= walk.own.contains("getattr");
    walk.sketch
}

struct Walk<'a, 'r> {
    sketch: Sketch<'a>,
    /// Names that the script binds to something of its own, anywhere.
    own: HashSet<&'a str>,
    /// Statements whose value is the script's.
    returned: &'r BTreeSet<u32>,
    /// Names to be bound to elements of a list of coroutines, by where they are written.
    elements: HashMap<Span, Option<Source>>,
    /// Their bindings.
    bound: HashMap<Span, usize>,
}

fn at(range: TextRange) -> Span {
    (range.start().to_u32(), range.end().to_u32())
}

impl<'a, 'r> Walk<'a, 'r> {
    fn new(own: HashSet<&'a str>, returned: &'r BTreeSet<u32>) -> Self {
        Self { sketch: Sketch::new(), own, returned, elements: HashMap::new(), bound: HashMap::new() }
    }

    fn looped(&mut self, visit: impl FnOnce(&mut Self)) {
        self.sketch.loops += 1;
        visit(self);
        self.sketch.loops -= 1;
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

    /// The root of a path is read, to get at a member.
    fn root(&mut self, root: &Name<'a>, member: Option<&Name<'a>>) {
        if let Some(use_) = member.and_then(|member| promises::use_of_member(member.text)) {
            self.sketch.mark_anew(root.span, Mark::Use(use_));
        }
        self.reached(root.text);
        self.sketch.load(root.text, root.span);
    }

    /// By some names others are reached.
    fn reached(&mut self, name: &str) {
        self.sketch.reads_any |= REACH_ALL_NAMES.contains(&name);
        self.sketch.writes_any |= BIND_ALL_NAMES.contains(&name);
    }

    /// A call whose callee is a path.
    fn call(&mut self, call: &'a ExprCall, callee: Path<'a>) {
        self.root(&callee.root, callee.members.first());
        let input = input::input(&call.arguments, at(call.range()));
        if let Some(number) = self.sketch.call(callee, at(call.func.range()), at(call.range()), input) {
            self.use_arguments(call, Use::Given(number));
        }
    }

    /// `functools.partial(namespace.tool, …)`: a call of which not all is known.
    fn partial(&mut self, call: &'a ExprCall) {
        let is_partial = path(&call.func, self.sketch.scope()).is_some_and(|path| {
            let known = !self.own.contains(path.root.text);
            let plain = path.root.text == "partial" && path.members.is_empty();
            let member = path.members.iter().any(|member| member.text == "partial");
            known && (plain || path.root.text == "functools" && member)
        });
        let Some(tool) = call.arguments.args.first().filter(|_| is_partial) else { return };
        let Some(callee) = path(tool, self.sketch.scope()).filter(|path| !path.members.is_empty()) else {
            return;
        };
        let mut input = input::keywords(&call.arguments, at(call.range()));
        match &mut input.value {
            Value::Object { members, open } if call.arguments.args.len() == 1 => {
                *open = true;
                // The call itself may give others in their stead.
                members.iter_mut().for_each(|member| member.value.value = Value::Unknown);
            }
            _ => input = Argument::unknown(input.span),
        }
        if let Some(number) = self.sketch.call(callee, at(tool.range()), at(tool.range()), input) {
            self.sketch.calls[number].partial = true;
        }
    }

    fn takes_values(&self, function: &Expr) -> Option<Use> {
        let path = path(function, self.sketch.scope())?;
        match path.members.as_slice() {
            _ if self.own.contains(path.root.text) => None,
            [] => promises::takes_values(path.root.text),
            [member] => promises::method_takes_values(path.root.text, member.text),
            _ => None,
        }
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], elements: &[&'a Expr]) {
        self.within(ScopeKind::Block, |walk| walk.generators(generators, elements));
    }

    fn generators(&mut self, generators: &'a [Comprehension], elements: &[&'a Expr]) {
        let Some((generator, inner)) = generators.split_first() else {
            return self.looped(|walk| elements.iter().for_each(|element| walk.visit_expr(element)));
        };
        self.each(&generator.target, &generator.iter, |walk| {
            for test in &generator.ifs {
                walk.misuse(test);
                walk.visit_expr(test);
            }
            walk.generators(inner, elements);
        });
    }

    /// What has parameters that stand for types: all in it sees them.
    fn generic(&mut self, types: Option<&'a TypeParams>, visit: impl FnOnce(&mut Self)) {
        let Some(types) = types else { return visit(self) };
        self.within(ScopeKind::Block, |walk| {
            let scope = walk.sketch.scope();
            for one in types {
                walk.sketch.bind(scope, one.name().as_str(), Bound::Other);
            }
            visit(walk);
        });
    }

    fn function(&mut self, span: Span, parameters: Option<&'a Parameters>, body: impl FnOnce(&mut Self)) {
        for parameter in parameters.into_iter().flat_map(Parameters::iter_non_variadic_params) {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
        self.sketch.open_function(span);
        let scope = self.sketch.scope();
        for parameter in parameters.into_iter().flat_map(Parameters::iter) {
            self.sketch.bind(scope, parameter.name().as_str(), Bound::Other);
        }
        body(self);
        self.sketch.close();
    }
}

impl<'a> Visitor<'a> for Walk<'a, '_> {
    fn visit_body(&mut self, body: &'a [Stmt]) {
        let mut ended = false;
        self.declare_outer(body);
        for statement in body {
            self.sketch.dead += u32::from(ended);
            self.visit_stmt(statement);
            self.sketch.dead -= u32::from(ended);
            ended |=
                matches!(statement, Stmt::Return(_) | Stmt::Raise(_) | Stmt::Break(_) | Stmt::Continue(_));
        }
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Expr(expression) => {
                let statement = at(expression.range).0;
                self.drop_value(&expression.value, statement);
                if self.returned.contains(&statement) {
                    self.told(&expression.value);
                }
                if let Expr::Named(named) = &*expression.value {
                    return self.assign(std::slice::from_ref(&*named.target), &named.value);
                }
            }
            Stmt::Assign(assign) => return self.assign(&assign.targets, &assign.value),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    return self.assign(std::slice::from_ref(&*assign.target), value);
                }
                return;
            }
            Stmt::AugAssign(assign) => {
                self.misuse(&assign.value);
                if let Expr::Name(name) = &*assign.target {
                    self.sketch.load(name.id.as_str(), at(name.range));
                }
            }
            Stmt::For(each) => {
                self.misuse(&each.iter);
                self.each(&each.target, &each.iter, |walk| walk.looped(|walk| walk.visit_body(&each.body)));
                return self.visit_body(&each.orelse);
            }
            Stmt::If(branches) => {
                self.misuse(&branches.test);
                for test in branches.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref()) {
                    self.misuse(test);
                }
                if is_never(&branches.test) {
                    self.sketch.dead += 1;
                    self.visit_body(&branches.body);
                    self.sketch.dead -= 1;
                    for clause in &branches.elif_else_clauses {
                        clause.test.iter().for_each(|test| self.visit_expr(test));
                        self.visit_body(&clause.body);
                    }
                    return;
                }
            }
            Stmt::While(repeated) => self.misuse(&repeated.test),
            Stmt::Match(choice) => self.misuse(&choice.subject),
            Stmt::With(with) => {
                let lenient = with.items.iter().any(|item| is_suppress(&item.context_expr));
                if lenient {
                    return self.guarded(true, |walk| walk_stmt(walk, statement));
                }
            }
            Stmt::Try(attempt) => {
                let handles = |handler: &'a ExceptHandler| {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    !leave::always_raises(&handler.body)
                };
                let guarded =
                    attempt.handlers.iter().any(handles) || leave::may_leave_any(&attempt.finalbody);
                self.guarded(guarded, |walk| walk.visit_body(&attempt.body));
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&attempt.orelse);
                return self.visit_body(&attempt.finalbody);
            }
            Stmt::FunctionDef(function) => {
                self.sketch.bind(self.sketch.scope(), function.name.as_str(), Bound::Other);
                let span = at(function.range);
                self.sketch.functions.is_named(span, function.name.as_str());
                for decorator in &function.decorator_list {
                    let path = path(promises::function_of(&decorator.expression), self.sketch.scope());
                    if let Some(path) = path {
                        self.sketch.functions.is_given(span, path.last().text);
                    }
                    self.visit_expr(&decorator.expression);
                }
                return self.generic(function.type_params.as_deref(), |walk| {
                    walk.function(span, Some(&function.parameters), |walk| walk.visit_body(&function.body));
                });
            }
            Stmt::ClassDef(class) => {
                self.sketch.bind(self.sketch.scope(), class.name.as_str(), Bound::Other);
                class.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                return self.generic(class.type_params.as_deref(), |walk| {
                    walk.within(ScopeKind::Class, |walk| walk.visit_body(&class.body));
                });
            }
            Stmt::TypeAlias(alias) => return self.visit_expr(&alias.name),
            Stmt::Import(import) => return self.import(import),
            Stmt::ImportFrom(import) => return self.import_from(import),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => return self.name(name.id.as_str(), name.ctx, at(name.range)),
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                if let Expr::Name(name) = &*named.target {
                    // Within a comprehension it is bound around it.
                    let around = self.sketch.function_scope();
                    self.sketch.bind(around, name.id.as_str(), Bound::Other);
                }
                return;
            }
            Expr::Attribute(attribute) => {
                if let Some(path) = path(expression, self.sketch.scope()) {
                    self.root(&path.root, path.members.first());
                    return self.sketch.read(path);
                }
                if let Some(use_) = promises::use_of_member(attribute.attr.as_str()) {
                    self.used(&attribute.value, use_);
                }
                let name = attribute.attr.as_str();
                self.sketch.functions.mention(self.sketch.scope(), name, self.sketch.guards > 0, false);
            }
            Expr::Subscript(subscript) => {
                if let Some(path) = path(expression, self.sketch.scope()) {
                    self.root(&path.root, path.members.first());
                    return self.sketch.read(path);
                }
                self.used(&subscript.value, Use::Opened);
            }
            Expr::BoolOp(operation) if operation.op == BoolOp::And => {
                if let Some((_, tested)) = operation.values.split_last() {
                    tested.iter().for_each(|value| self.misuse(value));
                }
            }
            Expr::Call(call) => return self.any_call(call),
            Expr::BinOp(operation) => {
                self.misuse(&operation.left);
                self.misuse(&operation.right);
            }
            Expr::UnaryOp(operation) => self.misuse(&operation.operand),
            Expr::Compare(comparison) => {
                // `task is None` and `task in pending` ask nothing of the value.
                let of_values = comparison
                    .ops
                    .iter()
                    .all(|operator| !matches!(operator, CmpOp::Is | CmpOp::IsNot | CmpOp::In | CmpOp::NotIn));
                if of_values {
                    self.misuse(&comparison.left);
                    comparison.comparators.iter().for_each(|other| self.misuse(other));
                }
            }
            Expr::Starred(starred) => self.misuse(&starred.value),
            Expr::Dict(dict) => {
                for item in dict.items.iter().filter(|item| item.key.is_none()) {
                    self.misuse(&item.value);
                }
            }
            Expr::If(either) => self.misuse(&either.test),
            Expr::Lambda(lambda) => {
                let span = at(lambda.range);
                return self
                    .function(span, lambda.parameters.as_deref(), |walk| walk.visit_expr(&lambda.body));
            }
            Expr::ListComp(list) => return self.comprehension(&list.generators, &[&*list.elt]),
            Expr::SetComp(set) => return self.comprehension(&set.generators, &[&*set.elt]),
            Expr::Generator(generator) => {
                return self.comprehension(&generator.generators, &[&*generator.elt]);
            }
            Expr::DictComp(dict) => {
                let elements: Vec<&Expr> = dict.key.as_deref().into_iter().chain([&*dict.value]).collect();
                return self.comprehension(&dict.generators, &elements);
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        if let InterpolatedStringElement::Interpolation(interpolation) = element {
            self.misuse(&interpolation.expression);
        }
        walk_interpolated_string_element(self, element);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.sketch.bind(self.sketch.scope(), name.as_str(), Bound::Other);
        }
        caught.type_.iter().for_each(|caught| self.visit_expr(caught));
        self.visit_body(&caught.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.sketch.bind(self.sketch.scope(), name.as_str(), Bound::Other);
        }
        walk_pattern(self, pattern);
    }
}

impl<'a> Walk<'a, '_> {
    fn any_call(&mut self, call: &'a ExprCall) {
        if let Some(use_) = self.takes_values(&call.func) {
            self.use_arguments(call, use_);
        }
        self.partial(call);
        self.feature_test(call);
        let callee = path(&call.func, self.sketch.scope());
        let name = callee.as_ref().map(|path| path.last().text);
        for argument in &call.arguments.args {
            if let (Expr::Lambda(lambda), Some(name)) = (argument, name) {
                self.sketch.functions.is_given(at(lambda.range), name);
            }
        }
        match callee {
            Some(callee) => self.call(call, callee),
            None => self.visit_expr(&call.func),
        }
        let lenient = call
            .arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.as_ref().is_some_and(|name| name.as_str() == "return_exceptions"));
        self.guarded(lenient, |walk| {
            call.arguments.args.iter().for_each(|argument| walk.visit_expr(argument));
            call.arguments.keywords.iter().for_each(|keyword| walk.visit_expr(&keyword.value));
        });
    }

    /// `hasattr(namespace, "tool")` and `getattr(namespace, "tool", None)`.
    fn feature_test(&mut self, call: &'a ExprCall) {
        let Expr::Name(function) = &*call.func else { return };
        let asks = match (function.id.as_str(), &*call.arguments.args) {
            ("hasattr", [object, key]) | ("getattr", [object, key, _]) => Some((object, key)),
            _ => None,
        };
        if let Some((object, Expr::StringLiteral(key))) = asks
            && let Some(mut path) = path(object, self.sketch.scope())
        {
            path.members.push(Name { text: key.value.to_str(), span: at(key.range) });
            self.sketch.read(path);
        }
    }

    fn name(&mut self, name: &'a str, context: ExprContext, span: Span) {
        self.reached(name);
        match context {
            ExprContext::Load => {
                self.sketch.load(name, span);
                let root = Name { text: name, span };
                let path = Path { scope: Some(self.sketch.scope()), root, members: Vec::new() };
                self.sketch.read(path);
            }
            _ => self.bind_name(name, span),
        }
    }
}

/// Whether a test fails whenever the script runs.
fn is_never(test: &Expr) -> bool {
    match test {
        Expr::BooleanLiteral(literal) => !literal.value,
        Expr::NumberLiteral(literal) => {
            matches!(&literal.value, Number::Int(integer) if integer.as_i64() == Some(0))
        }
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

fn is_suppress(expression: &Expr) -> bool {
    let Expr::Call(call) = expression else { return false };
    match &*call.func {
        Expr::Name(name) => name.id.as_str() == "suppress",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "suppress",
        _ => false,
    }
}
