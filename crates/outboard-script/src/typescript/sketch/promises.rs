//! What a script does with promises, marked before these are reached. Part of the walk in `sketch`.
//! It knows no tools: whose promise it is, is found out later.

use super::path::peel;
use super::{Walk, at};
use crate::argument::Span;
use crate::preflight::{Bound, Mark, Name, ScopeId, Source, Use};
use oxc_ast::ast::{
    ArrowFunctionBody, BindingPattern, CallExpression, Expression, FormalParameters, FunctionBody,
    LogicalOperator, ObjectPropertyKind, Statement,
};
use oxc_span::GetSpan;

/// What a promise has.
const OF_PROMISES: [&str; 5] = ["then", "catch", "finally", "constructor", "toString"];
/// Functions that can do nothing with a promise.
const TAKE_VALUES: [&str; 9] = [
    "String",
    "Number",
    "Boolean",
    "parseInt",
    "parseFloat",
    "isNaN",
    "isFinite",
    "encodeURIComponent",
    "structuredClone",
];
const TAKE_VALUES_TOO: [(&str, &str); 15] = [
    ("JSON", "stringify"),
    ("JSON", "parse"),
    ("Object", "keys"),
    ("Array", "isArray"),
    ("Math", "max"),
    ("Math", "min"),
    ("Math", "round"),
    ("Math", "floor"),
    ("Math", "ceil"),
    ("Math", "abs"),
    ("console", "log"),
    ("console", "info"),
    ("console", "table"),
    ("console", "warn"),
    ("console", "error"),
];
/// Those that can do nothing with a promise, and hand on what an object or a list holds.
const HAND_ON: [(&str, &str); 5] = [
    ("Object", "values"),
    ("Object", "entries"),
    ("Object", "fromEntries"),
    ("Object", "assign"),
    ("Array", "from"),
];
/// Classes whose constructors take values.
const MADE_OF_VALUES: [&str; 6] = ["Set", "Map", "Date", "URL", "Error", "RegExp"];
/// Methods that call a function with each element of a list, and its parameter that gets it.
const EACH: [(&str, usize); 12] = [
    ("map", 0),
    ("forEach", 0),
    ("filter", 0),
    ("some", 0),
    ("every", 0),
    ("find", 0),
    ("findIndex", 0),
    ("findLast", 0),
    ("flatMap", 0),
    ("sort", 0),
    ("reduce", 1),
    ("reduceRight", 1),
];

/// The use that reading a member makes of a value, if a promise does not have it.
pub(super) fn use_of_member(member: &str) -> Option<Use> {
    match member {
        "length" => Some(Use::Measured),
        member => (!OF_PROMISES.contains(&member)).then_some(Use::Opened),
    }
}

/// Whether a function can do nothing with promises.
pub(super) fn takes_values(function: &str) -> bool {
    TAKE_VALUES.contains(&function)
}

/// Whether a method of a global object can do nothing with promises.
pub(super) fn method_takes_values(object: &str, method: &str) -> bool {
    TAKE_VALUES_TOO.contains(&(object, method))
}

/// Whether a method of a global object can do nothing with promises, but with what holds some.
pub(super) fn method_hands_on(object: &str, method: &str) -> bool {
    HAND_ON.contains(&(object, method))
}

/// Whether a constructor can do nothing with promises.
pub(super) fn is_made_of_values(class: &str) -> bool {
    MADE_OF_VALUES.contains(&class)
}

/// Whether a method calls a function with each element of a list.
pub(super) fn calls_for_each(method: &str) -> bool {
    EACH.iter().any(|(name, _)| *name == method)
}

/// What a list of promises is made by.
#[derive(Clone, Copy)]
pub(super) enum Many {
    /// Calls that are written here.
    Call(Span),
    /// Calls of the asynchronous callback with this number.
    Callback(usize),
}

/// Where each element of a list is bound.
pub(super) enum Element {
    /// To the name that is written here.
    Name(Span),
    /// To parts of it.
    Parts,
}

impl<'a> Walk<'a> {
    /// `expression` stands where a promise makes no sense.
    pub(super) fn misuse(&mut self, expression: &Expression<'a>) {
        self.used(expression, Use::Misused);
    }

    /// What an expression gives is used in this way.
    pub(super) fn used(&mut self, expression: &Expression<'a>, use_: Use) {
        match peel(expression) {
            Expression::CallExpression(call) => self.sketch.mark_use(at(call.span), use_),
            Expression::Identifier(name) => self.sketch.mark_use(at(name.span), use_),
            Expression::ConditionalExpression(either) => {
                self.used(&either.consequent, use_);
                self.used(&either.alternate, use_);
            }
            Expression::LogicalExpression(logical) => {
                if logical.operator != LogicalOperator::And {
                    self.used(&logical.left, use_);
                }
                self.used(&logical.right, use_);
            }
            _ => {}
        }
    }

    /// The same for all arguments of a call, and for what these hold.
    pub(super) fn use_arguments(&mut self, call: &CallExpression<'a>, use_: Use) {
        for argument in call.arguments.iter().filter_map(|argument| argument.as_expression()) {
            self.used_within(argument, use_);
        }
    }

    /// The same for what a value holds.
    pub(super) fn used_within(&mut self, expression: &Expression<'a>, use_: Use) {
        match peel(expression) {
            Expression::ArrayExpression(array) => {
                for element in array.elements.iter().filter_map(|element| element.as_expression()) {
                    self.used_within(element, use_);
                }
            }
            Expression::ObjectExpression(object) => {
                for property in &object.properties {
                    if let ObjectPropertyKind::ObjectProperty(property) = property {
                        self.used_within(&property.value, use_);
                    }
                }
            }
            Expression::CallExpression(call) => {
                if let Some(Many::Call(span)) = self.many(call, &["map"]) {
                    self.sketch.mark_use(span, use_);
                }
                self.used(expression, use_);
            }
            _ => self.used(expression, use_),
        }
    }

    /// A value of the script: promises in it are awaited, and those in its members, but none further within.
    pub(super) fn returned(&mut self, expression: &Expression<'a>) {
        let members: Vec<&Expression<'a>> = match peel(expression) {
            Expression::ArrayExpression(array) => {
                array.elements.iter().filter_map(|element| element.as_expression()).collect()
            }
            Expression::ObjectExpression(object) => {
                let properties = object.properties.iter().filter_map(|property| match property {
                    ObjectPropertyKind::ObjectProperty(property) => Some(&property.value),
                    ObjectPropertyKind::SpreadProperty(_) => None,
                });
                properties.collect()
            }
            _ => return,
        };
        for member in members {
            match peel(member) {
                Expression::ArrayExpression(_) | Expression::ObjectExpression(_) => {
                    self.used_within(member, Use::Misused);
                }
                Expression::CallExpression(call) => match self.many(call, &["map"]) {
                    Some(Many::Call(span)) => self.sketch.mark(span, Mark::Use(Use::Misused)),
                    Some(Many::Callback(number)) => self.sketch.callbacks[number].dropped = Some(u32::MAX),
                    None => {}
                },
                _ => {}
            }
        }
    }

    /// Nobody gets what `expression` gives.
    pub(super) fn drop_value(&mut self, expression: &Expression<'a>, statement: u32) {
        match peel(expression) {
            Expression::CallExpression(call) => {
                self.sketch.mark(at(call.span), Mark::Dropped(statement));
                self.drop_many(call, statement);
            }
            // A list is not awaited with what it holds.
            Expression::AwaitExpression(awaited) => {
                if let Expression::CallExpression(call) = peel(&awaited.argument) {
                    self.drop_many(call, statement);
                }
            }
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

    /// Nobody gets the promises that a list is made of, if it is made of promises.
    fn drop_many(&mut self, call: &CallExpression<'a>, statement: u32) {
        match self.many(call, &["map"]) {
            Some(Many::Call(span)) => self.sketch.mark(span, Mark::Dropped(statement)),
            Some(Many::Callback(number)) => self.sketch.callbacks[number].dropped = Some(statement),
            None => {}
        }
    }

    /// What `forEach` is given may make promises, which it drops.
    pub(super) fn drop_of_each(&mut self, call: &CallExpression<'a>) {
        if self.own_for_each {
            return;
        }
        match self.many(call, &["forEach"]) {
            Some(Many::Call(span)) => self.sketch.mark(span, Mark::Dropped(u32::MAX)),
            Some(Many::Callback(number)) => self.sketch.callbacks[number].dropped = Some(u32::MAX),
            None => {}
        }
    }

    /// The promises that a call makes a list of: `list.map(id => namespace.tool({ id }))`.
    pub(super) fn many(&mut self, call: &CallExpression<'a>, methods: &[&str]) -> Option<Many> {
        let Expression::StaticMemberExpression(callee) = peel(&call.callee) else { return None };
        let method = Name { text: callee.property.name.as_str(), span: at(callee.property.span) };
        if !methods.contains(&method.text) {
            return None;
        }
        let function = call.arguments.first()?.as_expression()?;
        let (span, is_async, given) = match peel(function) {
            Expression::ArrowFunctionExpression(arrow) => {
                let given = match &arrow.body {
                    ArrowFunctionBody::FunctionBody(body) => last_returned(body),
                    body => body.as_expression(),
                };
                (at(arrow.span), arrow.r#async, given)
            }
            Expression::FunctionExpression(function) if !function.generator => {
                (at(function.span), function.r#async, function.body.as_deref().and_then(last_returned))
            }
            _ => return None,
        };
        if is_async {
            let number = match self.callbacks.get(&span) {
                Some(number) => *number,
                None => self.sketch.callback(span, method),
            };
            self.callbacks.insert(span, number);
            return Some(Many::Callback(number));
        }
        match peel(given?) {
            Expression::CallExpression(call) => Some(Many::Call(at(call.span))),
            _ => None,
        }
    }

    /// What the promises come from, once they are visited; `first` is the number of calls before.
    pub(super) fn source(&self, many: Option<Many>, first: usize) -> Option<Source> {
        match many? {
            Many::Call(span) => self.sketch.call_at(first, span).map(Source::Call),
            Many::Callback(number) => Some(Source::Callback(number)),
        }
    }

    /// The list of promises that an expression gives, awaited or not.
    pub(super) fn list(&mut self, expression: &Expression<'a>) -> Option<Many> {
        let expression = match peel(expression) {
            Expression::AwaitExpression(awaited) => peel(&awaited.argument),
            other => other,
        };
        match expression {
            Expression::CallExpression(call) => self.many(call, &["map"]),
            _ => None,
        }
    }

    /// Where a method binds the elements of its list, if it gets them one by one and nothing else.
    pub(super) fn element_of(method: &str, call: &CallExpression<'a>) -> Option<Element> {
        let (_, place) = EACH.iter().find(|(name, _)| *name == method)?;
        let parameters: &FormalParameters<'a> = match peel(call.arguments.first()?.as_expression()?) {
            Expression::ArrowFunctionExpression(arrow) => &arrow.params,
            Expression::FunctionExpression(function) => &function.params,
            _ => return None,
        };
        // The whole list comes last.
        if parameters.items.len() > place + 2 || parameters.rest.is_some() {
            return None;
        }
        Some(match &parameters.items.get(*place)?.pattern {
            BindingPattern::BindingIdentifier(name) => Element::Name(at(name.span)),
            BindingPattern::ObjectPattern(_) | BindingPattern::ArrayPattern(_) => Element::Parts,
            BindingPattern::AssignmentPattern(_) => return None,
        })
    }

    /// Binds a name in a pattern: to an element, if it is one.
    pub(super) fn bind_name(&mut self, scope: ScopeId, name: &'a str, span: Span) {
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
    pub(super) fn went_through(&mut self, load: usize, element: &Element) {
        let use_ = match element {
            Element::Name(span) => self.bound.remove(span).map(Use::Through),
            Element::Parts => Some(Use::Measured),
        };
        if let (Some(load), Some(use_)) = (self.sketch.loads.get_mut(load), use_) {
            load.use_ = use_;
        }
    }
}

/// What a function gives at its end.
fn last_returned<'e, 'a>(body: &'e FunctionBody<'a>) -> Option<&'e Expression<'a>> {
    match body.statements.last()? {
        Statement::ReturnStatement(returned) => returned.argument.as_ref(),
        _ => None,
    }
}

/// The span of the function that an expression is.
pub(super) fn function_span(expression: &Expression<'_>) -> Option<Span> {
    match peel(expression) {
        function @ (Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_)) => {
            Some(at(function.span()))
        }
        _ => None,
    }
}
