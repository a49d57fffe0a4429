//! Words what was left out of a value and where the whole of it is.
//! It keeps nothing: the handle that it names is the session's.

use super::{
    cut::{Cut, Unit},
    plain::{counted, grouped, size},
};

/// Places named at most; the others are counted.
const NAMED: usize = 3;

/// For example ``[cut to 6,000 tokens: rows 3 of 10,000 shown; the whole value (1.9 MB) is kept as r7_…: read it in a
/// script with `await results.get("r7_…")`]``.
pub(super) fn note(budget: usize, cuts: &[Cut], bytes: usize, rest: &str) -> String {
    format!(
        "[cut to {} tokens: {}; the whole value ({}) {rest}]",
        grouped(budget),
        places(cuts),
        size(bytes as u64),
    )
}

/// What to do about a value that the session keeps.
pub(super) fn kept(handle: &str) -> String {
    format!("is kept as {handle}: read it in a script with `await results.get(\"{handle}\")`")
}

/// `rows 3 of 10,000 shown, pages[0].records 2 of 50 shown and 4 more places`. Cut strings say themselves how much is
/// missing, so that they are named only when nothing else is cut.
fn places(cuts: &[Cut]) -> String {
    let collections = || cuts.iter().filter(|cut| cut.unit != Unit::Characters);
    let named: Vec<_> =
        if collections().next().is_some() { collections().collect() } else { cuts.iter().collect() };
    let mut text = named.iter().take(NAMED).map(|cut| place(cut)).collect::<Vec<_>>().join(", ");
    if named.len() > NAMED {
        text.push_str(&format!(" and {}", counted(named.len() - NAMED, "more place")));
    }
    text
}

fn place(cut: &Cut) -> String {
    let unit = match cut.unit {
        Unit::Elements if cut.path.is_empty() => " elements",
        Unit::Elements => "",
        Unit::Keys => " keys",
        Unit::Characters => " characters",
    };
    let space = if cut.path.is_empty() { "" } else { " " };
    format!("{}{space}{} of {}{unit} shown", cut.path, grouped(cut.shown), grouped(cut.total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_name_the_collections_first() {
        let cut = |path: &str, unit, shown, total| Cut { path: path.into(), unit, shown, total };
        let rows = cut("rows", Unit::Elements, 3, 10_000);
        let text = cut("rows[0].body", Unit::Characters, 20, 5_000);
        for (cuts, expected) in [
            (vec![rows.clone()], "rows 3 of 10,000 shown"),
            (vec![text.clone(), rows.clone()], "rows 3 of 10,000 shown"),
            (vec![text], "rows[0].body 20 of 5,000 characters shown"),
            (vec![cut("", Unit::Elements, 0, 7)], "0 of 7 elements shown"),
            (vec![cut("", Unit::Keys, 2, 7_000)], "2 of 7,000 keys shown"),
            (
                vec![rows.clone(), rows.clone(), rows.clone(), rows.clone(), rows],
                "rows 3 of 10,000 shown, rows 3 of 10,000 shown, rows 3 of 10,000 shown and 2 more places",
            ),
        ] {
            assert_eq!(places(&cuts), expected);
        }
        assert_eq!(
            note(6_000, &[cut("rows", Unit::Elements, 3, 10_000)], 1_900_000, &kept("r7_x")),
            "[cut to 6,000 tokens: rows 3 of 10,000 shown; the whole value (1.9 MB) is kept as r7_x: read it in a script \
             with `await results.get(\"r7_x\")`]"
        );
    }
}
