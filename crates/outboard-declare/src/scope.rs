//! Names for local types: readable, unique where they are declared, shared by equal types.
//! Talks to no schema; it is given hints and a way to write the types under names.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use crate::model::Document;
use crate::names::is_portable;

/// Longest name given to a type, in characters.
const LONGEST: usize = 40;
/// How much of a hint is looked at, in characters.
const LONGEST_HINT: usize = 400;

/// How many types of one name are compared before a further one just gets the next number.
const MOST_COMPARED: usize = 8;

/// The local types of one place, in the order in which they came.
pub(crate) struct Scope {
    /// Names that a local type would hide, sorted.
    taken: &'static [&'static str],
    declarations: BTreeMap<String, String>,
    order: Vec<String>,
    highest: BTreeMap<String, usize>,
}

/// How often a stem occurs in one document, and its highest number.
#[derive(Default)]
struct Own {
    times: usize,
    highest: usize,
}

impl Scope {
    /// A scope without types yet, of which none gets a name in `taken`; that list is sorted.
    pub(crate) fn avoiding(taken: &'static [&'static str]) -> Self {
        Self { taken, declarations: BTreeMap::new(), order: Vec::new(), highest: BTreeMap::new() }
    }

    /// Names for the definitions of a document, and takes their declarations in. `write` gives the declarations
    /// under the names that it is given.
    ///
    /// A name with a number is tried where another type has the plain one; equal types share a name.
    pub(crate) fn admit(
        &mut self,
        document: &Document,
        fallback: &str,
        write: impl Fn(&[String]) -> Vec<String>,
    ) -> Vec<String> {
        let mut own: BTreeMap<String, Own> = BTreeMap::new();
        let mut candidates: Vec<(String, usize)> = Vec::new();
        for definition in &document.definitions {
            let stem = stem(&definition.hint, fallback, self.taken);
            let own = own.entry(stem.clone()).or_default();
            own.times += 1;
            own.highest += 1;
            candidates.push((stem, own.times));
        }
        let mut round = 0;
        loop {
            let names: Vec<String> = candidates.iter().map(numbered).collect();
            let declarations = write(&names);
            let conflicts: Vec<usize> = (0..names.len())
                .filter(|at| {
                    self.declarations.get(&names[*at]).is_some_and(|known| *known != declarations[*at])
                })
                .collect();
            if conflicts.is_empty() {
                self.take(&candidates, &names, declarations);
                return names;
            }
            round += 1;
            for at in conflicts {
                let (stem, number) = &mut candidates[at];
                let own = own.get_mut(stem).expect("every candidate was counted");
                let last = self.highest.get(stem).copied().unwrap_or(0);
                *number = match round {
                    // Only a type that is alone with its stem in its document is compared with what is there: the
                    // latest first, which is often the other side of the same tool.
                    1 if own.times == 1 && last > 1 => last,
                    2..=MOST_COMPARED if own.times == 1 && round < last => round,
                    _ => own.highest.max(last) + 1,
                };
                own.highest = own.highest.max(*number);
            }
        }
    }

    fn take(&mut self, candidates: &[(String, usize)], names: &[String], declarations: Vec<String>) {
        for (((stem, number), name), declaration) in candidates.iter().zip(names).zip(declarations) {
            let highest = self.highest.entry(stem.clone()).or_default();
            *highest = (*highest).max(*number);
            if self.declarations.insert(name.clone(), declaration).is_none() {
                self.order.push(name.clone());
            }
        }
    }

    /// The name of each type taken in, in that order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.order.clone()
    }

    /// The declaration of each type taken in, in that order.
    pub(crate) fn declarations(&self) -> Vec<String> {
        self.order.iter().map(|name| self.declarations[name].clone()).collect()
    }
}

/// A stem never ends with a digit, so that numbered names of different stems do not meet.
fn numbered((stem, number): &(String, usize)) -> String {
    if *number == 1 { stem.clone() } else { format!("{stem}{number}") }
}

/// `data-chunk` and `data_chunk` as `DataChunk`; something that is no word at all as the fallback.
fn stem(hint: &str, fallback: &str, taken: &[&str]) -> String {
    let name = pascal(hint);
    let mut name = if name.is_empty() { pascal(fallback) } else { name };
    if !name.starts_with(unicode_ident::is_xid_start) {
        name.insert(0, 'T');
    }
    if taken.binary_search(&name.as_str()).is_ok() {
        name.push('_');
    }
    if name.ends_with(|c: char| c.is_ascii_digit()) {
        name.push('_');
    }
    name
}

/// In normal form NFKC, because Python folds names into it: what is told apart here is told apart there. Of letters that not
/// every interpreter knows none is left.
fn pascal(text: &str) -> String {
    let is_letter = |c: char| is_portable(c) && c != '_';
    let text: String = text.chars().take(LONGEST_HINT).nfkc().take(LONGEST_HINT).collect();
    let mut name = String::new();
    for word in text.split(|c| !is_letter(c)).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
    }
    // A capital may be several characters.
    name.nfkc().filter(|c| is_letter(*c)).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn type_names_are_pascal_case_and_hide_nothing() {
        let cases = [
            ("DataChunk", "DataChunk"),
            ("data_chunk", "DataChunk"),
            ("#/x", "X"),
            ("Filter[str]", "FilterStr"),
            ("__schema0", "Schema0_"),
            ("promise", "Promise_"),
            ("3d", "T3d"),
            ("", "ToolResult"),
            ("*/ evil()", "Evil"),
            ("größe", "Größe"),
            ("gro\u{308}ße", "Größe"),
            ("𝐚", "A"),
            ("𝐬𝐭𝐫", "Str"),
            ("𝐏𝐫𝐨𝐦𝐢𝐬𝐞", "Promise_"),
            ("\u{16ebb}", "ToolResult"),
            ("x\u{16ebb}y", "XY"),
            ("\u{390}", "\u{3aa}"),
            ("\u{1f0}", "J"),
            ("获取", "获取"),
        ];
        for (hint, expected) in cases {
            assert_eq!(stem(hint, "tool_result", &["Promise"]), expected, "for {hint:?}");
        }
    }
}
