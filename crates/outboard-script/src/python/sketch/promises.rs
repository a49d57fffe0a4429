//! What a script does with coroutines, marked before these are reached. Part of the walk in `sketch`.
//! It knows no tools: whose coroutine it is, is found out later.

use super::{Walk, at};
use crate::argument::Span;
use crate::preflight::{Bound, Mark, Source, Use};
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{BoolOp, Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;

/// Functions that take a value and can do nothing with a coroutine, nor with what holds some.
const TAKE_VALUES: [&str; 9] = ["all", "any", "max", "min", "print", "sorted", "str", "sum", "repr"];
/// Functions that can do nothing with a coroutine, but with a list of some.
const TAKE_LISTS: [&str; 14] = [
    "bool",
    "dict",
    "enumerate",
    "filter",
    "float",
    "int",
    "len",
    "list",
    "map",
    "reversed",
    "round",
    "set",
    "tuple",
    "zip",
];
/// Functions of modules that are like the first ones.
const TAKE_VALUES_TOO: [(&str, &str); 6] = [
    ("json", "dumps"),
    ("json", "loads"),
    ("statistics", "mean"),
    ("statistics", "median"),
    ("pprint", "pprint"),
    ("math", "fsum"),
];
/// What a coroutine has that runs or ends it.
const OF_COROUTINES: [&str; 4] = ["__await__", "close", "send", "throw"];

/// The use that reading a member makes of a value, if a coroutine does not have it.
pub(super) fn use_of_member(member: &str) -> Option<Use> {
    (!OF_COROUTINES.contains(&member)).then_some(Use::Opened)
}

/// The use that a builtin makes of its arguments, if coroutines are of none to it.
pub(super) fn takes_values(function: &str) -> Option<Use> {
    match function {
        "len" => Some(Use::Measured),
        function if TAKE_VALUES.contains(&function) => Some(Use::Misused),
        function if TAKE_LISTS.contains(&function) => Some(Use::Opened),
        _ => None,
    }
}

/// The same of a function of a module.
pub(super) fn method_takes_values(module: &str, function: &str) -> Option<Use> {
    TAKE_VALUES_TOO.contains(&(module, function)).then_some(Use::Misused)
}

/// The function of a decorator, which may be called to make it.
pub(super) fn function_of(decorator: &Expr) -> &Expr {
    match decorator {
        Expr::Call(call) => &call.func,
        other => other,
    }
}

/// Where each element of a list is bound.
pub(super) enum Element {
    /// To the name that is written here.
    Name(Span),
    /// To parts of it.
    Parts,
}

impl<'a> Walk<'a, '_> {
    /// `expression` stands where a coroutine makes no sense.
    pub(super) fn misuse(&mut self, expression: &'a Expr) {
        self.used(expression, Use::Misused);
    }

    /// What an expression gives is used in this way.
    pub(super) fn used(&mut self, expression: &'a Expr, use_: Use) {
        match expression {
            Expr::Call(_) | Expr::Name(_) => self.sketch.mark_use(at(expression.range()), use_),
            // To be tested whether it is there is no misuse of what has a name and may be awaited later.
            Expr::Named(named) if use_ == Use::Opened && named.value.is_call_expr() => {
                self.sketch.mark_use(at(named.value.range()), use_);
            }
            Expr::If(either) => {
                self.used(&either.body, use_);
                self.used(&either.orelse, use_);
            }
            Expr::BoolOp(operation) => {
                let last = operation.values.len().saturating_sub(1);
                for (place, value) in operation.values.iter().enumerate() {
                    if operation.op == BoolOp::Or || place == last {
                        self.used(value, use_);
                    }
                }
            }
            _ => {}
        }
    }

    /// The same for the arguments of a call; where what they hold is of no use either, for that too.
    pub(super) fn use_arguments(&mut self, call: &'a ExprCall, use_: Use) {
        let within = matches!(use_, Use::Misused | Use::Given(_));
        // What `dict` is given by name it holds.
        let keywords = call.arguments.keywords.iter().filter(|keyword| within || keyword.arg.is_none());
        for argument in call.arguments.args.iter().chain(keywords.map(|keyword| &keyword.value)) {
            match within {
                true => self.used_within(argument, use_),
                false => self.used(argument, use_),
            }
        }
    }

    /// The same for what a value holds.
    pub(super) fn used_within(&mut self, expression: &'a Expr, use_: Use) {
        match expression {
            Expr::List(list) => list.elts.iter().for_each(|one| self.used_within(one, use_)),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|one| self.used_within(one, use_)),
            Expr::Set(set) => set.elts.iter().for_each(|one| self.used_within(one, use_)),
            Expr::Dict(dict) => dict.items.iter().for_each(|item| self.used_within(&item.value, use_)),
            Expr::ListComp(list) => self.used_within(&list.elt, use_),
            Expr::SetComp(set) => self.used_within(&set.elt, use_),
            Expr::Generator(generator) => self.used_within(&generator.elt, use_),
            Expr::DictComp(dict) => self.used_within(&dict.value, use_),
            _ => self.used(expression, use_),
        }
    }

    /// The script's value: it may be a coroutine, and may hold none.
    pub(super) fn told(&mut self, expression: &'a Expr) {
        if !matches!(
            expression,
            Expr::Call(_) | Expr::Name(_) | Expr::Named(_) | Expr::If(_) | Expr::BoolOp(_)
        ) {
            self.used_within(expression, Use::Misused);
        }
    }

    /// Where the last statement gives `result` a value, that is the script's.
    pub(super) fn value_of(&mut self, body: &'a [Stmt]) {
        if let Some(Stmt::Assign(assign)) = body.last()
            && matches!(assign.targets.as_slice(), [Expr::Name(name)] if name.id.as_str() == "result")
        {
            self.told(&assign.value);
        }
    }

    /// Nobody gets what `expression` gives.
    pub(super) fn drop_value(&mut self, expression: &'a Expr, statement: u32) {
        match expression {
            Expr::Call(call) => self.sketch.mark(at(call.range()), Mark::Dropped(statement)),
            Expr::If(either) => {
                self.drop_value(&either.body, statement);
                self.drop_value(&either.orelse, statement);
            }
            Expr::BoolOp(operation) => {
                if let Some(last) = operation.values.last() {
                    self.drop_value(last, statement);
                }
            }
            Expr::List(list) => list.elts.iter().for_each(|one| self.drop_value(one, u32::MAX)),
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|one| self.drop_value(one, u32::MAX)),
            Expr::ListComp(list) => self.drop_value(&list.elt, u32::MAX),
            _ => {}
        }
    }

    /// The coroutines that an expression makes a list of.
    pub(super) fn list(expression: &Expr) -> Option<Span> {
        match expression {
            Expr::ListComp(list) if list.elt.is_call_expr() => Some(at(list.elt.range())),
            Expr::Generator(generator) if generator.elt.is_call_expr() => Some(at(generator.elt.range())),
            _ => None,
        }
    }

    /// Each element of a list is bound, and then looked at by `rest`.
    pub(super) fn each(&mut self, target: &'a Expr, list: &'a Expr, rest: impl FnOnce(&mut Self)) {
        let element = match target {
            Expr::Name(name) => Some(Element::Name(at(name.range))),
            Expr::Tuple(_) | Expr::List(_) => Some(Element::Parts),
            _ => None,
        };
        let named = list.is_name_expr();
        self.misuse(list);
        let (calls, load) = (self.sketch.calls.len(), self.sketch.loads.len());
        let made = Self::list(list);
        if let (Some(span), Some(Element::Parts)) = (made, &element) {
            self.sketch.mark(span, Mark::Use(Use::Misused));
        }
        self.visit_expr(list);
        let source = made.and_then(|span| self.sketch.call_at(calls, span)).map(Source::Call);
        if let Some(Element::Name(span)) = &element
            && (named || source.is_some())
        {
            self.elements.insert(*span, source);
        }
        self.visit_expr(target);
        rest(self);
        if let (Some(element), true) = (&element, named) {
            self.went_through(load, element);
        }
    }

    /// Binds a name: to an element, if it is one.
    pub(super) fn bind_name(&mut self, name: &'a str, span: Span) {
        let scope = self.sketch.scope();
        match self.elements.remove(&span) {
            Some(source) => {
                let binding = self.sketch.bind(scope, name, Bound::Element(source));
                self.bound.insert(span, binding);
            }
            None => {
                self.sketch.bind(scope, name, Bound::Other);
            }
        }
    }

    /// The elements of the list that was read by the load of this number were bound there.
    fn went_through(&mut self, load: usize, element: &Element) {
        let use_ = match element {
            Element::Name(span) => self.bound.remove(span).map(Use::Through),
            Element::Parts => Some(Use::Measured),
        };
        if let (Some(load), Some(use_)) = (self.sketch.loads.get_mut(load), use_) {
            load.use_ = use_;
        }
    }
}
