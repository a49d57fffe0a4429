//! Recognises the form in which a script was written and makes its value what the program returns.
//!
//! Talks to `strip`, whose edits it adds to. It does not look at types, and calls nothing: the program does.

use super::edit::{Edits, Wrapper};
use super::parse::Parsed;
use super::strip::{Strip, is_erased};
use oxc_ast::ast::{
    BindingPattern, Declaration, ExportDefaultDeclaration, ExportDefaultDeclarationKind, Expression,
    ModuleExportName, Program, Statement,
};
use oxc_span::{GetSpan, Span};

/// How a script was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Statements; the value is that of the last one, if it is an expression or ends in some.
    Statements,
    /// One expression, an object literal included.
    Expression,
    /// Statements of which at least one outside of any function is `return`.
    TopLevelReturn,
    /// One function expression or arrow function; the program calls it.
    Function,
    /// Declarations of which one, the only one or `main`, is a function that nobody calls; the program does.
    Main,
    /// `export default`; the program calls what is exported if it is written as a function.
    ExportDefault,
}

/// Around every program. The script starts on a line of its own, so that its columns are those of the source;
/// it may end in a line comment.
pub(crate) const WRAPPER: Wrapper = Wrapper { before: "(async()=>{\n", after: "\n})()" };

/// Recognises the form and adds the edits that return the value. `None` if there is nothing to run.
pub(crate) fn shape(parsed: &Parsed<'_>, strip: &mut Strip<'_, '_, '_>) -> Option<Form> {
    let program = &parsed.program;
    let body = program.body.iter().filter(|statement| counts(statement)).collect::<Vec<_>>();
    if let Some(form) = shape_default(program, &body, strip) {
        return Some(form);
    }
    if let [Statement::ExpressionStatement(statement)] = body.as_slice() {
        let expression = match &statement.expression {
            Expression::AssignmentExpression(assignment) if parsed.as_expression => &assignment.right,
            expression => expression,
        };
        strip.edits.returned.insert(statement.span.start);
        return Some(shape_expression(expression, &mut strip.edits));
    }
    let Some(last) = body.last() else {
        // A text of one string is a directive to the grammar.
        let directive = program.directives.last()?;
        strip.edits.insert(directive.span.start, "return ");
        return Some(Form::Expression);
    };
    if !strip.returns_at_top
        && let Some(main) = uncalled_main(&body, &strip.main_references)
    {
        strip.edits.insert(program.span.end, format!("\nreturn {main}()"));
        return Some(Form::Main);
    }
    return_value(last, &mut strip.edits);
    Some(if strip.returns_at_top { Form::TopLevelReturn } else { Form::Statements })
}

fn counts(statement: &Statement<'_>) -> bool {
    !matches!(statement, Statement::EmptyStatement(_)) && !is_erased(statement)
}

fn is_function(expression: &Expression<'_>) -> bool {
    let inner = expression.get_inner_expression();
    matches!(inner, Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_))
}

fn shape_expression(expression: &Expression<'_>, edits: &mut Edits<'_>) -> Form {
    let span = expression.span();
    if is_function(expression) {
        edits.insert(span.start, "return (");
        edits.insert(span.end, ")()");
        Form::Function
    } else {
        edits.insert(span.start, "return ");
        Form::Expression
    }
}

/// Makes the value of a statement at the end of the script the program's, as far as that is simple: loops and
/// `switch` have completion values too, which nobody means.
fn return_value(statement: &Statement<'_>, edits: &mut Edits<'_>) {
    let last_of = |body: &[Statement<'_>], edits: &mut Edits<'_>| {
        if let Some(last) = body.iter().rfind(|statement| counts(statement)) {
            return_value(last, edits);
        }
    };
    match statement {
        Statement::ExpressionStatement(statement) => {
            edits.returned.insert(statement.span.start);
            edits.insert(statement.expression.span().start, "return ");
        }
        Statement::BlockStatement(block) => last_of(&block.body, edits),
        Statement::IfStatement(branches) => {
            return_value(&branches.consequent, edits);
            if let Some(alternate) = &branches.alternate {
                return_value(alternate, edits);
            }
        }
        Statement::TryStatement(attempt) => {
            last_of(&attempt.block.body, edits);
            if let Some(handler) = &attempt.handler {
                last_of(&handler.body.body, edits);
            }
        }
        _ => {}
    }
}

/// `export default …` and `export { … as default }`.
fn shape_default(
    program: &Program<'_>,
    body: &[&Statement<'_>],
    strip: &mut Strip<'_, '_, '_>,
) -> Option<Form> {
    let mut exports = body.iter().filter_map(|statement| match statement {
        Statement::ExportDefaultDeclaration(export) => Some(export),
        _ => None,
    });
    let value = exports.next().map(|export| take_default(export, strip));
    if let Some(second) = exports.next() {
        strip.finding(
            second.span,
            "there is more than one `export default`",
            "keep the one that is the result",
        );
    }
    let value = value.or_else(|| program.body.iter().find_map(default_alias))?;
    strip.edits.insert(program.span.end, format!("\nreturn {value}"));
    Some(Form::ExportDefault)
}

/// Turns the export into a declaration, and tells the expression for its value.
fn take_default(export: &ExportDefaultDeclaration<'_>, strip: &mut Strip<'_, '_, '_>) -> String {
    let declaration = export.declaration.span();
    let (name, call) = match &export.declaration {
        ExportDefaultDeclarationKind::FunctionDeclaration(function) => (function.id.as_ref(), true),
        ExportDefaultDeclarationKind::ClassDeclaration(class) => (class.id.as_ref(), false),
        other => (None, other.as_expression().is_some_and(is_function)),
    };
    let name = if let Some(name) = name {
        strip.edits.blank(export.span.start, declaration.start);
        name.name.to_string()
    } else {
        let mut name = "$default".to_owned();
        while strip.words.contains(&name) {
            name.push('_');
        }
        strip.edits.replace(export.span.start, declaration.start, format!("const {name}=("));
        strip.edits.insert(declaration.end, ");");
        name
    };
    if call { name + "()" } else { name }
}

fn default_alias(statement: &Statement<'_>) -> Option<String> {
    let Statement::ExportNamedDeclaration(export) = statement else { return None };
    export.specifiers.iter().find_map(|specifier| {
        let is_default = match &specifier.exported {
            ModuleExportName::IdentifierName(name) => name.name == "default",
            ModuleExportName::IdentifierReference(name) => name.name == "default",
            ModuleExportName::StringLiteral(name) => name.value == "default",
        };
        match &specifier.local {
            ModuleExportName::IdentifierReference(local) if is_default => Some(local.name.to_string()),
            _ => None,
        }
    })
}

/// The function that a script made of declarations means to be called.
fn uncalled_main(body: &[&Statement<'_>], main_references: &[u32]) -> Option<String> {
    let declares = |statement: &&Statement<'_>| declaration_of(statement).is_some();
    body.last().filter(|last| declares(last))?;
    let functions = body.iter().flat_map(|statement| functions_of(statement)).collect::<Vec<_>>();
    let main = functions.iter().find(|(name, span)| {
        let refers = |at: &u32| *at < span.start || *at >= span.end;
        *name == "main" && !main_references.iter().any(refers)
    });
    match (main, functions.as_slice()) {
        (Some((name, _)), _) => Some((*name).to_owned()),
        (None, [(name, _)]) if body.len() == 1 => Some((*name).to_owned()),
        _ => None,
    }
}

fn declaration_of<'s, 'a>(statement: &'s Statement<'a>) -> Option<&'s Declaration<'a>> {
    match statement {
        Statement::ExportDeclaration(export) => Some(&export.declaration),
        _ => statement.as_declaration(),
    }
}

/// The functions that a top-level statement declares, with the spans that define them.
fn functions_of<'s>(statement: &'s Statement<'_>) -> Vec<(&'s str, Span)> {
    match declaration_of(statement) {
        Some(Declaration::FunctionDeclaration(function)) => {
            function.id.iter().map(|id| (id.name.as_str(), function.span)).collect()
        }
        Some(Declaration::VariableDeclaration(variables)) => {
            let named = variables.declarations.iter().filter_map(|declarator| match &declarator.id {
                BindingPattern::BindingIdentifier(id)
                    if declarator.init.as_ref().is_some_and(is_function) =>
                {
                    Some((id.name.as_str(), declarator.span))
                }
                _ => None,
            });
            named.collect()
        }
        _ => Vec::new(),
    }
}
