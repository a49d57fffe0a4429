//! Whether statements can be left otherwise than by throwing: a `catch` that always throws deals with nothing.
//! It looks at forms alone and would rather say that they can.

use oxc_ast::ast::Statement;

/// Whether whoever enters these statements leaves them by a `throw`.
pub(super) fn always_throws(statements: &[Statement<'_>]) -> bool {
    for statement in statements {
        if throws(statement) {
            return true;
        }
        if may_leave(statement) {
            return false;
        }
    }
    false
}

/// Whether one of the statements may leave the others.
pub(super) fn may_leave_any(statements: &[Statement<'_>]) -> bool {
    statements.iter().any(may_leave)
}

fn throws(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ThrowStatement(_) => true,
        Statement::BlockStatement(block) => always_throws(&block.body),
        Statement::IfStatement(branches) => {
            throws(&branches.consequent) && branches.alternate.as_ref().is_some_and(throws)
        }
        _ => false,
    }
}

fn may_leave(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ExpressionStatement(_)
        | Statement::VariableDeclaration(_)
        | Statement::FunctionDeclaration(_)
        | Statement::ThrowStatement(_)
        | Statement::EmptyStatement(_) => false,
        Statement::BlockStatement(block) => may_leave_any(&block.body),
        Statement::IfStatement(branches) => {
            may_leave(&branches.consequent) || branches.alternate.as_ref().is_some_and(may_leave)
        }
        _ => true,
    }
}
