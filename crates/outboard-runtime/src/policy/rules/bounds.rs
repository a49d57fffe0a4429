//! What an expression may be, so that evaluating it is bounded whatever it is evaluated on: known functions, bounded
//! size, depth and nesting of loops. It evaluates nothing.

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, operators};

use super::variables::NAMES;

/// Nodes of an expression, macros expanded, and their depth.
const NODES: usize = 1_000;
const DEPTH: usize = 64;
/// Loops within each other.
const LOOPS: usize = 2;

/// Functions and operators that there are. Each takes time in the length of what it is given and gives nothing longer.
const FUNCTIONS: [&str; 27] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
    operators::NOT_STRICTLY_FALSE,
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "double",
    "string",
];

/// What an expression can cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) nodes: usize,
    /// Loops within each other, at most.
    pub(super) loops: usize,
}

/// What is wrong with an expression, and what to do.
#[derive(Debug)]
pub(super) struct Unbounded {
    pub(super) node: u64,
    pub(super) what: String,
    pub(super) hint: String,
}

/// Measures an expression. `patterns` are the regular expressions that it names.
pub(super) fn measure(expression: &IdedExpr, patterns: &mut Vec<String>) -> Result<Extent, Unbounded> {
    let mut walk = Walk { extent: Extent::default(), bound: Vec::new(), patterns };
    walk.visit(expression, 0, 0)?;
    Ok(walk.extent)
}

struct Walk<'a> {
    extent: Extent,
    /// Names that loops have made.
    bound: Vec<&'a str>,
    patterns: &'a mut Vec<String>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a IdedExpr, depth: usize, loops: usize) -> Result<(), Unbounded> {
        self.extent.nodes += 1;
        let bad = |what: String, hint: &str| Err(Unbounded { node: node.id, what, hint: hint.to_owned() });
        if self.extent.nodes > NODES || depth > DEPTH {
            return bad("the expression is too long".to_owned(), "split it into several rules");
        }
        match &node.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                if NAMES.contains(&name.as_str()) || self.bound.contains(&name.as_str()) {
                    return Ok(());
                }
                bad(format!("`{name}` is not known"), &format!("there are: {}", NAMES.join(", ")))
            }
            Expr::Select(select) => self.visit(&select.operand, depth + 1, loops),
            Expr::Call(call) => {
                if !FUNCTIONS.contains(&call.func_name.as_str()) {
                    return bad(format!("the function `{}` is not known", call.func_name), FUNCTION_HINT);
                }
                if call.func_name == "matches" {
                    let Some(pattern) = call.args.last().and_then(text) else {
                        return bad("`matches` takes a text that is written out".to_owned(), FUNCTION_HINT);
                    };
                    self.patterns.push(pattern);
                }
                call.target.iter().try_for_each(|target| self.visit(target, depth + 1, loops))?;
                call.args.iter().try_for_each(|argument| self.visit(argument, depth + 1, loops))
            }
            Expr::List(list) => list.elements.iter().try_for_each(|one| self.visit(one, depth + 1, loops)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, depth + 1, loops)?;
                    self.visit(&entry.value, depth + 1, loops)
                }
                EntryExpr::StructField(_) => Ok(()),
            }),
            Expr::Comprehension(it) => {
                if loops >= LOOPS {
                    let what = format!("there are more than {LOOPS} loops within each other");
                    return bad(what, "split it into several rules");
                }
                // Lists that are made within a loop could hold a multiple of what is looped over.
                if loops > 0 && !matches!(it.accu_init.expr, Expr::Literal(_)) {
                    return bad(
                        "there is a `map` or `filter` within a loop".to_owned(),
                        "use `exists` or `all`",
                    );
                }
                self.extent.loops = self.extent.loops.max(loops + 1);
                self.visit(&it.iter_range, depth + 1, loops)?;
                self.visit(&it.accu_init, depth + 1, loops)?;
                let bound = self.bound.len();
                self.bound.push(&it.iter_var);
                self.bound.extend(it.iter_var2.as_deref());
                self.bound.push(&it.accu_var);
                self.visit(&it.loop_cond, depth + 1, loops + 1)?;
                self.visit(&it.loop_step, depth + 1, loops + 1)?;
                self.visit(&it.result, depth + 1, loops + 1)?;
                self.bound.truncate(bound);
                Ok(())
            }
            Expr::Struct(_) | Expr::Unspecified => {
                bad("there is something that is no expression of rules".to_owned(), FUNCTION_HINT)
            }
        }
    }
}

/// What there is.
const FUNCTION_HINT: &str = "there are: size, contains, startsWith, endsWith, matches(\"pattern\"), int, double, string, has, \
     all, exists, exists_one, map, filter, in and the operators";

fn text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}
