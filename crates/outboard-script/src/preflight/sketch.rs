//! What of a script the checks look at, the same for all languages: scopes, names that are bound, calls.
//!
//! A language's walk over its tree fills it in the order of the text; names are resolved afterwards, because they may
//! be used before they are bound. It judges nothing.

use super::functions::Functions;
use crate::argument::{Argument, Span};
use std::collections::{HashMap, HashSet};

/// Calls and reads that are recorded; calls beyond these are not checked.
const MOST: usize = 10_000;

/// A stretch of text in which names can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ScopeId(u32);

impl ScopeId {
    /// The script's own.
    pub(crate) const SCRIPT: Self = Self(0);

    pub(super) fn at(place: usize) -> Option<Self> {
        u32::try_from(place).ok().map(Self)
    }

    /// Its place among the scopes; those around it stand before it.
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    /// Of a function, or the script's.
    Function,
    /// Of a block or a comprehension.
    Block,
    /// Of a class in Python, which the functions in it do not see.
    Class,
}

#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) parent: Option<ScopeId>,
    pub(crate) kind: ScopeKind,
}

/// A name as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Span,
}

/// `root.member.member`, members by literal keys included.
#[derive(Clone, Debug)]
pub(crate) struct Path<'a> {
    /// Where the root is looked up; `None` past everything that the script binds.
    pub(crate) scope: Option<ScopeId>,
    pub(crate) root: Name<'a>,
    pub(crate) members: Vec<Name<'a>>,
}

impl<'a> Path<'a> {
    /// The name that what it leads to goes by.
    pub(crate) fn last(&self) -> Name<'a> {
        self.members.last().copied().unwrap_or(self.root)
    }
}

/// What a name was bound to.
#[derive(Clone, Debug)]
pub(crate) enum Bound<'a> {
    /// Whatever this path is.
    Path(Path<'a>),
    /// What this call gives, by its number.
    Call(usize),
    /// Many promises, made alike.
    Each(Source),
    /// One of many promises; of which, is known where they are not bound to a name.
    Element(Option<Source>),
    /// Something that is not followed.
    Other,
}

/// What makes one of many promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// This call, by its number.
    Call(usize),
    /// An asynchronous callback, by its number.
    Callback(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Binding<'a> {
    pub(crate) writes: u32,
    pub(crate) value: Option<Bound<'a>>,
}

/// What becomes of what a call gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It may be awaited, here or later.
    #[default]
    Used,
    /// Nothing.
    Dropped,
    /// It is used as if it were the value that it will bring.
    Misused,
    /// It stands in the arguments of this call: no tool takes promises.
    Given(usize),
}

#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Where it is made.
    pub(crate) scope: ScopeId,
    pub(crate) callee: Path<'a>,
    /// Where the callee is written.
    pub(crate) named: Span,
    pub(crate) span: Span,
    pub(crate) input: Argument<'a>,
    pub(crate) fate: Fate,
    /// The statement that it is, whose value may be the script's.
    pub(crate) statement: Option<u32>,
    /// The script deals with its failure.
    pub(crate) guarded: bool,
    /// It cannot be reached.
    pub(crate) dead: bool,
    /// More arguments may be given elsewhere, and it is not sent here.
    pub(crate) partial: bool,
    /// It is made for each of many.
    pub(crate) repeated: bool,
}

/// A name that is read.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) scope: ScopeId,
    pub(crate) name: &'a str,
    pub(crate) use_: Use,
}

/// What is done with the value of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Use {
    /// It may be awaited.
    #[default]
    Kept,
    /// A promise would be of no use.
    Misused,
    /// It is looked into, as a list may be and a promise may not.
    Opened,
    /// It is asked how many it has.
    Measured,
    /// What it has is taken one by one and bound to this.
    Through(usize),
    /// It stands in the arguments of this call.
    Given(usize),
}

/// What a parent in the tree knows of a child before it is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Use(Use),
    /// By the statement that begins here.
    Dropped(u32),
}

/// A callback that gives a promise each time it is called.
#[derive(Debug)]
pub(crate) struct Callback<'a> {
    /// The method that calls it.
    pub(crate) method: Name<'a>,
    pub(crate) scope: Option<ScopeId>,
    /// Nobody gets the promises, by the statement that begins here.
    pub(crate) dropped: Option<u32>,
}

/// What of a script the checks look at.
#[derive(Debug)]
pub(crate) struct Sketch<'a> {
    pub(crate) scopes: Vec<Scope>,
    pub(crate) bindings: Vec<Binding<'a>>,
    pub(crate) named: HashMap<(ScopeId, &'a str), usize>,
    /// Names of outer scopes that a scope declares to be its own: `global`, `nonlocal`.
    pub(crate) outer: HashMap<(ScopeId, &'a str), ScopeId>,
    /// Names that are assigned to without being declared there.
    pub(crate) assigned: Vec<(ScopeId, &'a str)>,
    /// Names that are given to everyone: `globalThis.x = …`.
    pub(crate) published: HashSet<&'a str>,
    /// Names and modules of imports: whether these are there, the import itself finds out.
    pub(crate) imported: HashSet<&'a str>,
    /// Names that are bound anywhere to something of the script's own, so that they may be no builtins.
    pub(crate) own: HashSet<&'a str>,
    pub(crate) loads: Vec<Load<'a>>,
    pub(crate) calls: Vec<Call<'a>>,
    pub(crate) callbacks: Vec<Callback<'a>>,
    pub(crate) functions: Functions<'a>,
    /// Modules that are imported for certain, by their full names.
    pub(crate) modules: Vec<Name<'a>>,
    /// Paths that are read without being called: perhaps to find out whether they are there.
    pub(crate) reads: Vec<Path<'a>>,
    /// Any name may be bound: there is code made of text, or too much to look at.
    pub(crate) writes_any: bool,
    /// Names may be defined in ways that are not seen, so that none is known to be undefined.
    pub(crate) defines_any: bool,
    /// Names may be read in ways that are not seen.
    pub(crate) reads_any: bool,
    marks: HashMap<Span, Mark>,
    current: ScopeId,
    pub(crate) guards: u32,
    pub(crate) dead: u32,
    pub(crate) loops: u32,
}

impl<'a> Sketch<'a> {
    pub(crate) fn new() -> Self {
        Self {
            scopes: vec![Scope { parent: None, kind: ScopeKind::Function }],
            bindings: Vec::new(),
            named: HashMap::new(),
            outer: HashMap::new(),
            assigned: Vec::new(),
            published: HashSet::new(),
            imported: HashSet::new(),
            own: HashSet::new(),
            loads: Vec::new(),
            calls: Vec::new(),
            callbacks: Vec::new(),
            functions: Functions::default(),
            modules: Vec::new(),
            reads: Vec::new(),
            writes_any: false,
            defines_any: false,
            reads_any: false,
            marks: HashMap::new(),
            current: ScopeId::SCRIPT,
            guards: 0,
            dead: 0,
            loops: 0,
        }
    }

    pub(crate) fn scope(&self) -> ScopeId {
        self.current
    }

    pub(crate) fn open(&mut self, kind: ScopeKind) {
        let id = ScopeId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        self.scopes.push(Scope { parent: Some(self.current), kind });
        self.current = id;
    }

    pub(crate) fn close(&mut self) {
        self.current = self.scope_of(self.current).parent.unwrap_or(ScopeId::SCRIPT);
    }

    pub(crate) fn scope_of(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    /// The nearest scope around, this one included, that is no block.
    pub(crate) fn function_scope(&self) -> ScopeId {
        let mut at = self.current;
        while self.scope_of(at).kind == ScopeKind::Block {
            let Some(parent) = self.scope_of(at).parent else { break };
            at = parent;
        }
        at
    }

    /// Whether no function lies between a scope and that of a function around it.
    pub(crate) fn is_directly_in(&self, scope: ScopeId, function: Option<ScopeId>) -> bool {
        let mut at = scope;
        while Some(at) != function && self.scope_of(at).kind == ScopeKind::Block {
            let Some(parent) = self.scope_of(at).parent else { break };
            at = parent;
        }
        Some(at) == function
    }

    /// Binds a name in a scope to something of the script's own; returns the binding's number.
    pub(crate) fn bind(&mut self, scope: ScopeId, name: &'a str, value: Bound<'a>) -> usize {
        self.own.insert(name);
        self.bind_known(scope, name, value)
    }

    /// Binds a name to what it is known to mean.
    pub(crate) fn bind_known(&mut self, scope: ScopeId, name: &'a str, value: Bound<'a>) -> usize {
        if let Bound::Path(path) = &value {
            self.functions.mention(self.current, path.last().text, self.guards > 0, false);
        }
        let scope = self.outer.get(&(scope, name)).copied().unwrap_or(scope);
        let place = *self.named.entry((scope, name)).or_insert(self.bindings.len());
        if place == self.bindings.len() {
            self.bindings.push(Binding::default());
        }
        let binding = &mut self.bindings[place];
        binding.writes += 1;
        binding.value = Some(value);
        place
    }

    /// A name is assigned to, wherever it is declared.
    pub(crate) fn assign(&mut self, name: &'a str) {
        self.assign_in(self.current, name);
    }

    /// A name is assigned to in the sight of a scope.
    pub(crate) fn assign_in(&mut self, scope: ScopeId, name: &'a str) {
        self.own.insert(name);
        self.assigned.push((scope, name));
    }

    /// Opens the scope of the function that is written at `span`.
    pub(crate) fn open_function(&mut self, span: Span) {
        self.open(ScopeKind::Function);
        if let Some(callback) = self.functions.enter(span, self.current) {
            self.callbacks[callback].scope = Some(self.current);
        }
    }

    /// What is visited meanwhile can fail without harm.
    pub(crate) fn begin_guard(&mut self) {
        self.guards += 1;
        let mut at = Some(self.current);
        while let Some(scope) = at {
            self.functions.handles(scope);
            at = self.scope_of(scope).parent;
        }
    }

    pub(crate) fn end_guard(&mut self) {
        self.guards -= 1;
    }

    /// Notes that the function at `span` is called for each of many and gives promises; returns the callback's number.
    pub(crate) fn callback(&mut self, span: Span, method: Name<'a>) -> usize {
        let number = self.callbacks.len();
        self.callbacks.push(Callback { method, scope: None, dropped: None });
        self.functions.is_callback(span, number);
        number
    }

    pub(crate) fn load(&mut self, name: &'a str, span: Span) {
        let use_ = match self.marks.remove(&span) {
            Some(Mark::Use(use_)) => use_,
            Some(Mark::Dropped(_)) => Use::Misused,
            None => Use::Kept,
        };
        self.loads.push(Load { scope: self.current, name, use_ });
    }

    pub(crate) fn read(&mut self, path: Path<'a>) {
        self.functions.mention(self.current, path.last().text, self.guards > 0, false);
        if self.reads.len() < MOST {
            self.reads.push(path);
        } else {
            // Some test may be missed, so that nothing is certain any more.
            self.writes_any = true;
        }
    }

    pub(crate) fn mark(&mut self, span: Span, mark: Mark) {
        self.marks.insert(span, mark);
    }

    /// Marks a use; that a value is an argument of some call says less than what was known before.
    pub(crate) fn mark_use(&mut self, span: Span, use_: Use) {
        match use_ {
            Use::Given(_) => self.mark_anew(span, Mark::Use(use_)),
            _ => self.mark(span, Mark::Use(use_)),
        }
    }

    /// Marks what was not marked before.
    pub(crate) fn mark_anew(&mut self, span: Span, mark: Mark) {
        self.marks.entry(span).or_insert(mark);
    }

    /// Records a call and returns its number.
    pub(crate) fn call(
        &mut self,
        callee: Path<'a>,
        named: Span,
        span: Span,
        input: Argument<'a>,
    ) -> Option<usize> {
        let (fate, statement) = match self.marks.remove(&span) {
            Some(Mark::Dropped(statement)) => (Fate::Dropped, Some(statement)),
            Some(Mark::Use(Use::Given(call))) => (Fate::Given(call), None),
            Some(Mark::Use(Use::Kept)) | None => (Fate::Used, None),
            Some(Mark::Use(_)) => (Fate::Misused, None),
        };
        self.functions.mention(self.current, callee.last().text, self.guards > 0, true);
        if self.calls.len() >= MOST {
            return None;
        }
        self.calls.push(Call {
            scope: self.current,
            callee,
            named,
            span,
            input,
            fate,
            statement,
            guarded: self.guards > 0,
            dead: self.dead > 0,
            partial: false,
            repeated: self.loops > 0,
        });
        Some(self.calls.len() - 1)
    }

    /// The number of the call that is written at `span`, if it is among those from `first` on.
    pub(crate) fn call_at(&self, first: usize, span: Span) -> Option<usize> {
        let later = self.calls.get(first..)?;
        later.iter().position(|call| call.span == span).map(|at| first + at)
    }
}
