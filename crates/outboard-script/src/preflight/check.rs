//! Judges a sketch: each call by its name, its arguments and what becomes of its promise.
//!
//! What the script makes provision for is left to the run: whatever can fail within `try`, and names that it tests for.
//! A promise that nobody awaits is told even there, because its failure is not caught. It knows no syntax.

use super::dialect::Dialect;
use super::names::{Meaning, Names};
use super::plural;
use super::sketch::{Call, Callback, Fate, Name, Path, Sketch, Source};
use super::waste;
use crate::argument::Span;
use crate::catalogue::{Advice, CatalogueView, ToolView};
use crate::finding::{Finding, Findings};
use crate::fit::{self, shown};
use std::collections::{BTreeSet, HashSet};

/// Mistakes that are told of one call's arguments.
const OF_ONE_CALL: usize = 4;
/// Hints that are given of one script.
const MOST_HINTS: usize = 3;
/// Times that the text is searched for a name in quotes.
const SEARCHES: u32 = 100;

/// Where a span of the parsed text stands in the source, and what stands there.
pub(crate) struct Places<'p> {
    /// The parsed text.
    pub(crate) text: &'p str,
    /// Leads a byte of the parsed text back to the source.
    pub(crate) to_source: &'p dyn Fn(u32) -> u32,
    /// Statements whose value the script returns, by their first bytes.
    pub(crate) returned: &'p BTreeSet<u32>,
}

/// Adds a finding for each mistake in the calls of a sketch. Returns what could be done better.
pub(crate) fn check(
    mut sketch: Sketch<'_>,
    dialect: &Dialect,
    places: &Places<'_>,
    catalogue: &dyn CatalogueView,
    findings: &mut Findings<'_>,
) -> Vec<Finding> {
    let calls = std::mem::take(&mut sketch.calls);
    let modules = std::mem::take(&mut sketch.modules);
    if calls.is_empty() && modules.is_empty() || sketch.writes_any {
        return Vec::new();
    }
    let reads = std::mem::take(&mut sketch.reads);
    let imported = std::mem::take(&mut sketch.imported);
    let callbacks = std::mem::take(&mut sketch.callbacks);
    let lenient = sketch.functions.lenient(&sketch.scopes, &sketch.own);
    let mut paths = calls.iter().map(|call| &call.callee).chain(&reads);
    let defines_any = sketch.defines_any || paths.any(|path| reaches_globals(path, dialect, catalogue));
    let mut names = Names::of(&mut sketch);
    let meant: Vec<_> = calls.iter().map(|call| names.meaning(&call.callee)).collect();
    let read = reads.iter().filter_map(|path| names.meaning(path)).map(|meaning| asked(&meaning)).collect();
    let is_tool = |call: usize| {
        let meaning = meant.get(call).and_then(Option::as_ref);
        meaning
            .is_some_and(|meaning| meaning.members.len() == 1 && catalogue.has_namespace(meaning.root.text))
    };
    let wasted = waste::wasted(&mut names, dialect, &is_tool);
    let is_wasted = |number: usize, call: &Call<'_>| match call.fate {
        Fate::Used => wasted.contains(&Source::Call(number)),
        Fate::Given(to) => is_tool(to),
        Fate::Dropped => !call.statement.is_some_and(|statement| places.returned.contains(&statement)),
        Fate::Misused => true,
    };
    let mut check = Check {
        dialect,
        places,
        catalogue,
        findings,
        read,
        imported,
        defines_any,
        told: HashSet::new(),
        searches: SEARCHES,
    };
    modules.iter().for_each(|module| check.module(module));
    let (mut hints, mut looked_for) = (Vec::new(), HashSet::new());
    for (number, (call, meaning)) in calls.iter().zip(&meant).enumerate() {
        if let Some(meaning) = meaning.as_ref().filter(|_| !call.dead) {
            let guarded = call.guarded || lenient[call.scope.place()];
            check.call(call, meaning, guarded, is_wasted(number, call));
            if hints.len() < MOST_HINTS {
                hints.extend(plural::hint(call, meaning, catalogue, &mut looked_for));
            }
        }
    }
    for (number, callback) in callbacks.iter().enumerate() {
        let dropped = callback.dropped.is_some_and(|statement| !places.returned.contains(&statement));
        let of_tool = |(place, call): (usize, &Call<'_>)| {
            is_tool(place) && !call.dead && sketch.is_directly_in(call.scope, callback.scope)
        };
        if (dropped || wasted.contains(&Source::Callback(number))) && calls.iter().enumerate().any(of_tool) {
            check.callback(callback);
        }
    }
    hints.into_iter().map(|hint| hint.told(places, dialect, catalogue, check.findings)).collect()
}

/// What a read asks for: a name, or a member of one.
type Asked<'a> = (&'a str, Option<&'a str>);

fn asked<'a>(meaning: &Meaning<'a>) -> Asked<'a> {
    (meaning.root.text, meaning.members.first().map(|member| member.text))
}

/// Whether a path does more with the global object than to get at what is known to be there.
fn reaches_globals(path: &Path<'_>, dialect: &Dialect, catalogue: &dyn CatalogueView) -> bool {
    let known = |member: &Name<'_>| dialect.has_global(member.text) || catalogue.has_namespace(member.text);
    dialect.is_global_object(path.root.text) && !path.members.first().is_some_and(known)
}

struct Check<'c, 'f, 'a> {
    dialect: &'c Dialect,
    places: &'c Places<'c>,
    catalogue: &'c dyn CatalogueView,
    findings: &'c mut Findings<'f>,
    /// What is read without being called: a test whether it is there.
    read: HashSet<Asked<'a>>,
    imported: HashSet<&'a str>,
    /// No name is known to be undefined.
    defines_any: bool,
    /// Tools whose signature was told.
    told: HashSet<(String, String)>,
    searches: u32,
}

impl<'a> Check<'_, '_, 'a> {
    fn call(&mut self, call: &Call<'a>, meaning: &Meaning<'a>, guarded: bool, wasted: bool) {
        let Meaning { root, members, .. } = meaning;
        let Some(tool) = members.first() else { return };
        let own = matches!(
            (root.text, tool.text),
            ("tools", "search" | "describe")
                | ("results" | "prompts", "get")
                | ("resources" | "prompts", "list")
                | ("resources", "read" | "templates")
        );
        if (root.text, tool.text) == ("tools", "pages") && members.len() == 1 {
            // It is iterated over and not awaited.
            return;
        }
        if own && members.len() == 1 {
            return self.promise(call, wasted);
        }
        if root.text == "tools" && members.len() > 1 && self.catalogue.has_namespace(tool.text) {
            return self.not_of_tools(call, members, guarded);
        }
        if !self.catalogue.has_namespace(root.text) {
            return self.undefined(meaning, guarded);
        }
        if self.dialect.is_own(tool.text) {
            return;
        }
        if members.len() == 1 && !guarded && self.denied(root, tool) {
            return;
        }
        match self.catalogue.tool(root.text, tool.text) {
            ToolView::Missing => self.missing(meaning, tool, guarded),
            // `github.create_issue.bind(…)` calls something else.
            _ if members.len() > 1 => {}
            ToolView::Unclear => self.promise(call, wasted),
            ToolView::Found(shape) => {
                let mistakes = match guarded || shape.is_any() || self.findings.is_full() {
                    true => Vec::new(),
                    false => fit::mistakes(&shape, &call.input, OF_ONE_CALL),
                };
                if let Some(first) = mistakes.first()
                    && self.catalogue.refuses_misfits(root.text, tool.text)
                {
                    let texts: Vec<&str> = mistakes.iter().map(|mistake| mistake.text.as_str()).collect();
                    let message = format!("{}.{}: {}", root.text, shown(tool.text), texts.join("; "));
                    let hint = self.signature(root.text, tool.text);
                    self.add(first.span, message, hint);
                }
                self.promise(call, wasted);
            }
        }
    }

    /// Tells of a tool that policy denies whatever it is given.
    fn denied(&mut self, namespace: &Name<'a>, tool: &Name<'a>) -> bool {
        let denied = self.catalogue.denied_outright(namespace.text, tool.text);
        let Some(Advice { message, hint }) = denied else { return false };
        self.add(tool.span, message, hint);
        true
    }

    fn promise(&mut self, call: &Call<'a>, wasted: bool) {
        if wasted && !call.partial {
            let callee = self.text(call.named);
            let (message, hint) =
                (format!("`{callee}` is called but not awaited"), self.dialect.await_it(callee));
            self.add(call.span, message, Some(hint));
        }
    }

    /// Nobody awaits the promises that a callback gives.
    fn callback(&mut self, callback: &Callback<'a>) {
        let method = callback.method.text;
        let (message, hint) = match method {
            "forEach" => (
                "`forEach` does not wait for its async callback".to_owned(),
                "write `for (const … of …) { await … }`, or `await Promise.all(….map(async … => …))`",
            ),
            _ => (
                format!("`{method}` gives promises, because its callback is async, and nothing awaits them"),
                "write `await Promise.all(….map(async … => …))`",
            ),
        };
        self.add(callback.method.span, message, Some(hint.to_owned()));
    }

    /// An import for certain of a module that is not there.
    fn module(&mut self, module: &Name<'a>) {
        let first = module.text.split('.').next().unwrap_or_default();
        if self.defines_any || self.catalogue.has_namespace(first) {
            return;
        }
        if let Some((missing, hint)) = self.dialect.absent_module(module.text) {
            let message = format!("no module named '{}'", shown(missing));
            self.add(module.span, message, Some(hint.to_owned()));
        }
    }

    fn missing(&mut self, meaning: &Meaning<'a>, tool: &Name<'a>, guarded: bool) {
        let tested = self.read.contains(&asked(meaning));
        if guarded || tested || self.findings.is_full() || self.is_quoted(tool) {
            return;
        }
        let Advice { message, hint } =
            self.catalogue.explain_missing(meaning.root.text, tool.text, self.dialect.language);
        self.add(tool.span, message, hint);
    }

    fn undefined(&mut self, meaning: &Meaning<'a>, guarded: bool) {
        let name = meaning.root.text;
        let tested = self.read.contains(&(name, None));
        let perhaps = self.defines_any || meaning.of_global || self.imported.contains(name);
        if perhaps || self.dialect.has_global(name) || guarded || tested || self.findings.is_full() {
            return;
        }
        let advice = self.catalogue.explain_undefined(name, self.dialect.language);
        if let Some(Advice { message, hint }) = advice.filter(|_| !self.is_quoted(&meaning.root)) {
            self.add(meaning.root.span, message, hint);
        }
    }

    /// Other programs of this kind put all namespaces into one object.
    fn not_of_tools(&mut self, call: &Call<'a>, members: &[Name<'a>], guarded: bool) {
        if !guarded && !self.imported.contains("tools") {
            let path: Vec<&str> = members.iter().map(|member| member.text).collect();
            let path = path.join(".");
            let hint = format!("write `{}(…)`", shown(&path));
            self.add(call.named, "`tools` holds no namespaces: they are names of their own", Some(hint));
        }
    }

    /// How the tool is called, unless that was said already.
    fn signature(&mut self, namespace: &str, tool: &str) -> Option<String> {
        let first = self.told.insert((namespace.to_owned(), tool.to_owned()));
        let signature = first.then(|| self.catalogue.signature(namespace, tool, self.dialect.language))?;
        (!signature.is_empty()).then(|| format!("expected {signature}"))
    }

    /// Whether the script has this name in quotes elsewhere: it may look for it.
    fn is_quoted(&mut self, name: &Name<'_>) -> bool {
        let Some(left) = self.searches.checked_sub(1).filter(|_| !name.text.is_empty()) else { return true };
        self.searches = left;
        let text = self.places.text.as_bytes();
        let quote = |at: Option<usize>| at.and_then(|at| text.get(at)).filter(|byte| b"\"'`".contains(byte));
        self.places.text.match_indices(name.text).any(|(at, _)| {
            let here = (name.span.0 as usize..name.span.1 as usize).contains(&at);
            let before = quote(at.checked_sub(1));
            !here && before.is_some() && before == quote(Some(at + name.text.len()))
        })
    }

    fn text(&self, span: Span) -> &str {
        self.places.text.get(span.0 as usize..span.1 as usize).unwrap_or_default()
    }

    fn add(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        let (start, end) = ((self.places.to_source)(span.0), (self.places.to_source)(span.1));
        self.findings.add(start, end.max(start), message, hint);
    }
}
