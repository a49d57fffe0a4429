//! What binds names: assignments, imports, declarations of outer names. Part of the walk in `sketch`.
//! It follows only what is bound to a path or a call; everything else is bound to something unknown.

use super::path::path;
use super::{Walk, at};
use crate::preflight::{Bound, Name, Path, ScopeId, Source, is_python_module};
use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, Stmt, StmtImport, StmtImportFrom};
use ruff_text_size::Ranged;

/// A name that the walk knows from its import alone.
const PARTIAL: (&str, &str, &str) = ("functools", "partial", "partial");

impl<'a> Walk<'a, '_> {
    pub(super) fn assign(&mut self, targets: &'a [Expr], value: &'a Expr) {
        let path = path(value, self.sketch.scope());
        if targets.iter().any(|target| matches!(target, Expr::Tuple(_) | Expr::List(_))) {
            self.misuse(value);
        }
        if let (Expr::Lambda(lambda), [Expr::Name(name)]) = (value, targets) {
            self.sketch.functions.is_named(at(lambda.range), name.id.as_str());
        }
        let before = self.sketch.calls.len();
        match &path {
            Some(path) => self.sketch.load(path.root.text, path.root.span),
            None => self.visit_expr(value),
        }
        // A call is recorded before those among its arguments.
        let is_call = value.is_call_expr()
            && self.sketch.calls.get(before).is_some_and(|call| call.span == at(value.range()));
        let each = Self::list(value).and_then(|span| self.sketch.call_at(before, span));
        for target in targets {
            match target {
                Expr::Name(name) => {
                    let bound = match (&path, is_call, each) {
                        (Some(path), ..) => Bound::Path(path.clone()),
                        (None, true, _) if targets.len() == 1 => Bound::Call(before),
                        (None, _, Some(call)) if targets.len() == 1 => Bound::Each(Source::Call(call)),
                        _ => Bound::Other,
                    };
                    self.sketch.bind(self.sketch.scope(), name.id.as_str(), bound);
                }
                other => self.visit_expr(other),
            }
        }
    }

    pub(super) fn import(&mut self, import: &'a StmtImport) {
        for alias in &import.names {
            let module = alias.name.as_str();
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            let name = name.split('.').next().unwrap_or_default();
            let bound = self.namespace(module, at(alias.name.range())).map_or(Bound::Other, Bound::Path);
            let own = alias.asname.as_ref().is_some_and(|own| own.as_str() != module);
            self.bind_import(name, bound, own);
            self.sketch.imported.insert(module);
            self.sketch.writes_any |= module == "builtins";
        }
    }

    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) {
        let module = import.module.as_ref().filter(|_| import.level == 0);
        let text = module.map_or("", |module| module.as_str());
        self.sketch.imported.insert(text);
        let module = module.and_then(|module| self.namespace(module.as_str(), at(module.range())));
        for alias in &import.names {
            let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            // What a star brings, nobody knows.
            self.sketch.writes_any |= name == "*";
            let bound = module.clone().map_or(Bound::Other, |mut path| {
                path.members.push(Name { text: alias.name.as_str(), span: at(alias.name.range()) });
                Bound::Path(path)
            });
            self.bind_import(name, bound, (text, alias.name.as_str(), name) != PARTIAL);
        }
    }

    /// `own` if the name means something else than it does everywhere.
    fn bind_import(&mut self, name: &'a str, bound: Bound<'a>, own: bool) {
        let scope = self.sketch.scope();
        self.sketch.imported.insert(name);
        match own {
            true => self.sketch.bind(scope, name, bound),
            false => self.sketch.bind_known(scope, name, bound),
        };
    }

    /// A module that may be a namespace: each can be imported by its name.
    fn namespace(&self, module: &'a str, span: (u32, u32)) -> Option<Path<'a>> {
        let may_be = !module.contains('.') && !is_python_module(module);
        may_be.then(|| Path { scope: None, root: Name { text: module, span }, members: Vec::new() })
    }

    /// `global` and `nonlocal` count for all of the function, so that they come before its other statements.
    pub(super) fn declare_outer(&mut self, body: &'a [Stmt]) {
        let scope = self.sketch.scope();
        for statement in body {
            match statement {
                Stmt::Global(global) => {
                    for name in &global.names {
                        self.sketch.outer.insert((scope, name.as_str()), ScopeId::SCRIPT);
                    }
                }
                Stmt::Nonlocal(nonlocal) => {
                    let around = self.sketch.scope_of(scope).parent.unwrap_or(ScopeId::SCRIPT);
                    for name in &nonlocal.names {
                        self.sketch.outer.insert((scope, name.as_str()), around);
                        self.sketch.assign_in(around, name.as_str());
                    }
                }
                _ => {}
            }
        }
    }
}

/// The modules that a statement imports.
pub(super) fn modules(statement: &Stmt) -> Vec<Name<'_>> {
    match statement {
        Stmt::Import(import) => {
            let names = import.names.iter();
            names.map(|alias| Name { text: alias.name.as_str(), span: at(alias.name.range()) }).collect()
        }
        Stmt::ImportFrom(import) if import.level == 0 => {
            let module = import.module.iter();
            module.map(|module| Name { text: module.as_str(), span: at(module.range()) }).collect()
        }
        _ => Vec::new(),
    }
}
