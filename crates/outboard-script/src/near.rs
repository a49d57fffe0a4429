//! Which declared name was meant by one that is not declared: for `fit`, which words the mistake.
//! Names are short; longer ones are not compared.

/// Bytes of names that are compared.
const LONGEST: usize = 64;
/// Names that one is compared with.
const MOST: usize = 500;
/// Letters of the longer name from which one of them may be a slip.
const SHORT: usize = 5;
/// Jaro-Winkler similarity from which a name is offered.
const NEAR: f64 = 0.8;

/// The nearest of `names`, if one is near enough to be offered.
pub(crate) fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if wanted.len() > LONGEST {
        return None;
    }
    let wanted = folded(wanted);
    let scored = names
        .filter(|name| name.len() <= LONGEST)
        .take(MOST)
        .map(|name| (likeness(&wanted, &folded(name)), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    (best.0 >= NEAR).then_some(best.1)
}

fn likeness(wanted: &str, other: &str) -> f64 {
    if wanted == other {
        return 1.0;
    }
    // `repository` for `repo`, `msg_text` for `text`.
    let (short, long) = if wanted.len() < other.len() { (wanted, other) } else { (other, wanted) };
    let part = short.len() >= 3 && (long.starts_with(short) || long.ends_with(short));
    let slip = if is_edit(wanted, other) { 0.95 } else { 0.0 };
    let part = if part { 0.85 } else { 0.0 };
    strsim::jaro_winkler(wanted, other).max(part).max(slip)
}

/// Whether `wanted` is so near to `name` that nobody writes it meaning anything else: the same letters in another
/// spelling, or one letter more, less, other or exchanged behind the first one. Short names and digits say too much for
/// that: `date` is not `data`, and `line2` not `line1`.
pub(crate) fn is_slip(wanted: &str, name: &str) -> bool {
    if wanted.len() > LONGEST || name.len() > LONGEST {
        return false;
    }
    let (wanted, name) = (folded(wanted), folded(name));
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    wanted == name
        || (wanted.len().max(name.len()) >= SHORT
            && wanted.chars().next() == name.chars().next()
            && digits(&wanted) == digits(&name)
            && strsim::osa_distance(&wanted, &name) == 1)
}

fn is_edit(wanted: &str, name: &str) -> bool {
    let shorter = wanted.len().min(name.len());
    let allowed = match shorter {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    };
    allowed > 0 && strsim::osa_distance(wanted, name) <= allowed
}

/// Letters and digits in lower case.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_words() {
        for (wanted, name, slip) in [
            ("pages", "page", true),
            ("colour", "color", true),
            ("data", "date", false),
            ("max_price", "min_price", false),
            ("created_by", "created_at", false),
            ("address2", "address1", false),
            ("per_pag", "per_page", true),
            ("perPage", "per_page", true),
            ("titel", "title", true),
            ("ids", "id", false),
            ("sort", "port", false),
            ("to", "too", false),
            ("issue_numbr", "issue_number", true),
            ("owner", "repo", false),
        ] {
            assert_eq!(is_slip(wanted, name), slip, "{wanted} {name}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered() {
        let names = ["owner", "repo", "title", "issue_number"];
        for (wanted, expected) in [
            ("titel", Some("title")),
            ("repository", Some("repo")),
            ("issueNumber", Some("issue_number")),
            ("number", Some("issue_number")),
            ("xyz", None),
        ] {
            assert_eq!(nearest(wanted, names.into_iter()), expected, "{wanted}");
        }
    }
}
