//! Scripts against a catalogue before they run: what is right is let through, and what is made wrong is found.

mod forms;
mod hints;
mod mutants;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use outboard_runtime::catalogue::{
    Catalogue, Listing, Placing, Terms, ToolDefinition, ToolFilter, UpstreamState,
};
use outboard_runtime::{Language, ids::UpstreamName};
use outboard_script::{Finding, NoTools, Preparation, prepare_with};
use serde_json::{Value, json};

const TYPESCRIPT: &str = include_str!("preflight/typescript.txt");
const PYTHON: &str = include_str!("preflight/python.txt");

/// A script of a corpus.
pub(crate) struct Script {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

fn corpus(language: Language) -> Vec<Script> {
    let (file, demo) = match language {
        Language::TypeScript => (TYPESCRIPT, include_str!("../../../outboard-demo/turns/summary.ts")),
        Language::Python => (PYTHON, include_str!("../../../outboard-demo/turns/summary.py")),
    };
    let scripts = file.split("\n==== ").skip(1).map(|part| {
        let (title, text) = part.split_once('\n').unwrap();
        Script { title, text }
    });
    scripts.chain([Script { title: "of the demo", text: demo }]).collect()
}

fn tools() -> BTreeMap<String, Vec<ToolDefinition>> {
    let listed: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(include_str!("preflight/tools.json")).unwrap();
    listed.into_iter().map(|(namespace, tools)| (namespace, tools.iter().map(tool).collect())).collect()
}

fn tool(listed: &Value) -> ToolDefinition {
    ToolDefinition {
        name: listed["name"].as_str().unwrap().into(),
        title: None,
        description: None,
        input_schema: Some(listed["inputSchema"].clone().into()),
        output_schema: None,
        annotations: Default::default(),
    }
}

fn catalogue(tools: BTreeMap<String, Vec<ToolDefinition>>) -> Catalogue {
    let catalogue = Catalogue::new(tools.keys().map(|name| UpstreamName::from(name.as_str())));
    for (name, tools) in tools {
        let listing = Listing { tools: tools.into_iter().map(Into::into).collect(), ..Listing::default() };
        let name = UpstreamName::from(name.as_str());
        catalogue.publish(&name, listing);
        catalogue.set_state(&name, UpstreamState::Ready { took: Duration::ZERO });
    }
    catalogue
}

fn findings(text: &str, language: Language, catalogue: &Catalogue) -> Vec<Finding> {
    let snapshot = catalogue.snapshot();
    let preparation =
        Preparation { language: Some(language), catalogue: &*snapshot, ..Preparation::default() };
    prepare_with(text, &preparation).err().map_or_else(Vec::new, |rejected| rejected.findings)
}

fn told(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let hint = finding.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{}  {}{hint}", finding.position, finding.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn scripts_that_are_right_raise_no_alarm() {
    let catalogue = catalogue(tools());
    for language in Language::ALL {
        let corpus = corpus(language);
        assert!(corpus.len() >= 25, "{} scripts", corpus.len());
        for script in corpus {
            let told = told(&findings(script.text, language, &catalogue));
            assert_eq!(told, "", "{}:\n{}", script.title, script.text);
        }
    }
}

/// The cases that the guests are tested with: what some do wrong on purpose is that they do not await, or call what is not there.
#[test]
fn the_guests_cases_raise_no_alarm() {
    let any = |name: &str| tool(&json!({"name": name, "inputSchema": {"type": "object"}}));
    let names = ["echo", "add", "fail", "odd-name", "wait", "never", "json"];
    let tools =
        BTreeMap::from([("t".to_owned(), names.map(any).to_vec()), ("my_tools".to_owned(), Vec::new())]);
    let catalogue = catalogue(tools);
    let engines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../outboard-engines/tests/it");
    let mut seen = 0;
    let mut alarms = Vec::new();
    for (folder, fence, language) in
        [("cases", "\n```js\n", Language::TypeScript), ("python", "\n```python\n", Language::Python)]
    {
        for file in fs::read_dir(engines.join(folder)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for part in text.split(fence).skip(1) {
                let Some((script, rest)) = part.split_once("\n```") else { continue };
                let expected = rest.split("\n## ").next().unwrap_or_default();
                // Some are no programs to us; that is the same without tools.
                let preparation =
                    Preparation { language: Some(language), catalogue: &NoTools, ..Preparation::default() };
                if prepare_with(script, &preparation).is_err() {
                    continue;
                }
                seen += 1;
                let on_purpose = [
                    "not awaited",
                    "await it",
                    "never awaited",
                    "coroutine",
                    "unknown_tool",
                    "and forget",
                    "ignored",
                ];
                let found = findings(script, language, &catalogue);
                if !found.is_empty() && !on_purpose.iter().any(|words| expected.contains(words)) {
                    alarms.push(format!("{script}\n--\n{}\n--{expected}", told(&found)));
                }
            }
        }
    }
    assert!(seen > 150, "{seen} cases");
    assert!(alarms.is_empty(), "{} of {seen}\n{}", alarms.len(), alarms.join("\n=====\n"));
}

#[test]
fn mistakes_are_told_with_place_expected_found_and_signature() {
    let catalogue = catalogue(tools());
    for (language, text, expected) in [
        (
            Language::TypeScript,
            "const n = 1;\nawait data_tools.get_chunk({ page: n });\nreturn await data_tools.get_data_chunk({ pages: n })",
            "2:18  data_tools has no tool `get_chunk`; did you mean `data_tools.get_data_chunk`?; expected \
             data_tools.get_data_chunk(input: { page: number })\n3:42  data_tools.get_data_chunk: there is no argument `pages` \
             (did you mean `page`?); expected data_tools.get_data_chunk(input: { page: number })",
        ),
        (
            Language::Python,
            "x = await board.list_tasks(project=1, status='doing')\nboard.list_projects()\nx[0]",
            "1:28  board.list_tasks: there is no argument `project` (did you mean `project_id`?); `status` must be \"done\" or \
             \"todo\" or \"in_progress\", got \"doing\"; expected board.list_tasks(*, project_id: str, status: \
             Literal[\"todo\", \"in_progress\", \"done\"] = ..., limit: int = ...)\n2:1  `board.list_projects` is called but not \
             awaited; write `await board.list_projects(…)`, or pass the call to `asyncio.gather`",
        ),
        (
            Language::TypeScript,
            "const rows = drive.get_sheet({ sheet_id: 'a' });\nreturn rows.filter(r => r.ok)",
            "1:14  `drive.get_sheet` is called but not awaited; write `await drive.get_sheet(…)`, or collect the promises for \
             `Promise.all`",
        ),
        (
            Language::TypeScript,
            "await githb.list_issues({ owner: 'a', repo: 'b' })",
            "1:7  there is no namespace `githb`; did you mean `github`?",
        ),
        (
            Language::TypeScript,
            "await axios.get('https://example.com')",
            "1:7  `axios` is not defined; a script has no network: only the tools reach the outside",
        ),
        (
            Language::Python,
            "json.dumps(await board.list_projects())",
            "1:1  `json` is not defined; the standard library is there: import it at the top",
        ),
        (
            Language::TypeScript,
            "await tools.github.get_issue({ owner: 'a', repo: 'b', issue_number: 1 })",
            "1:7  `tools` holds no namespaces: they are names of their own; write `github.get_issue(…)`",
        ),
        (
            Language::Python,
            "await crm.create_lead('Acme')",
            "1:23  crm.create_lead: a tool takes one object, got \"Acme\"; expected crm.create_lead(*, lead: Lead); class \
             Lead(TypedDict): company: str; last_name: str; email: NotRequired[str]",
        ),
    ] {
        assert_eq!(told(&findings(text, language, &catalogue)), expected, "{text}");
    }
}

#[test]
fn a_name_that_the_configuration_denies_is_told_as_that_whether_it_exists_or_not() {
    let catalogue = catalogue(tools());
    let terms = Terms { tools: ToolFilter::denying(&["create*".to_owned()]).unwrap(), ..Terms::default() };
    catalogue.arrange([Placing { terms, ..Placing::new("github".into()) }]);
    for name in ["create_issue", "create_nothing"] {
        let script = format!("await github.{name}({{ x: 1 }})");
        let expected = format!(
            "1:14  github has no tool `{name}` here: the configuration denies this name (`tools.deny`)"
        );
        assert_eq!(told(&findings(&script, Language::TypeScript, &catalogue)), expected);
    }
}

#[test]
fn what_is_not_known_yet_is_left_to_the_run() {
    let catalogue = Catalogue::new(["github".into()]);
    let script = "await github.anything({ at: 'all' })";
    assert_eq!(told(&findings(script, Language::TypeScript, &catalogue)), "");
    let dropped = "github.anything();\nreturn 1";
    assert!(told(&findings(dropped, Language::TypeScript, &catalogue)).contains("not awaited"));
}
