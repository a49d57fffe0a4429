//! Whether statements can be left otherwise than by raising: an `except` that always raises deals with nothing.
//! It looks at forms alone and would rather say that they can.

use ruff_python_ast::{Expr, Stmt, StmtRaise};

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
        Stmt::Raise(raised) => !ends_script(raised),
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
        | Stmt::Pass(_) => false,
        Stmt::Raise(raised) => ends_script(raised),
        Stmt::If(branches) => {
            may_leave_any(&branches.body)
                || branches.elif_else_clauses.iter().any(|clause| may_leave_any(&clause.body))
        }
        _ => true,
    }
}

/// `raise SystemExit`, with which a script may end well.
fn ends_script(raised: &StmtRaise) -> bool {
    let class = match raised.exc.as_deref() {
        Some(Expr::Call(call)) => Some(&*call.func),
        other => other,
    };
    matches!(class, Some(Expr::Name(name)) if name.id.as_str() == "SystemExit")
}
