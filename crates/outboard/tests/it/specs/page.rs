//! A page of cases: read, held against what happened, and written again. Fences carry the meaning; all other text is
//! for people and stays as it is.

use outboard_runtime::Language;
use serde_json::Value;

/// One file.
pub(super) struct Page {
    /// Text and fences before the first case.
    head: String,
    pub(super) cases: Vec<Case>,
}

/// A heading and what stands below it.
pub(super) struct Case {
    pub(super) name: String,
    /// Upstreams and limits: the case's own, else the page's.
    pub(super) setting: Value,
    head: String,
    pub(super) steps: Vec<Step>,
    tail: String,
}

/// One script in both languages, and what is expected of each.
#[derive(Default)]
pub(super) struct Step {
    /// Text between the step before and this one.
    lead: String,
    scripts: [String; 2],
    expected: [Seen; 2],
    seen: [Seen; 2],
}

/// What a page tells of one script's run.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) journal: String,
    pub(super) text: String,
    pub(super) failed: bool,
}

impl Seen {
    /// The answer, with how it ended.
    pub(super) fn answer(&self) -> String {
        format!("{}:\n{}", if self.failed { "failure" } else { "result" }, self.text)
    }
}

fn place(language: Language) -> usize {
    usize::from(language == Language::Python)
}

impl Step {
    pub(super) fn script(&self, language: Language) -> &str {
        &self.scripts[place(language)]
    }

    pub(super) fn expected(&self, language: Language) -> &Seen {
        &self.expected[place(language)]
    }

    pub(super) fn saw(&mut self, language: Language, seen: Seen) {
        self.seen[place(language)] = seen;
    }

    fn expect(&mut self, what: &str, languages: &[usize], body: &str) {
        for &language in languages {
            let expected = &mut self.expected[language];
            if what == "journal" {
                body.clone_into(&mut expected.journal);
            } else {
                body.clone_into(&mut expected.text);
                expected.failed = what == "failure";
            }
        }
    }

    fn text(&self) -> String {
        let mut text = self.lead.clone();
        for (name, script) in ["ts", "python"].iter().zip(&self.scripts) {
            text += &fence(name, script);
        }
        let [one, two] = &self.seen;
        let journals = [("journal", &one.journal), ("journal", &two.journal)];
        let kind = |seen: &Seen| if seen.failed { "failure" } else { "result" };
        let answers = [(kind(one), &one.text), (kind(two), &two.text)];
        for pair in [journals, answers] {
            if pair[0] == pair[1] {
                text += &fence(pair[0].0, pair[0].1);
            } else {
                for ((what, body), language) in pair.iter().zip(["ts", "python"]) {
                    text += &fence(&format!("{what} {language}"), body);
                }
            }
        }
        text
    }
}

/// A fence longer than any in what it holds.
fn fence(info: &str, body: &str) -> String {
    let marks = if body.contains("```") { "````" } else { "```" };
    let end = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
    format!("{marks}{info}\n{body}{end}{marks}\n\n")
}

impl Page {
    /// Reads a page; panics where it cannot be meant.
    pub(super) fn read(text: &str) -> Self {
        let mut page = Self { head: String::new(), cases: Vec::new() };
        let mut setting = Value::Null;
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            let marks = line.len() - line.trim_start_matches('`').len();
            if marks >= 3 {
                let info = line[marks..].trim();
                let body: String =
                    lines.by_ref().take_while(|line| line.trim_end() != &"`".repeat(marks)[..]).collect();
                if info == "json" {
                    let parsed: Value =
                        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"));
                    match page.cases.last_mut() {
                        Some(case) => case.setting = parsed,
                        None => setting = parsed,
                    }
                    *page.prose() += &fence(info, &body);
                } else {
                    page.cases.last_mut().expect("a heading before the first script").take(info, &body);
                }
            } else if let Some(name) = line.strip_prefix("## ") {
                let (name, setting) = (name.trim().to_owned(), setting.clone());
                let steps = Vec::new();
                page.cases.push(Case { name, setting, head: String::new(), steps, tail: String::new() });
            } else {
                *page.prose() += line;
            }
        }
        page
    }

    fn prose(&mut self) -> &mut String {
        match self.cases.last_mut() {
            None => &mut self.head,
            Some(case) if case.steps.is_empty() => &mut case.head,
            Some(case) => &mut case.tail,
        }
    }

    /// The page with what was seen in place of what was expected.
    pub(super) fn text(&self) -> String {
        let mut text = paragraphs(&self.head);
        for case in &self.cases {
            text += &format!("## {}\n\n{}", case.name, paragraphs(&case.head));
            for step in &case.steps {
                text += &step.text();
            }
            text += &paragraphs(&case.tail);
        }
        format!("{}\n", text.trim_end())
    }
}

/// The text with one empty line after it, if there is any.
fn paragraphs(text: &str) -> String {
    let text = text.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{}\n\n", text.replace("\n\n\n", "\n\n")) }
}

impl Case {
    fn take(&mut self, info: &str, body: &str) {
        let (what, whose) = info.split_once(' ').unwrap_or((info, ""));
        let languages: &[usize] = match whose {
            "" => &[0, 1],
            "ts" => &[0],
            "python" => &[1],
            other => panic!("unknown language `{other}` in {}", self.name),
        };
        match what {
            "ts" => {
                let lead = paragraphs(&std::mem::take(&mut self.tail));
                let scripts = [body.to_owned(), String::new()];
                self.steps.push(Step { lead, scripts, ..Step::default() });
            }
            "python" => body.clone_into(&mut self.step().scripts[1]),
            "journal" | "result" | "failure" => self.step().expect(what, languages, body),
            other => panic!("unknown fence `{other}` in {}", self.name),
        }
    }

    fn step(&mut self) -> &mut Step {
        self.steps.last_mut().unwrap_or_else(|| panic!("{} begins with no ts script", self.name))
    }
}
