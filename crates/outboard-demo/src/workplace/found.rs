//! What the second part found: what policy says of each tool, and what came of each run, as measured. What must be true of
//! it is stated here, and whether it is. It measures nothing itself.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The tools of the workplace.
pub(super) const READ: [&str; 2] = ["read_channel_messages", "search_contacts"];
pub(super) const SCHEDULE: &str = "schedule_meeting";
pub(crate) const POST: &str = "post_message_to_all_hands";
/// What the simulated person answers.
pub(super) const YES: &str = "allow once";
pub(super) const NO: &str = "deny";

/// What policy says of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The tool.
    pub tool: String,
    /// `allow` or `ask`.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

/// One run of the script, and what the person and the workplace saw of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Watched {
    /// The script's language.
    pub language: &'static str,
    /// What the person was shown, as the client got it.
    pub question: String,
    /// What they could choose.
    pub choices: Vec<String>,
    /// What the simulated person chose.
    pub simulated_answer: &'static str,
    /// How long they took.
    pub person_seconds: f64,
    /// From the client's call to its answer.
    pub call_seconds: f64,
    /// The same by the run's clock, as `outboard show` tells it.
    pub clock_seconds: f64,
    /// Calls that the workplace had received of each tool when the person answered.
    pub received_before_answer: BTreeMap<String, usize>,
    /// Calls that it received of each tool in all.
    pub received: BTreeMap<String, usize>,
    /// The texts that were posted.
    pub posted: Vec<String>,
    /// What the script returned.
    pub result: Value,
}

/// What the second part found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkplaceReport {
    /// What the user did before, as commands.
    pub commands: Vec<String>,
    /// Each tool as policy judges it then.
    pub tools: Vec<Judged>,
    /// The script with a yes, and with a no.
    pub runs: Vec<Watched>,
    /// The script, in TypeScript and in Python.
    pub scripts: [&'static str; 2],
}

/// Something that is shown to be true, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// What.
    pub claim: &'static str,
    /// Whether what was measured bears it out.
    pub holds: bool,
}

impl WorkplaceReport {
    /// What the second part is there to show.
    pub fn claims(&self) -> Vec<Claim> {
        let all = |holds: &dyn Fn(&Watched) -> bool| !self.runs.is_empty() && self.runs.iter().all(holds);
        let of = |answer: &'static str, holds: &dyn Fn(&Watched) -> bool| {
            let mut runs = self.runs.iter().filter(|run| run.simulated_answer == answer).peekable();
            runs.peek().is_some() && runs.all(holds)
        };
        let claim = |claim, holds| Claim { claim, holds };
        vec![
            claim(
                "reading just ran: it was received before anybody had answered",
                READ.iter().all(|tool| self.says(tool, "allow"))
                    && all(&|run| READ.iter().all(|tool| run.received_before_answer.contains_key(*tool))),
            ),
            claim(
                "the meeting was scheduled once, by the user's own rule",
                self.says(SCHEDULE, "allow")
                    && all(&|run| {
                        [&run.received_before_answer, &run.received].map(|of| count(of, SCHEDULE)) == [1; 2]
                    }),
            ),
            claim(
                "nothing was posted while the post waited for a yes",
                self.says(POST, "ask") && all(&|run| count(&run.received_before_answer, POST) == 0),
            ),
            claim(
                "a yes posted once, exactly the text that was shown",
                of(
                    YES,
                    &|run| matches!(&run.posted[..], [text] if run.question.contains(&format!("{text:?}"))),
                ),
            ),
            claim(
                "a no posted nothing, and the script got a ToolError",
                of(NO, &|run| {
                    let post = &run.result["post"];
                    count(&run.received, POST) == 0
                        && post["error"] == "ToolError"
                        && post["code"] == "denied"
                }),
            ),
            claim(
                "the run's clock stood still while the person took their time",
                all(&|run| run.call_seconds - run.clock_seconds >= run.person_seconds),
            ),
        ]
    }

    fn says(&self, tool: &str, verdict: &str) -> bool {
        self.tools.iter().any(|judged| judged.tool == tool && judged.verdict == verdict)
    }
}

/// Calls of a tool.
pub(crate) fn count(received: &BTreeMap<String, usize>, tool: &str) -> usize {
    received.get(tool).copied().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Everything as it should be.
    pub(crate) fn sample() -> WorkplaceReport {
        let received = |posts: usize| {
            let counts = [(READ[0], 1), (READ[1], 1), (SCHEDULE, 1), (POST, posts)];
            counts.map(|(tool, count)| (tool.to_owned(), count)).into_iter().filter(|(_, count)| *count > 0)
        };
        let run = |language, answer, posts: usize, post| Watched {
            language,
            question: "Outboard asks: may this script call workplace.post?\n\n    text  \"Moved\"".to_owned(),
            choices: vec![NO.to_owned(), YES.to_owned()],
            simulated_answer: answer,
            person_seconds: 1.0,
            call_seconds: 1.5,
            clock_seconds: 0.4,
            received_before_answer: received(0).collect(),
            received: received(posts).collect(),
            posted: vec!["Moved".to_owned(); posts],
            result: json!({ "time": "10:00", "post": post }),
        };
        let judged = |tool: &str, verdict: &str, reason: &str| Judged {
            tool: tool.to_owned(),
            verdict: verdict.to_owned(),
            reason: reason.to_owned(),
        };
        WorkplaceReport {
            commands: vec!["outboard accept workplace".to_owned()],
            tools: vec![
                judged(READ[0], "allow", "declared read-only"),
                judged(READ[1], "allow", "declared read-only"),
                judged(SCHEDULE, "allow", "rule 1"),
                judged(POST, "ask", "declared destructive"),
            ],
            runs: vec![
                run("TypeScript", YES, 1, json!({ "reached": 214 })),
                run(
                    "Python",
                    NO,
                    0,
                    json!({ "error": "ToolError", "code": "denied", "message": "not approved" }),
                ),
            ],
            scripts: ["const a = 1;\n", "a = 1\n"],
        }
    }

    #[test]
    fn each_claim_is_false_when_what_was_measured_is_otherwise() {
        assert!(sample().claims().iter().all(|claim| claim.holds));
        type Break = fn(&mut WorkplaceReport);
        let breaks: [(usize, Break); 14] = [
            (0, |report| report.tools[1].verdict = "ask".to_owned()),
            (0, |report| report.runs[1].received_before_answer.retain(|tool, _| tool != READ[0])),
            (1, |report| report.tools[2].verdict = "ask".to_owned()),
            (1, |report| report.runs[0].received_before_answer.retain(|tool, _| tool != SCHEDULE)),
            (1, |report| report.runs[0].received.extend([(SCHEDULE.to_owned(), 2)])),
            (2, |report| report.tools[3].verdict = "allow".to_owned()),
            (2, |report| report.runs[0].received_before_answer.extend([(POST.to_owned(), 1)])),
            (3, |report| report.runs[0].posted.clear()),
            (3, |report| report.runs[0].posted = vec!["Moved".to_owned(); 2]),
            (3, |report| report.runs[0].posted = vec!["moved".to_owned()]),
            (4, |report| report.runs[1].received.extend([(POST.to_owned(), 1)])),
            (4, |report| report.runs[1].result["post"] = json!({ "reached": 0 })),
            (4, |report| report.runs[1].result["post"]["code"] = json!("timeout")),
            (5, |report| report.runs[1].clock_seconds = 1.4),
        ];
        for (case, (broken, change)) in breaks.into_iter().enumerate() {
            let mut report = sample();
            change(&mut report);
            let false_ones: Vec<usize> = report
                .claims()
                .iter()
                .enumerate()
                .filter(|(_, claim)| !claim.holds)
                .map(|(at, _)| at)
                .collect();
            assert_eq!(false_ones, [broken], "case {case}");
        }
        let nothing = WorkplaceReport { runs: Vec::new(), ..sample() };
        assert!(nothing.claims().iter().all(|claim| !claim.holds), "what was not looked at is not shown");
    }
}
