//! Tells which statements and class members are types alone and leave nothing to run.
//!
//! Reads the syntax tree only; `strip` blanks and `form` passes over what is named here.

use oxc_ast::ast::{
    ClassElement, Declaration, ExportDefaultDeclarationKind, ImportDeclarationSpecifier, ImportOrExportKind,
    MethodDefinitionType, PropertyDefinitionType, Statement, TSNamespaceDeclaration,
    TSNamespaceDeclarationBody,
};

/// Whether nothing of `statement` is left at run time.
pub(crate) fn is_erased(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ImportDeclaration(import) => {
            let of_type = |specifier: &ImportDeclarationSpecifier<'_>| match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(specifier) => specifier.import_kind == TYPE,
                _ => false,
            };
            import.import_kind == TYPE
                || import.specifiers.as_ref().is_some_and(|all| !all.is_empty() && all.iter().all(of_type))
        }
        Statement::ExportDeclaration(export) => is_erased_declaration(&export.declaration),
        Statement::ExportDefaultDeclaration(export) => match &export.declaration {
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => true,
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.body.is_none(),
            _ => false,
        },
        // There is nobody to export to.
        Statement::ExportNamedDeclaration(_) | Statement::TSNamespaceExportDeclaration(_) => true,
        Statement::ExportAllDeclaration(export) => export.export_kind == TYPE,
        Statement::ExportFromDeclaration(export) => export.export_kind == TYPE,
        _ => statement.as_declaration().is_some_and(is_erased_declaration),
    }
}

const TYPE: ImportOrExportKind = ImportOrExportKind::Type;

fn is_erased_declaration(declaration: &Declaration<'_>) -> bool {
    match declaration {
        Declaration::VariableDeclaration(variables) => variables.declare,
        Declaration::FunctionDeclaration(function) => function.declare || function.body.is_none(),
        Declaration::ClassDeclaration(class) => class.declare,
        Declaration::TSEnumDeclaration(declaration) => declaration.declare,
        Declaration::TSNamespaceDeclaration(namespace) => namespace.declare || holds_types_alone(namespace),
        Declaration::TSImportEqualsDeclaration(import) => import.import_kind == TYPE,
        Declaration::TSTypeAliasDeclaration(_)
        | Declaration::TSInterfaceDeclaration(_)
        | Declaration::TSExternalModuleDeclaration(_)
        | Declaration::TSGlobalDeclaration(_) => true,
    }
}

fn holds_types_alone(namespace: &TSNamespaceDeclaration<'_>) -> bool {
    match &namespace.body {
        TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => holds_types_alone(inner),
        TSNamespaceDeclarationBody::TSModuleBlock(block) => block.body.iter().all(is_erased),
    }
}

/// Whether nothing of a class member is left at run time.
pub(super) fn is_erased_element(element: &ClassElement<'_>) -> bool {
    match element {
        ClassElement::MethodDefinition(method) => {
            method.value.body.is_none() || method.r#type == MethodDefinitionType::TSAbstractMethodDefinition
        }
        ClassElement::PropertyDefinition(property) => {
            property.declare || property.r#type == PropertyDefinitionType::TSAbstractPropertyDefinition
        }
        ClassElement::TSIndexSignature(_) => true,
        ClassElement::AccessorProperty(_) | ClassElement::StaticBlock(_) => false,
    }
}
