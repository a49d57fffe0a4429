//! The names that a script uses, and whether they tell that it is Python.
//! It resolves no scopes: a name that is bound anywhere counts as bound.

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_keyword, walk_parameter, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Keyword, Parameter, Stmt};
use std::collections::BTreeSet;

/// Names that Python alone has at hand, and that no catalogue calls a namespace.
const ONLY_PYTHON: [&str; 24] = [
    "abs",
    "all",
    "any",
    "asyncio",
    "bool",
    "dict",
    "enumerate",
    "filter",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "map",
    "max",
    "min",
    "print",
    "range",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
];

/// What the names of a script are.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Identifiers and attributes, keywords of calls, and literal keys of accesses.
    pub(super) words: BTreeSet<String>,
    /// Whether TypeScript, which may share the grammar of the script, could only fail on it.
    pub(super) telling: bool,
}

pub(super) fn of(body: &[Stmt]) -> Names {
    let mut gathered = Gathered::default();
    gathered.visit_body(body);
    let Gathered { words, bound, loaded, keywords, literals, assigns_itself } = gathered;
    let builtins = ONLY_PYTHON.iter().any(|name| loaded.contains(*name) && !bound.contains(*name));
    // `f(page=1)` assigns to a variable in JavaScript, which is of use only if something reads it.
    let keywords = keywords.iter().any(|name| !loaded.contains(name) && !bound.contains(name));
    Names { words, telling: builtins || keywords || literals || assigns_itself }
}

#[derive(Default)]
struct Gathered {
    words: BTreeSet<String>,
    bound: BTreeSet<String>,
    loaded: BTreeSet<String>,
    keywords: BTreeSet<String>,
    /// `None`, `True` or `False` occurs.
    literals: bool,
    /// `f(page=page)` occurs: JavaScript would assign a variable to itself.
    assigns_itself: bool,
}

impl Gathered {
    fn word(&mut self, word: &str) {
        if !self.words.contains(word) {
            self.words.insert(word.to_owned());
        }
    }

    fn literal(&mut self, key: &Expr) {
        if let Expr::StringLiteral(key) = key {
            self.word(key.value.to_str());
        }
    }
}

impl<'a> Visitor<'a> for Gathered {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.word(&function.name);
                self.bound.insert(function.name.to_string());
            }
            Stmt::ClassDef(class) => {
                self.word(&class.name);
                self.bound.insert(class.name.to_string());
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.bound.insert(name.split('.').next().unwrap_or_default().to_owned());
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bound.insert(alias.asname.as_ref().unwrap_or(&alias.name).to_string());
                }
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                self.word(&name.id);
                let names = if name.ctx == ExprContext::Load { &mut self.loaded } else { &mut self.bound };
                if !names.contains(name.id.as_str()) {
                    names.insert(name.id.to_string());
                }
            }
            Expr::Attribute(attribute) => self.word(&attribute.attr),
            Expr::Subscript(subscript) => self.literal(&subscript.slice),
            Expr::Call(call) => {
                if let (Expr::Name(function), [_, key, ..]) = (&*call.func, &*call.arguments.args)
                    && function.id == "getattr"
                {
                    self.literal(key);
                }
            }
            Expr::NoneLiteral(_) | Expr::BooleanLiteral(_) => self.literals = true,
            Expr::Dict(dict) => {
                for item in &dict.items {
                    match &item.key {
                        // In TypeScript it is no variable but the key itself.
                        Some(Expr::Name(name)) => self.word(&name.id),
                        Some(key) => self.visit_expr(key),
                        None => {}
                    }
                    self.visit_expr(&item.value);
                }
                return;
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_keyword(&mut self, keyword: &'a Keyword) {
        if let Some(name) = &keyword.arg {
            self.word(name);
            self.keywords.insert(name.to_string());
            self.assigns_itself |=
                matches!(&keyword.value, Expr::Name(value) if value.id.as_str() == name.as_str());
        }
        walk_keyword(self, keyword);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.word(&parameter.name);
        self.bound.insert(parameter.name.to_string());
        walk_parameter(self, parameter);
    }
}
