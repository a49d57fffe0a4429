//! Which words mean the same or stand near: a hand-written table of what tools are asked for.
//! Everything is by stem. Does not know the catalogue.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::words::stem;

/// What a word of the same meaning is worth, next to the word itself.
const SAME: f32 = 0.6;
/// What a neighbouring word is worth.
const NEAR: f32 = 0.35;

static TABLE: LazyLock<HashMap<String, Vec<(String, f32)>>> =
    LazyLock::new(|| read(include_str!("thesaurus/table.txt")));

/// Stems that can stand for a stem, with what each is worth; in a stable order, each once.
pub(crate) fn related(stem: &str) -> &'static [(String, f32)] {
    TABLE.get(stem).map_or(&[], Vec::as_slice)
}

/// Whether a stem is an ordinary word of the table, and so not a misspelt one.
pub(crate) fn knows(stem: &str) -> bool {
    TABLE.contains_key(stem)
}

fn read(table: &str) -> HashMap<String, Vec<(String, f32)>> {
    let mut related: HashMap<String, Vec<(String, f32)>> = HashMap::new();
    let mut relate = |from: &str, to: &str, worth: f32| {
        let list = related.entry(from.to_owned()).or_default();
        match list.iter_mut().find(|(other, _)| other == to) {
            Some((_, known)) => *known = known.max(worth),
            None if from != to => list.push((to.to_owned(), worth)),
            None => {}
        }
    };
    for line in table.lines() {
        let Some((kind, words)) = line.split_once(' ') else { continue };
        let stems: Vec<String> = words.split_whitespace().map(stem).collect();
        match (kind, stems.split_first()) {
            ("=", _) => {
                for from in &stems {
                    stems.iter().for_each(|to| relate(from, to, SAME));
                }
            }
            ("~", Some((first, near))) => {
                for other in near {
                    relate(first, other, NEAR);
                    relate(other, first, NEAR);
                }
            }
            _ => {}
        }
    }
    related
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_words_go_both_ways_and_each_once() {
        for (from, to, worth) in [
            ("delete", "remove", SAME),
            ("remov", "delet", SAME),
            ("email", "gmail", NEAR),
            ("gmail", "email", NEAR),
        ] {
            let (from, to) = (stem(from), stem(to));
            let found: Vec<_> = related(&from).iter().filter(|(other, _)| *other == to).collect();
            assert_eq!(found, [&(to.clone(), worth)], "{from} -> {to}");
        }
        assert_eq!(related("xyzzy"), []);
    }

    #[test]
    fn the_table_has_no_word_alone_and_no_line_that_is_not_read() {
        for line in include_str!("thesaurus/table.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let words: Vec<&str> = line.split(' ').collect();
            assert!(matches!(words[0], "=" | "~") && words.len() > 2, "{line}");
        }
    }
}
