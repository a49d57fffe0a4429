//! "Always", written into the user's own file as a rule that allows exactly one tool, to whoever has said so if that is known. Talks to the configuration's store
//! of rules. It never passes a rule that denies.

use outboard_runtime::{
    approval::{Rules, Sheet},
    operation::Operation,
    policy::{RuleText, Word},
};
use serde_json::Value;

use crate::{
    config::{OWN_SYNTAX, Places, editing, store::Original},
    report,
};

/// Writes to the file of this user.
pub(crate) struct UserRules(pub(crate) Places);

impl Rules for UserRules {
    fn allow(&self, sheet: &Sheet) -> Result<String, String> {
        let question = sheet.first();
        let Operation::CallTool(call) = &question.operation else {
            return Err("only tools can be allowed for always".to_owned());
        };
        let rule = RuleText {
            tools: Some(vec![format!(
                "{}.{}",
                literal(call.namespace.as_str()),
                literal(call.tool.as_str())
            )]),
            when: question.proved.then(|| about(question.principal.as_str())),
            verdict: Word::Allow,
            reason: Some("a person said always".to_owned()),
        };
        let before = question.rule.filter(|place| self.still_asks(*place));
        let written = editing::add_rule(&self.0, &rule, before).map_err(|problem| report::chain(&problem))?;
        let whom = if question.proved {
            format!(" by {}", report::escaped(question.principal.as_str()))
        } else {
            String::new()
        };
        Ok(format!(
            "{} may be called{whom} without asking from now on: rule {} of {}. If it changes, or may carry private data out, it \
             asks all the same",
            report::escaped(&question.subject()),
            written.place + 1,
            written.file.display()
        ))
    }
}

impl UserRules {
    /// Whether the rule at this place is still one that asks. Before another one the new rule could allow what that denies.
    fn still_asks(&self, place: usize) -> bool {
        let read = || {
            let original = Original::read(&self.0.user_file()).ok()?;
            let file = OWN_SYNTAX.read(original.text()).ok()?;
            let verdict = file.pointer(&format!("/policy/rules/{place}/verdict")).and_then(Value::as_str);
            Some(verdict == Some("ask"))
        };
        read() == Some(true)
    }
}

/// The condition that an operation is on behalf of this principal: nobody allows anything for anybody else.
fn about(principal: &str) -> String {
    // Texts of JSON are texts of CEL.
    format!("principal == {}", Value::from(principal))
}

/// A name as a pattern that means nothing else.
fn literal(name: &str) -> String {
    let special = |char: char| "*?[]{}\\,!".contains(char);
    name.chars().flat_map(|char| special(char).then_some('\\').into_iter().chain([char])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_pattern_of_itself_alone() {
        assert_eq!(literal("post_message-2.0"), "post_message-2.0");
        assert_eq!(literal("a*{b,c}[d]?\\"), "a\\*\\{b\\,c\\}\\[d\\]\\?\\\\");
    }
}
