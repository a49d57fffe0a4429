//! Which functions a script may call where it deals with failures: what can fail in these is left to the run.
//!
//! Functions go by their names alone, whatever they are members of, and those whose callers cannot be known count as
//! called wherever the script deals with any failure. It judges no calls.

use super::sketch::{Scope, ScopeId};
use crate::argument::Span;
use std::collections::{HashMap, HashSet};

/// Names that are recorded where they are read; with more, every function counts as called with care.
const MOST: usize = 20_000;
/// Functions that call one another, one through the other.
const LINKS: usize = 16;

/// The functions of a script, and where their names are read.
#[derive(Debug, Default)]
pub(crate) struct Functions<'a> {
    made: HashMap<ScopeId, Function<'a>>,
    notes: HashMap<Span, Note<'a>>,
    mentions: Vec<Mention<'a>>,
    handles_any: bool,
}

#[derive(Debug, Default)]
struct Function<'a> {
    names: Vec<&'a str>,
    callers: Callers<'a>,
    handles: bool,
}

/// Who calls a function, beside those who know its name.
#[derive(Clone, Copy, Debug, Default)]
enum Callers<'a> {
    /// Whoever gets it.
    #[default]
    Unknown,
    /// Nobody.
    None,
    /// The function of this name, which gets it as an argument.
    Function(&'a str),
}

#[derive(Debug, Default)]
struct Note<'a> {
    names: Vec<&'a str>,
    callers: Callers<'a>,
    callback: Option<usize>,
}

#[derive(Debug)]
struct Mention<'a> {
    scope: ScopeId,
    name: &'a str,
    guarded: bool,
    called: bool,
}

impl<'a> Functions<'a> {
    /// The function at `span` goes by this name and is called by it alone.
    pub(crate) fn is_named(&mut self, span: Span, name: &'a str) {
        let note = self.notes.entry(span).or_default();
        note.names.push(name);
        note.callers = Callers::None;
    }

    /// The function at `span` is a member of this name of something.
    pub(crate) fn is_member(&mut self, span: Span, name: &'a str) {
        self.notes.entry(span).or_default().names.push(name);
    }

    /// The function at `span` is an argument of a call of the function of this name.
    pub(crate) fn is_given(&mut self, span: Span, to: &'a str) {
        self.notes.entry(span).or_default().callers = Callers::Function(to);
    }

    /// The function at `span` is called where it stands.
    pub(crate) fn is_called(&mut self, span: Span) {
        self.notes.entry(span).or_default().callers = Callers::None;
    }

    /// Whether a function goes by this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.made.values().any(|function| function.names.contains(&name))
    }

    pub(super) fn is_callback(&mut self, span: Span, number: usize) {
        self.notes.entry(span).or_default().callback = Some(number);
    }

    /// The scope of the function at `span` is opened; returns the number of the callback that it is.
    pub(super) fn enter(&mut self, span: Span, scope: ScopeId) -> Option<usize> {
        let Note { names, callers, callback } = self.notes.remove(&span).unwrap_or_default();
        self.made.insert(scope, Function { names, callers, handles: false });
        callback
    }

    /// In this scope failures are dealt with.
    pub(super) fn handles(&mut self, scope: ScopeId) {
        self.handles_any = true;
        if let Some(function) = self.made.get_mut(&scope) {
            function.handles = true;
        }
    }

    /// A name is read, perhaps to be called.
    pub(crate) fn mention(&mut self, scope: ScopeId, name: &'a str, guarded: bool, called: bool) {
        if self.mentions.len() <= MOST {
            self.mentions.push(Mention { scope, name, guarded, called });
        }
    }

    /// For each scope, whether what fails in it may be dealt with by who called its function.
    pub(super) fn lenient(&self, scopes: &[Scope], own: &HashSet<&str>) -> Vec<bool> {
        let mut lenient = vec![false; scopes.len()];
        if !self.handles_any || self.made.is_empty() {
            return lenient;
        }
        if self.mentions.len() > MOST {
            return vec![true; scopes.len()];
        }
        // By name, whether one of the functions of this name deals with failures.
        let mut takers: HashMap<&str, bool> = HashMap::new();
        for function in self.made.values() {
            for name in &function.names {
                *takers.entry(name).or_default() |= function.handles;
            }
        }
        let mut names: HashSet<&str> = self
            .mentions
            .iter()
            .filter(|mention| mention.guarded || !mention.called)
            .map(|mention| mention.name)
            .collect();
        for _ in 0..LINKS {
            let before = names.len();
            // Outer scopes stand first.
            for (place, scope) in scopes.iter().enumerate() {
                let around = scope.parent.is_some_and(|parent| lenient[parent.place()]);
                let function = ScopeId::at(place).and_then(|scope| self.made.get(&scope));
                lenient[place] =
                    around || function.is_some_and(|function| function.is_lenient(&names, &takers, own));
            }
            names.extend(
                self.mentions.iter().filter(|mention| lenient[mention.scope.place()]).map(|m| m.name),
            );
            if names.len() == before {
                return lenient;
            }
        }
        vec![true; scopes.len()]
    }
}

impl Function<'_> {
    fn is_lenient(&self, names: &HashSet<&str>, takers: &HashMap<&str, bool>, own: &HashSet<&str>) -> bool {
        let given = match self.callers {
            Callers::Unknown => true,
            Callers::None => false,
            // A function that the script got from somewhere is not known.
            Callers::Function(taker) => takers.get(taker).copied().unwrap_or_else(|| own.contains(taker)),
        };
        given || self.names.iter().any(|name| names.contains(name))
    }
}
