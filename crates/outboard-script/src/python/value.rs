//! Which statements give a script its value, the same as the guest finds them in `program.py`.
//! It looks at the ends of the statements only; a coroutine that is the value is awaited by the guest.

use ruff_python_ast::{ExceptHandler, Stmt};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// The first bytes of these statements.
pub(super) fn statements(body: &[Stmt]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    gather(body, &mut found);
    found
}

fn gather(body: &[Stmt], found: &mut BTreeSet<u32>) {
    match body.last() {
        Some(Stmt::Expr(last)) => {
            found.insert(last.start().to_u32());
        }
        Some(Stmt::If(last)) => {
            gather(&last.body, found);
            last.elif_else_clauses.iter().for_each(|clause| gather(&clause.body, found));
        }
        Some(Stmt::With(last)) => gather(&last.body, found),
        Some(Stmt::Try(last)) => {
            gather(if last.orelse.is_empty() { &last.body } else { &last.orelse }, found);
            for ExceptHandler::ExceptHandler(handler) in &last.handlers {
                gather(&handler.body, found);
            }
        }
        Some(Stmt::Match(last)) => last.cases.iter().for_each(|case| gather(&case.body, found)),
        _ => {}
    }
}
