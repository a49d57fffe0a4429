//! Finds tool calls whose `await` was forgotten: where a call's coroutine is used as if it were the call's value.
//!
//! It would rather miss one than blame a script that is right: what may be awaited later (passed on, stored in
//! something, returned) is left alone. It follows a name only if that is assigned once.

use crate::CatalogueView;
use crate::finding::Findings;
use crate::position::PositionMap;
use ruff_python_ast::visitor::{
    Visitor, walk_comprehension, walk_except_handler, walk_expr, walk_interpolated_string_element,
    walk_parameter, walk_pattern, walk_stmt,
};
use ruff_python_ast::{
    Comprehension, ExceptHandler, Expr, ExprContext, InterpolatedStringElement, Parameter, Pattern, Stmt,
};
use ruff_text_size::{Ranged, TextRange};
use std::collections::BTreeMap;

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

/// Adds a finding for each call of a tool that is not awaited.
pub(super) fn check(
    body: &[Stmt],
    program: &str,
    positions: &PositionMap,
    catalogue: &dyn CatalogueView,
    findings: &mut Findings<'_>,
) {
    let mut uses = Uses { catalogue, calls: Vec::new(), assigned: Vec::new(), names: BTreeMap::new() };
    uses.visit_body(body);
    let Uses { mut calls, assigned, names, .. } = uses;
    let bound = |name: &str| names.get(name).is_some_and(|name| name.bound > 0);
    let followed = REACH_ALL_NAMES.iter().all(|name| !names.contains_key(*name));
    let misused = assigned.into_iter().filter(|(target, _)| {
        let name = names.get(*target).copied().unwrap_or_default();
        followed && name.bound == 1 && name.loaded == name.misused
    });
    calls.extend(misused.map(|(_, call)| call));
    calls.retain(|call| !bound(call.namespace));
    calls.sort_by_key(|call| call.range.start());
    for Call { namespace, callee, range } in calls {
        let callee = program.get(callee.start().to_usize()..callee.end().to_usize()).unwrap_or(namespace);
        let place = |at: u32| positions.copied_from(at).unwrap_or_default();
        let (start, end) = (place(range.start().to_u32()), place(range.end().to_u32()));
        findings.add(
            start,
            end.max(start),
            format!("`{callee}` is called but not awaited"),
            Some(format!("write `await {callee}(…)`, or pass the call to `asyncio.gather`")),
        );
    }
}

struct Uses<'a> {
    catalogue: &'a dyn CatalogueView,
    /// Calls in places where only their values make sense.
    calls: Vec<Call<'a>>,
    /// Calls assigned to a name.
    assigned: Vec<(&'a str, Call<'a>)>,
    names: BTreeMap<&'a str, Name>,
}

#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    namespace: &'a str,
    callee: TextRange,
    range: TextRange,
}

/// How often a name occurs, and how.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    bound: usize,
    loaded: usize,
    /// Of these, where a coroutine makes no sense.
    misused: usize,
}

impl<'a> Uses<'a> {
    fn bind(&mut self, name: &'a str) {
        self.names.entry(name).or_default().bound += 1;
    }

    /// A call of a tool.
    fn call(&self, expression: &'a Expr) -> Option<Call<'a>> {
        let Expr::Call(call) = expression else { return None };
        let (value, tool) = match &*call.func {
            Expr::Attribute(attribute) => (&*attribute.value, attribute.attr.as_str()),
            Expr::Subscript(subscript) => match &*subscript.slice {
                Expr::StringLiteral(key) => (&*subscript.value, key.value.to_str()),
                _ => return None,
            },
            _ => return None,
        };
        let Expr::Name(namespace) = value else { return None };
        let namespace = namespace.id.as_str();
        let own = matches!((namespace, tool), ("tools", "search" | "describe") | ("results", "get"));
        (own || self.catalogue.has_namespace(namespace)).then(|| Call {
            namespace,
            callee: call.func.range(),
            range: expression.range(),
        })
    }

    /// `expression` stands where a coroutine makes no sense.
    fn value(&mut self, expression: &'a Expr) {
        if let Some(call) = self.call(expression) {
            self.calls.push(call);
        } else if let Expr::Name(name) = expression {
            self.names.entry(name.id.as_str()).or_default().misused += 1;
        }
    }

    fn takes_values(&self, function: &Expr) -> bool {
        match function {
            Expr::Name(name) => TAKE_VALUES.contains(&name.id.as_str()),
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(module) => {
                    TAKE_VALUES_TOO.contains(&(module.id.as_str(), attribute.attr.as_str()))
                }
                _ => false,
            },
            _ => false,
        }
    }
}

impl<'a> Visitor<'a> for Uses<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Expr(expression) => {
                if let Some(call) = self.call(&expression.value) {
                    self.calls.push(call);
                }
            }
            Stmt::Assign(assign) => {
                if let ([Expr::Name(target)], Some(call)) = (&*assign.targets, self.call(&assign.value)) {
                    self.assigned.push((target.id.as_str(), call));
                }
                if assign.targets.iter().any(|target| matches!(target, Expr::Tuple(_) | Expr::List(_))) {
                    self.value(&assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let (Expr::Name(target), Some(value)) = (&*assign.target, &assign.value)
                    && let Some(call) = self.call(value)
                {
                    self.assigned.push((target.id.as_str(), call));
                }
            }
            Stmt::AugAssign(assign) => self.value(&assign.value),
            Stmt::For(each) => self.value(&each.iter),
            Stmt::If(branches) => {
                self.value(&branches.test);
                branches.elif_else_clauses.iter().filter_map(|clause| clause.test.as_ref()).for_each(
                    |test| {
                        self.value(test);
                    },
                );
            }
            Stmt::While(repeated) => self.value(&repeated.test),
            Stmt::Match(choice) => self.value(&choice.subject),
            Stmt::FunctionDef(function) => self.bind(function.name.as_str()),
            Stmt::ClassDef(class) => self.bind(class.name.as_str()),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.bind(name.split('.').next().unwrap_or_default());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str());
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                let seen = self.names.entry(name.id.as_str()).or_default();
                if name.ctx == ExprContext::Load { seen.loaded += 1 } else { seen.bound += 1 }
            }
            // A coroutine has attributes of its own, which scripts have no use for but to close it.
            Expr::Attribute(attribute) if attribute.attr.as_str() != "close" => self.value(&attribute.value),
            Expr::Subscript(subscript) => self.value(&subscript.value),
            Expr::BinOp(operation) => {
                self.value(&operation.left);
                self.value(&operation.right);
            }
            Expr::UnaryOp(operation) => self.value(&operation.operand),
            Expr::Compare(comparison) => {
                // `task is None` and `task in pending` ask nothing of the value.
                let of_values = comparison.ops.iter().all(|operator| {
                    use ruff_python_ast::CmpOp::{In, Is, IsNot, NotIn};
                    !matches!(operator, Is | IsNot | In | NotIn)
                });
                if of_values {
                    self.value(&comparison.left);
                    comparison.comparators.iter().for_each(|other| self.value(other));
                }
            }
            Expr::Starred(starred) => self.value(&starred.value),
            Expr::Dict(dict) => {
                for item in dict.items.iter().filter(|item| item.key.is_none()) {
                    self.value(&item.value);
                }
            }
            Expr::Call(call) if self.takes_values(&call.func) => {
                call.arguments.args.iter().for_each(|argument| self.value(argument));
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        self.value(&comprehension.iter);
        walk_comprehension(self, comprehension);
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        if let InterpolatedStringElement::Interpolation(interpolation) = element {
            self.value(&interpolation.expression);
        }
        walk_interpolated_string_element(self, element);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bind(parameter.name.as_str());
        walk_parameter(self, parameter);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.bind(name.as_str());
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str());
        }
        walk_pattern(self, pattern);
    }
}
