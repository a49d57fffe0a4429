//! Takes the types out of a syntax tree's text: blanks what is only TypeScript, lowers the little that is not.
//!
//! Talks to `edit` and `finding`; records on its way which words occur. It does not touch the script's form.

mod class;
mod enums;
mod erased;

pub(crate) use erased::is_erased;

use super::edit::Edits;
use crate::finding::Findings;
use oxc_ast::ast::{AccessorProperty, ClassElement};
use oxc_ast::ast::{
    ArrowFunctionExpression, BindingIdentifier, BlockStatement, CatchParameter, Class,
    ComputedMemberExpression, Decorator, Expression, FormalParameter, FormalParameterRest, Function,
    IdentifierName, IdentifierReference, ImportExpression, ImportMeta, MethodDefinition, Program,
    PropertyDefinition, ReturnStatement, Statement, StaticBlock, TSAsExpression, TSEnumDeclaration,
    TSInstantiationExpression, TSNonNullExpression, TSSatisfiesExpression, TSThisParameter, TSTypeAnnotation,
    TSTypeAssertion, TSTypeParameterDeclaration, TSTypeParameterInstantiation, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;
use std::collections::BTreeSet;

const NO_MODULES: &str = "there are no modules here, so nothing can be imported";
const TOOLS_ARE_GLOBAL: &str =
    "remove the import: tools are global functions, called as `await namespace.tool({ … })`";

/// What one walk over the tree gathers.
pub(crate) struct Strip<'s, 'f, 'g> {
    /// The parsed text, which spans refer to.
    text: &'s str,
    pub(crate) edits: Edits<'s>,
    findings: &'f mut Findings<'g>,
    shift: u32,
    /// Identifiers, member names and literal keys of member accesses.
    pub(crate) words: BTreeSet<String>,
    /// Where `main` is referred to.
    pub(crate) main_references: Vec<u32>,
    pub(crate) returns_at_top: bool,
    functions: u32,
    /// Inside of a block that is not a function's body.
    in_block: bool,
    /// Whether the class around extends another.
    derived: bool,
}

impl<'s, 'f, 'g> Strip<'s, 'f, 'g> {
    /// `text` is `clean`, behind `shift` bytes of prefix.
    pub(crate) fn new(text: &'s str, clean: &'s str, shift: u32, findings: &'f mut Findings<'g>) -> Self {
        Self {
            text,
            edits: Edits::new(clean, shift),
            findings,
            shift,
            words: BTreeSet::new(),
            main_references: Vec::new(),
            returns_at_top: false,
            functions: 0,
            in_block: false,
            derived: false,
        }
    }

    pub(crate) fn run(&mut self, program: &Program<'_>) {
        self.visit_program(program);
    }

    pub(crate) fn finding(&mut self, span: Span, message: &str, hint: &str) {
        let (start, end) = (span.start.saturating_sub(self.shift), span.end.saturating_sub(self.shift));
        self.findings.add(start, end, message, Some(hint.to_owned()));
    }

    fn word(&mut self, word: &str) {
        if !self.words.contains(word) {
            self.words.insert(word.to_owned());
        }
    }

    fn byte(&self, at: u32) -> u8 {
        self.text.as_bytes().get(at as usize).copied().unwrap_or(0)
    }

    fn has_line_end(&self, start: u32, end: u32) -> bool {
        self.text.as_bytes()[start as usize..end as usize].iter().any(|byte| matches!(byte, b'\n' | b'\r'))
    }

    /// Where the token at or after `at` begins.
    fn token(&self, at: u32) -> u32 {
        let rest = &self.text[at as usize..];
        at + u32::try_from(rest.len() - super::parse::code_start(rest).len()).unwrap_or(0)
    }

    /// Blanks what stands between an expression and `end`, the end of what follows it. The types at its end
    /// separated it from the next line; a `;` has to do so once they are gone.
    fn blank_tail(&mut self, expression_end: u32, end: u32) {
        let next = self.token(end);
        if matches!(self.byte(next), b'(' | b'[' | b'`') && self.has_line_end(end, next) {
            self.edits.insert(expression_end, ";");
        }
        self.edits.blank(expression_end, end);
    }

    /// Blanks `?`, `!` and the annotation that follow a name ending at `name_end`.
    fn blank_annotation(&mut self, name_end: u32, marked: bool, annotation: Option<&TSTypeAnnotation<'_>>) {
        if let Some(annotation) = annotation {
            self.edits.blank(name_end, annotation.span.end);
        } else if marked {
            let mark = self.token(name_end);
            if matches!(self.byte(mark), b'?' | b'!') {
                self.edits.blank(mark, mark + 1);
            }
        }
    }

    /// Visits a function's inside.
    fn in_function(&mut self, visit: impl FnOnce(&mut Self)) {
        let in_block = std::mem::replace(&mut self.in_block, false);
        self.functions += 1;
        visit(self);
        self.functions -= 1;
        self.in_block = in_block;
    }

    fn module_statement(&mut self, statement: &Statement<'_>) -> bool {
        let (span, message, hint) = match statement {
            Statement::ImportDeclaration(import) => (import.span, NO_MODULES, TOOLS_ARE_GLOBAL),
            Statement::TSImportEqualsDeclaration(import) => (import.span, NO_MODULES, TOOLS_ARE_GLOBAL),
            Statement::ExportAllDeclaration(export) => (export.span, NO_MODULES, "remove the export"),
            Statement::ExportFromDeclaration(export) => (export.span, NO_MODULES, "remove the export"),
            Statement::TSExportAssignment(export) => {
                (export.span, "`export =` is not supported", "use `export default` or `return`")
            }
            Statement::TSNamespaceDeclaration(namespace) => {
                let message = "namespaces with values are not supported";
                (namespace.id.span, message, "use an object: `const name = { … }`")
            }
            Statement::ExportDeclaration(export) => {
                if let oxc_ast::ast::Declaration::TSNamespaceDeclaration(namespace) = &export.declaration {
                    let message = "namespaces with values are not supported";
                    self.finding(namespace.id.span, message, "use an object: `const name = { … }`");
                    return true;
                }
                if let oxc_ast::ast::Declaration::TSImportEqualsDeclaration(import) = &export.declaration {
                    self.finding(import.span, NO_MODULES, TOOLS_ARE_GLOBAL);
                    return true;
                }
                self.edits.blank(export.span.start, export.declaration.span().start);
                return false;
            }
            _ => return false,
        };
        self.finding(span, message, hint);
        true
    }
}

impl<'a> Visit<'a> for Strip<'_, '_, '_> {
    fn visit_statement(&mut self, statement: &Statement<'a>) {
        if is_erased(statement) {
            // The `;` keeps what stands before apart from what follows.
            let span = statement.span();
            self.edits.blank_behind(";", span.start, span.end);
        } else if !self.module_statement(statement) {
            walk::walk_statement(self, statement);
        }
    }

    fn visit_return_statement(&mut self, statement: &ReturnStatement<'a>) {
        self.returns_at_top |= self.functions == 0;
        walk::walk_return_statement(self, statement);
    }

    fn visit_block_statement(&mut self, block: &BlockStatement<'a>) {
        let before = std::mem::replace(&mut self.in_block, true);
        walk::walk_block_statement(self, block);
        self.in_block = before;
    }

    fn visit_static_block(&mut self, block: &StaticBlock<'a>) {
        self.in_function(|strip| walk::walk_static_block(strip, block));
    }

    fn visit_identifier_reference(&mut self, identifier: &IdentifierReference<'a>) {
        if identifier.span.end <= self.shift {
            return;
        }
        if identifier.name == "main" {
            self.main_references.push(identifier.span.start);
        }
        self.word(identifier.name.as_str());
    }

    fn visit_identifier_name(&mut self, identifier: &IdentifierName<'a>) {
        self.word(identifier.name.as_str());
    }

    fn visit_binding_identifier(&mut self, identifier: &BindingIdentifier<'a>) {
        self.word(identifier.name.as_str());
    }

    fn visit_computed_member_expression(&mut self, member: &ComputedMemberExpression<'a>) {
        if let Expression::StringLiteral(key) = &member.expression {
            self.word(key.value.as_str());
        }
        walk::walk_computed_member_expression(self, member);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        self.visit_binding_pattern(&declarator.id);
        let annotation = declarator.type_annotation.as_deref();
        self.blank_annotation(declarator.id.span().end, declarator.definite, annotation);
        if let Some(init) = &declarator.init {
            self.visit_expression(init);
        }
    }

    fn visit_formal_parameter(&mut self, parameter: &FormalParameter<'a>) {
        self.visit_decorators(&parameter.decorators);
        let pattern = parameter.pattern.span();
        if class::is_property(parameter) {
            self.edits.blank(parameter.span.start, pattern.start);
        }
        self.visit_binding_pattern(&parameter.pattern);
        self.blank_annotation(pattern.end, parameter.optional, parameter.type_annotation.as_deref());
        if let Some(initializer) = &parameter.initializer {
            self.visit_expression(initializer);
        }
    }

    fn visit_formal_parameter_rest(&mut self, parameter: &FormalParameterRest<'a>) {
        self.visit_decorators(&parameter.decorators);
        self.visit_binding_rest_element(&parameter.rest);
        self.blank_annotation(parameter.rest.span.end, false, parameter.type_annotation.as_deref());
    }

    fn visit_catch_parameter(&mut self, parameter: &CatchParameter<'a>) {
        self.visit_binding_pattern(&parameter.pattern);
        self.blank_annotation(parameter.pattern.span().end, false, parameter.type_annotation.as_deref());
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        self.in_function(|strip| walk::walk_function(strip, function, flags));
    }

    fn visit_arrow_function_expression(&mut self, arrow: &ArrowFunctionExpression<'a>) {
        let params = arrow.params.span;
        if let Some(types) = &arrow.type_parameters {
            if self.has_line_end(types.span.start, params.start) {
                // `async` and `return` must not be followed by a line end: the parenthesis moves up.
                self.edits.overwrite(types.span.start, "(");
                self.edits.blank(types.span.start + 1, params.start + 1);
            } else {
                self.edits.blank_span(types.span);
            }
        }
        self.in_function(|strip| {
            strip.visit_formal_parameters(&arrow.params);
            if let Some(types) = &arrow.return_type {
                if strip.has_line_end(params.end, types.span.end) {
                    // `=>` must not follow a line end: the parenthesis moves down.
                    strip.edits.blank(params.end - 1, types.span.end);
                    strip.edits.insert(types.span.end, ")");
                } else {
                    strip.edits.blank_span(types.span);
                }
            }
            strip.visit_arrow_function_body(&arrow.body);
        });
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        self.class(class);
    }

    fn visit_class_element(&mut self, element: &ClassElement<'a>) {
        if erased::is_erased_element(element) {
            let span = element.span();
            self.edits.blank_behind(";", span.start, span.end);
        } else {
            walk::walk_class_element(self, element);
        }
    }

    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        self.method(method);
    }

    fn visit_property_definition(&mut self, property: &PropertyDefinition<'a>) {
        self.property(property);
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        self.finding(property.span, "`accessor` fields are not supported", "write a getter and a setter");
    }

    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.finding(
            decorator.span,
            "decorators are not supported",
            "call the function on the value instead",
        );
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        self.finding(import.span, NO_MODULES, TOOLS_ARE_GLOBAL);
    }

    fn visit_import_meta(&mut self, meta: &ImportMeta) {
        self.finding(
            meta.span,
            "`import.meta` exists in modules only",
            "remove it: the script is not a module",
        );
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        self.lower_enum(declaration);
    }

    fn visit_ts_as_expression(&mut self, expression: &TSAsExpression<'a>) {
        self.visit_expression(&expression.expression);
        self.blank_tail(expression.expression.span().end, expression.span.end);
    }

    fn visit_ts_satisfies_expression(&mut self, expression: &TSSatisfiesExpression<'a>) {
        self.visit_expression(&expression.expression);
        self.blank_tail(expression.expression.span().end, expression.span.end);
    }

    fn visit_ts_instantiation_expression(&mut self, expression: &TSInstantiationExpression<'a>) {
        self.visit_expression(&expression.expression);
        self.blank_tail(expression.expression.span().end, expression.span.end);
    }

    fn visit_ts_type_assertion(&mut self, assertion: &TSTypeAssertion<'a>) {
        // Parentheses keep `<T>{ … }` an object and `return <T>` on one line with its value.
        self.edits.overwrite(assertion.span.start, "(");
        self.edits.blank(assertion.span.start + 1, assertion.expression.span().start);
        self.visit_expression(&assertion.expression);
        self.edits.insert(assertion.span.end, ")");
    }

    fn visit_ts_non_null_expression(&mut self, expression: &TSNonNullExpression<'a>) {
        self.visit_expression(&expression.expression);
        self.edits.blank(expression.span.end - 1, expression.span.end);
    }

    fn visit_ts_this_parameter(&mut self, parameter: &TSThisParameter<'a>) {
        let comma = self.token(parameter.span.end);
        let end = if self.byte(comma) == b',' { comma + 1 } else { parameter.span.end };
        self.edits.blank(parameter.span.start, end);
    }

    fn visit_ts_type_annotation(&mut self, annotation: &TSTypeAnnotation<'a>) {
        self.edits.blank_span(annotation.span);
    }

    fn visit_ts_type_parameter_declaration(&mut self, types: &TSTypeParameterDeclaration<'a>) {
        self.edits.blank_span(types.span);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, types: &TSTypeParameterInstantiation<'a>) {
        self.edits.blank_span(types.span);
    }
}
