//! Whether statements can be left otherwise than by raising: an `except` that always raises deals with nothing.
//! It looks at forms alone and would rather say that they can.

use ruff_python_ast::Stmt;

/// Whether whoever enters these statements leaves them by a `raise`.
pub(super) fn always_raises(statements: &[Stmt]) -> bool {
    for statement in statements {
        if raises(statement) {
            return true;
        }
        if may_leave(statement) {
            return false;
        }
    }
    false
}

/// Whether one of the statements may leave the others.
pub(super) fn may_leave_any(statements: &[Stmt]) -> bool {
    statements.iter().any(may_leave)
}

fn raises(statement: &Stmt) -> bool {
    match statement {
        Stmt::Raise(_) => true,
        Stmt::If(branches) => {
            let others = &branches.elif_else_clauses;
            always_raises(&branches.body)
                && others.last().is_some_and(|last| last.test.is_none())
                && others.iter().all(|clause| always_raises(&clause.body))
        }
        _ => false,
    }
}

fn may_leave(statement: &Stmt) -> bool {
    match statement {
        Stmt::Expr(_)
        | Stmt::Assign(_)
        | Stmt::AnnAssign(_)
        | Stmt::AugAssign(_)
        | Stmt::Import(_)
        | Stmt::ImportFrom(_)
        | Stmt::FunctionDef(_)
        | Stmt::Raise(_)
        | Stmt::Pass(_) => false,
        Stmt::If(branches) => {
            may_leave_any(&branches.body)
                || branches.elif_else_clauses.iter().any(|clause| may_leave_any(&clause.body))
        }
        _ => true,
    }
}
