//! Two texts line by line, so that a person sees what changed. It knows nothing of what they say.

/// All lines: those of both texts, those only expected (`-`), those only seen (`+`).
pub(super) fn difference(expected: &str, seen: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), seen.lines().collect());
    // The longest common part of what follows each pair of places.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            common[i][j] =
                if a == b { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        let (mark, line) = if i < old.len() && j < new.len() && old[i] == new[j] {
            j += 1;
            (' ', old[i])
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            ('-', old[i])
        } else {
            j += 1;
            ('+', new[j - 1])
        };
        i += usize::from(mark != '+');
        text.extend([mark, ' ']);
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[test]
fn lines_of_both_stand_where_they_stood() {
    assert_eq!(difference("a\nb\nc\n", "a\nc\nd\n"), "  a\n- b\n  c\n+ d\n");
    assert_eq!(difference("", "x"), "+ x\n");
    assert_eq!(difference("x\n", ""), "- x\n");
}
