//! Walks a Python tree for the checks before a run: scopes, names that are bound and read, calls.
//!
//! What a script does with a coroutine is marked at the place that does it, before the call is reached.

mod bind;
mod input;
mod path;

use crate::argument::{Argument, Span, Value};
use crate::preflight::{Bound, Mark, Name, Path, ScopeKind, Sketch};
use path::path;
use ruff_python_ast::visitor::{
    Visitor, walk_expr, walk_interpolated_string_element, walk_pattern, walk_stmt,
};
use ruff_python_ast::{
    CmpOp, Comprehension, Expr, ExprCall, ExprContext, InterpolatedStringElement, Number, Parameters,
    Pattern, Stmt, TypeParams,
};
use ruff_text_size::{Ranged, TextRange};
use std::collections::{BTreeSet, HashSet};

/// Functions that take a value and can do nothing with a coroutine.
const TAKE_VALUES: [&str; 22] = [
    "all",
    "any",
    "bool",
    "dict",
    "enumerate",
    "filter",
    "float",
    "int",
    "len",
    "list",
    "map",
    "max",
    "min",
    "print",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
];
/// Functions of modules that do the same.
const TAKE_VALUES_TOO: [(&str, &str); 3] = [("json", "dumps"), ("statistics", "mean"), ("pprint", "pprint")];
/// By these a script reaches names that nobody can follow.
const REACH_ALL_NAMES: [&str; 5] = ["eval", "exec", "globals", "locals", "vars"];
/// By these it can bind them.
const BIND_ALL_NAMES: [&str; 6] = ["eval", "exec", "globals", "builtins", "__builtins__", "__import__"];

/// By these a name can be defined without being seen to be.
const DEFINE_NAMES: [&str; 11] = [
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
];
/// What a coroutine has that runs or ends it.
const OF_COROUTINES: [&str; 4] = ["__await__", "close", "send", "throw"];

/// Makes the sketch of a script in which these words occur.
pub(super) fn sketch<'a>(body: &'a [Stmt], words: &BTreeSet<String>) -> Sketch<'a> {
    // Names are used before they are bound, so that a first walk finds out which builtins are hidden.
    let mut walk = Walk { sketch: Sketch::new(), own: HashSet::new() };
    walk.visit_body(body);
    let mut walk = Walk { sketch: Sketch::new(), own: walk.sketch.own };
    walk.visit_body(body);
    walk.sketch.defines_any |= DEFINE_NAMES.iter().any(|name| words.contains(*name));
    // Paths lead through `getattr`.
    walk.sketch.writes_any |= walk.own.contains("getattr");
    walk.sketch
}

struct Walk<'a> {
    sketch: Sketch<'a>,
    /// Names that the script binds to something of its own, anywhere.
    own: HashSet<&'a str>,
}

fn at(range: TextRange) -> Span {
    (range.start().to_u32(), range.end().to_u32())
}

impl<'a> Walk<'a> {
    fn within(&mut self, kind: ScopeKind, visit: impl FnOnce(&mut Self)) {
        self.sketch.open(kind);
        visit(self);
        self.sketch.close();
    }

    fn guarded(&mut self, guarded: bool, visit: impl FnOnce(&mut Self)) {
        self.sketch.guards += u32::from(guarded);
        visit(self);
        self.sketch.guards -= u32::from(guarded);
    }

    /// `expression` stands where a coroutine makes no sense.
    fn misuse(&mut self, expression: &'a Expr) {
        if matches!(expression, Expr::Call(_) | Expr::Name(_)) {
            self.sketch.mark(at(expression.range()), Mark::Misused);
        }
    }

    /// The root of a path is read, to get at a member.
    fn root(&mut self, root: &Name<'a>, member: Option<&Name<'a>>) {
        // Of a coroutine's own attributes scripts have no use but for those that run or end it.
        if member.is_some_and(|member| !OF_COROUTINES.contains(&member.text)) {
            self.sketch.mark(root.span, Mark::Misused);
        }
        self.sketch.load(root.text, root.span);
    }

    /// A call whose callee is a path.
    fn call(&mut self, call: &'a ExprCall, callee: Path<'a>) {
        self.root(&callee.root, callee.members.first());
        let input = input::input(&call.arguments, at(call.range()));
        self.sketch.call(callee, at(call.func.range()), at(call.range()), input);
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

    fn takes_values(&self, function: &Expr) -> bool {
        let Some(path) = path(function, self.sketch.scope()) else { return false };
        match path.members.as_slice() {
            _ if self.own.contains(path.root.text) => false,
            [] => TAKE_VALUES.contains(&path.root.text),
            [member] => TAKE_VALUES_TOO.contains(&(path.root.text, member.text)),
            _ => false,
        }
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], elements: &[&'a Expr]) {
        self.within(ScopeKind::Block, |walk| {
            for generator in generators {
                walk.misuse(&generator.iter);
                walk.visit_expr(&generator.iter);
                walk.visit_expr(&generator.target);
                for test in &generator.ifs {
                    walk.misuse(test);
                    walk.visit_expr(test);
                }
            }
            elements.iter().for_each(|element| walk.visit_expr(element));
        });
    }

    /// What has parameters that stand for types: all in it sees them.
    fn generic(&mut self, types: Option<&'a TypeParams>, visit: impl FnOnce(&mut Self)) {
        let Some(types) = types else { return visit(self) };
        self.within(ScopeKind::Block, |walk| {
            let scope = walk.sketch.scope();
            types.iter().for_each(|one| walk.sketch.bind(scope, one.name().as_str(), Bound::Other));
            visit(walk);
        });
    }

    fn function(&mut self, parameters: Option<&'a Parameters>, body: impl FnOnce(&mut Self)) {
        for parameter in parameters.into_iter().flat_map(Parameters::iter_non_variadic_params) {
            if let Some(default) = &parameter.default {
                self.visit_expr(default);
            }
        }
        self.within(ScopeKind::Function, |walk| {
            let scope = walk.sketch.scope();
            for parameter in parameters.into_iter().flat_map(Parameters::iter) {
                walk.sketch.bind(scope, parameter.name().as_str(), Bound::Other);
            }
            body(walk);
        });
    }
}

impl<'a> Visitor<'a> for Walk<'a> {
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
                if let Expr::Call(call) = &*expression.value {
                    self.sketch.mark(at(call.range()), Mark::Dropped(at(expression.range).0));
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
            Stmt::For(each) => self.misuse(&each.iter),
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
                self.guarded(!attempt.handlers.is_empty(), |walk| walk.visit_body(&attempt.body));
                attempt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&attempt.orelse);
                return self.visit_body(&attempt.finalbody);
            }
            Stmt::FunctionDef(function) => {
                self.sketch.bind(self.sketch.scope(), function.name.as_str(), Bound::Other);
                function.decorator_list.iter().for_each(|decorator| self.visit_expr(&decorator.expression));
                return self.generic(function.type_params.as_deref(), |walk| {
                    walk.function(Some(&function.parameters), |walk| walk.visit_body(&function.body));
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
                if !OF_COROUTINES.contains(&attribute.attr.as_str()) {
                    self.misuse(&attribute.value);
                }
            }
            Expr::Subscript(subscript) => {
                if let Some(path) = path(expression, self.sketch.scope()) {
                    self.root(&path.root, path.members.first());
                    return self.sketch.read(path);
                }
                self.misuse(&subscript.value);
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
                return self.function(lambda.parameters.as_deref(), |walk| walk.visit_expr(&lambda.body));
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

    fn visit_except_handler(&mut self, handler: &'a ruff_python_ast::ExceptHandler) {
        let ruff_python_ast::ExceptHandler::ExceptHandler(caught) = handler;
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

impl<'a> Walk<'a> {
    fn any_call(&mut self, call: &'a ExprCall) {
        if self.takes_values(&call.func) {
            call.arguments.args.iter().for_each(|argument| self.misuse(argument));
        }
        self.partial(call);
        self.feature_test(call);
        match path(&call.func, self.sketch.scope()) {
            Some(callee) if !callee.members.is_empty() => self.call(call, callee),
            _ => self.visit_expr(&call.func),
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
        self.sketch.reads_any |= REACH_ALL_NAMES.contains(&name);
        self.sketch.writes_any |= BIND_ALL_NAMES.contains(&name);
        match context {
            ExprContext::Load => {
                self.sketch.load(name, span);
                let root = Name { text: name, span };
                let path = Path { scope: Some(self.sketch.scope()), root, members: Vec::new() };
                self.sketch.read(path);
            }
            _ => self.sketch.bind(self.sketch.scope(), name, Bound::Other),
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
