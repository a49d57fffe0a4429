//! Makes scripts that are right wrong in one place, by the operators of `OPERATORS`, and expects every mistake to be found.

use std::{collections::BTreeMap, ops::Range};

use outboard_runtime::{Language, catalogue::ToolDefinition};
use serde_json::Value;

use super::{catalogue, corpus, findings, told, tools};

/// What a mutant does to a call; `None` where it cannot be done, or would not be a mistake.
type Operator = (&'static str, fn(&Call<'_>) -> Vec<String>);

const OPERATORS: [Operator; 25] = [
    ("the tool loses its last letter", |call| call.named(|tool| tool[..tool.len() - 1].to_owned())),
    ("two letters of the tool are exchanged", |call| call.named(exchanged)),
    ("the tool is invented", |call| call.named(|_| "zzz_frobnicate".to_owned())),
    ("the namespace loses its last letter", |call| call.spaced(|name| name[..name.len() - 1].to_owned())),
    ("the namespace is invented", |call| call.spaced(|_| "zzz".to_owned())),
    ("the namespace is looked for in `tools`", |call| call.spaced(|name| format!("tools.{name}"))),
    ("the await is forgotten", |call| call.without_await()),
    ("an argument loses a letter", |call| {
        call.renamed(|argument| {
            (argument.name.len() >= 5).then(|| argument.name[..argument.name.len() - 1].to_owned())
        })
    }),
    ("an argument is called by another name", |call| {
        call.renamed(|argument| (argument.required || argument.closed).then(|| "zzz_other".to_owned()))
    }),
    ("a required argument is left out", |call| call.without_required()),
    ("a string becomes a number", |call| {
        call.valued(|argument| argument.is_text().then(|| "12345".to_owned()))
    }),
    ("a number becomes a string", |call| {
        call.valued(|argument| argument.is_number().then(|| "\"many\"".to_owned()))
    }),
    ("a string becomes an array", |call| {
        call.valued(|argument| argument.is_text().then(|| "[\"x\"]".to_owned()))
    }),
    ("a number becomes an object", |call| {
        call.valued(|argument| argument.is_number().then(|| "{}".to_owned()))
    }),
    ("a choice is none of those that there are", |call| {
        call.valued(|argument| {
            (argument.is_text() && argument.schema.get("enum").is_some()).then(|| "\"zzz\"".to_owned())
        })
    }),
    ("a value is nothing", |call| {
        let nothing = if call.language == Language::Python { "None" } else { "null" };
        call.valued(|argument| (argument.is_text() || argument.is_number()).then(|| nothing.to_owned()))
    }),
    ("the arguments are one string", |call| call.with_string()),
    ("the tool is misspelt where it gets another name", |call| call.aliased()),
    ("the tool is misspelt where it is taken out of its namespace", |call| call.taken_out()),
    ("the tool is misspelt within what catches only to throw again", |call| call.thrown_again()),
    ("an argument is a call that is not awaited", |call| {
        call.valued(|argument| {
            (argument.is_text() || argument.is_number()).then(|| "board.list_projects()".to_owned())
        })
    }),
    ("the call is made for each, and its promises are dropped", |call| call.for_each()),
    ("the call is made for each by what is not waited for", |call| call.for_each_async()),
    ("a list of promises is taken for one of values", |call| call.listed()),
    ("a list of promises with a name is taken for one of values", |call| call.listed_by_name()),
];

/// A call of a tool in a script's text.
struct Call<'s> {
    language: Language,
    text: &'s str,
    tool: &'s ToolDefinition,
    namespace: Range<usize>,
    name: Range<usize>,
    /// Between the parentheses.
    arguments: Range<usize>,
    given: Vec<Given<'s>>,
    /// Not all arguments are written out.
    open: bool,
    /// The script deals with failures of its calls.
    guarded: bool,
}

/// An argument that is written out.
struct Given<'s> {
    name: &'s str,
    at: Range<usize>,
    value: Range<usize>,
    written: &'s str,
    schema: Value,
    required: bool,
    closed: bool,
}

impl Given<'_> {
    fn is_text(&self) -> bool {
        let literal = self.written.starts_with(['"', '\'']) && self.written.matches(['"', '\'']).count() == 2;
        literal && self.schema["type"] == "string"
    }

    fn is_number(&self) -> bool {
        self.written.parse::<f64>().is_ok()
            && matches!(self.schema["type"].as_str(), Some("integer" | "number"))
    }
}

impl Call<'_> {
    fn replaced(&self, range: Range<usize>, with: &str) -> String {
        [&self.text[..range.start], with, &self.text[range.end..]].concat()
    }

    fn named(&self, name: impl Fn(&str) -> String) -> Vec<String> {
        let with = name(&self.text[self.name.clone()]);
        if self.guarded { Vec::new() } else { vec![self.replaced(self.name.clone(), &with)] }
    }

    fn spaced(&self, name: impl Fn(&str) -> String) -> Vec<String> {
        let with = name(&self.text[self.namespace.clone()]);
        if self.guarded { Vec::new() } else { vec![self.replaced(self.namespace.clone(), &with)] }
    }

    fn renamed(&self, name: impl Fn(&Given<'_>) -> Option<String>) -> Vec<String> {
        let given = self.given.iter().filter(|_| !self.open && !self.guarded);
        given.filter_map(|given| Some(self.replaced(given.at.clone(), &name(given)?))).collect()
    }

    fn valued(&self, value: impl Fn(&Given<'_>) -> Option<String>) -> Vec<String> {
        let given = self.given.iter().filter(|_| !self.open && !self.guarded);
        given.filter_map(|given| Some(self.replaced(given.value.clone(), &value(given)?))).collect()
    }

    fn with_string(&self) -> Vec<String> {
        if self.guarded { Vec::new() } else { vec![self.replaced(self.arguments.clone(), "\"x\"")] }
    }

    fn without_required(&self) -> Vec<String> {
        let given = self.given.iter().filter(|given| given.required && !self.open && !self.guarded);
        given
            .map(|given| {
                let rest = &self.text[given.value.end..];
                let comma = rest.len() - rest.trim_start_matches([',', ' ']).len();
                self.replaced(given.at.start..given.value.end + comma, "")
            })
            .collect()
    }

    /// Where nothing but the awaited value makes sense.
    fn without_await(&self) -> Vec<String> {
        let before = &self.text[..self.namespace.start];
        let Some(kept) = before.strip_suffix("await ") else { return Vec::new() };
        let line = kept.rsplit('\n').next().unwrap_or_default();
        let after = &self.text[self.arguments.end + 1..];
        let statement = line.trim().is_empty()
            && after.starts_with([';', '\n'])
            && after.trim_matches([';', '\n', ' ']).len() > 3
            && !after.trim_start_matches(';').trim_start().starts_with('}');
        let member = kept.ends_with('(') && (after.starts_with(").") || after.starts_with(")["));
        let taken_apart = line.trim_start().starts_with("const {") && line.ends_with("= ");
        let wrong = statement || member || taken_apart;
        if wrong { vec![self.replaced(kept.len()..before.len(), "")] } else { Vec::new() }
    }
}

impl Call<'_> {
    /// The whole call, from its namespace to its last parenthesis.
    fn whole(&self) -> Range<usize> {
        self.namespace.start..self.arguments.end + 1
    }

    /// The call with the `await` before it, and the text of the call; `None` where nothing awaits it.
    fn awaited(&self) -> Option<(Range<usize>, &str)> {
        let whole = self.whole();
        let start = self.text[..whole.start].strip_suffix("await ")?.len();
        Some((start..whole.end, &self.text[whole]))
    }

    fn misspelt(&self) -> &str {
        let name = &self.text[self.name.clone()];
        &name[..name.len() - 1]
    }

    fn with_first_line(&self, line: &str) -> Vec<String> {
        let called = self.replaced(self.namespace.start..self.name.end, "aliased");
        if self.guarded { Vec::new() } else { vec![format!("{line}\n{called}")] }
    }

    fn aliased(&self) -> Vec<String> {
        let (namespace, misspelt) = (&self.text[self.namespace.clone()], self.misspelt());
        self.with_first_line(&match self.language {
            Language::TypeScript => format!("const aliased = {namespace}.{misspelt};"),
            Language::Python => format!("aliased = {namespace}.{misspelt}"),
        })
    }

    fn taken_out(&self) -> Vec<String> {
        let (namespace, misspelt) = (&self.text[self.namespace.clone()], self.misspelt());
        // To import this is to import a module of Python's own.
        if self.language == Language::Python && namespace == "calendar" {
            return Vec::new();
        }
        self.with_first_line(&match self.language {
            Language::TypeScript => format!("const {{ {misspelt}: aliased }} = {namespace};"),
            Language::Python => format!("from {namespace} import {misspelt} as aliased"),
        })
    }

    /// A statement that is nothing but the awaited call, on one line: where it stands and how far it is set in.
    fn statement(&self) -> Option<(Range<usize>, &str)> {
        let (range, call) = self.awaited()?;
        let line = self.text[..range.start].rsplit('\n').next().unwrap_or_default();
        let ends = self.text[range.end..].trim_start_matches(';').starts_with('\n');
        (line.trim().is_empty() && ends && !call.contains('\n')).then_some((range, line))
    }

    fn thrown_again(&self) -> Vec<String> {
        let Some((range, set_in)) = self.statement().filter(|_| !self.guarded) else { return Vec::new() };
        let (namespace, misspelt) = (&self.text[self.namespace.clone()], self.misspelt());
        let call = format!("await {namespace}.{misspelt}({})", &self.text[self.arguments.clone()]);
        vec![self.replaced(
            range,
            &match self.language {
                Language::TypeScript => {
                    format!("try {{ {call} }} catch (error) {{ console.log(error); throw error }}")
                }
                Language::Python => format!(
                    "try:\n{set_in}    {call}\n{set_in}except ToolError as error:\n{set_in}    raise error"
                ),
            },
        )]
    }

    fn for_each(&self) -> Vec<String> {
        let Some((range, _)) = self.statement() else { return Vec::new() };
        let call = &self.text[self.whole()];
        vec![self.replaced(
            range,
            &match self.language {
                Language::TypeScript => format!("[1].forEach(() => {call})"),
                Language::Python => format!("[{call} for _ in range(1)]"),
            },
        )]
    }

    fn for_each_async(&self) -> Vec<String> {
        let Some((range, _)) = self.statement() else { return Vec::new() };
        let call = &self.text[self.whole()];
        vec![self.replaced(
            range,
            &match self.language {
                Language::TypeScript => format!("[1].forEach(async () => {{ await {call} }})"),
                Language::Python => format!("(lost := {call})"),
            },
        )]
    }

    fn listed(&self) -> Vec<String> {
        let Some((range, call)) = self.awaited() else { return Vec::new() };
        vec![self.replaced(
            range,
            &match self.language {
                Language::TypeScript => format!("[1].map(() => {call}).map(one => one.id)[0]"),
                Language::Python => format!("[one[\"id\"] for one in [{call} for _ in range(1)]][0]"),
            },
        )]
    }

    fn listed_by_name(&self) -> Vec<String> {
        let Some((range, set_in)) = self.statement() else { return Vec::new() };
        let call = &self.text[self.whole()];
        vec![self.replaced(range, &match self.language {
            Language::TypeScript => {
                format!("const some = [1].map(async () => await {call}); console.log(some.filter(one => one.id))")
            }
            Language::Python => format!("some = [{call} for _ in range(1)]\n{set_in}for one in some: print(one[\"id\"])"),
        })]
    }
}

fn exchanged(name: &str) -> String {
    let mut bytes = name.as_bytes().to_vec();
    let at = (1..bytes.len() - 1).find(|&at| bytes[at] != bytes[at + 1]).unwrap();
    bytes.swap(at, at + 1);
    String::from_utf8(bytes).unwrap()
}

/// The end of what is open at the start of `text`, quotes minded.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) => quote = (open != c).then_some(open),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth == 0 => return Some(at),
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts of a list, by its commas at the top.
fn parts(text: &str, base: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut from, mut at) = (0, 0);
    let (mut depth, mut quote) = (0_usize, None);
    for c in text.chars().chain([',']) {
        match (quote, c) {
            (Some(open), c) => quote = (open != c).then_some(open),
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(base + from..base + at.min(text.len()));
                from = at + 1;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    found
}

fn given<'s>(
    text: &'s str,
    arguments: &Range<usize>,
    language: Language,
    tool: &ToolDefinition,
) -> Vec<Given<'s>> {
    let inside = &text[arguments.clone()];
    let lead = inside.len() - inside.trim_start().len();
    let braces = inside.trim().starts_with('{');
    let (inner, separator) = match (braces, language) {
        (true, _) => {
            let from = arguments.start + lead + 1;
            (from..from + closing(&text[from..]).unwrap(), ':')
        }
        (false, Language::Python) => (arguments.clone(), '='),
        (false, Language::TypeScript) => return Vec::new(),
    };
    let schema = &tool.input().unwrap();
    let read = |part: Range<usize>| {
        let (name, value) = text[part.clone()].split_once(separator)?;
        let start = part.start + name.len() - name.trim_start().len();
        let end = part.start + name.trim_end().len();
        let value_start = part.start + name.len() + 1 + value.len() - value.trim_start().len();
        let quoted = text[start..end].starts_with(['"', '\'']);
        let at = if quoted { start + 1..end - 1 } else { start..end };
        let name = &text[at.clone()];
        let declared = schema["properties"].get(name)?.clone();
        let required = schema["required"].as_array().unwrap().iter().any(|required| required == name);
        let value = value_start..value_start + value.trim().len();
        let closed = schema["additionalProperties"] == false;
        let written = &text[value.clone()];
        let at = if quoted { start..end } else { at };
        Some(Given { name, at, value, written, schema: declared, required, closed })
    };
    // A name in quotes is left as it is: what it becomes would have to be quoted too.
    parts(&text[inner.clone()], inner.start)
        .into_iter()
        .filter_map(read)
        .filter(|given| !text[given.at.clone()].starts_with(['"', '\'']))
        .collect()
}

fn calls<'s>(
    text: &'s str,
    language: Language,
    tools: &'s BTreeMap<String, Vec<ToolDefinition>>,
) -> Vec<Call<'s>> {
    let mut found = Vec::new();
    for (namespace, tools) in tools {
        for tool in tools {
            let callee = format!("{namespace}.{}(", tool.name);
            for (at, _) in text.match_indices(&callee) {
                if text[..at].ends_with(|c: char| c.is_alphanumeric() || "._".contains(c)) {
                    continue;
                }
                let start = at + callee.len();
                let arguments = start..start + closing(&text[start..]).unwrap();
                let inside = &text[arguments.clone()];
                let name = at + namespace.len() + 1;
                found.push(Call {
                    language,
                    text,
                    tool,
                    namespace: at..at + namespace.len(),
                    name: name..name + tool.name.as_str().len(),
                    given: given(text, &arguments, language, tool),
                    open: inside.contains("...") || inside.contains("**"),
                    guarded: ["try", "allSettled", "return_exceptions", ".catch("]
                        .iter()
                        .any(|word| text.contains(word)),
                    arguments,
                });
            }
        }
    }
    found
}

#[test]
fn every_mutant_is_found_where_it_was_made() {
    let tools = tools();
    let catalogue = catalogue(super::tools());
    for language in Language::ALL {
        let mut made = BTreeMap::new();
        let mut survivors = Vec::new();
        for script in corpus(language) {
            let about_names =
                ["hide", "never reached", "may not be"].iter().any(|words| script.title.contains(words));
            for call in calls(script.text, language, &tools).iter().filter(|_| !about_names) {
                let lines = 1 + script.text[..call.namespace.start].matches('\n').count();
                let last = lines + script.text[call.arguments.clone()].matches('\n').count();
                for (operator, mutate) in OPERATORS {
                    for mutant in mutate(call) {
                        *made.entry(operator).or_insert(0) += 1;
                        let found = findings(&mutant, language, &catalogue);
                        // What is put before the script, or around the call, moves it by a line.
                        let moved = mutant.matches('\n').count() > script.text.matches('\n').count();
                        let there = |line: u32| {
                            (lines..=last + usize::from(moved)).contains(&(line as usize))
                                || moved && line == 1
                        };
                        if !found.iter().any(|finding| there(finding.position.line)) {
                            survivors.push(format!(
                                "{operator} ({}):\n{mutant}\n-- {}",
                                call.tool.name,
                                told(&found)
                            ));
                        }
                    }
                }
            }
        }
        let all: usize = made.values().sum();
        assert!(
            survivors.is_empty(),
            "{} of {all} {language} mutants\n{}",
            survivors.len(),
            survivors.join("\n=====\n")
        );
        assert!(all >= 200, "{all} {language} mutants: {made:?}");
        for (operator, _) in OPERATORS {
            assert!(made.contains_key(operator), "no {language} mutant of: {operator}");
        }
    }
}
