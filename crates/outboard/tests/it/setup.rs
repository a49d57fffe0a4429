//! Editing configuration from the command line: add, add-json, remove, install, import.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use outboard_testkit::client::{Client, Home};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

struct User {
    home: Home,
}

impl User {
    fn new() -> Self {
        Self { home: Home::new() }
    }

    fn root(&self) -> PathBuf {
        self.home.state().parent().unwrap().to_owned()
    }

    fn file(&self) -> PathBuf {
        self.root().join("config/outboard.json")
    }

    fn servers(&self) -> Value {
        serde_json::from_str::<Value>(&std::fs::read_to_string(self.file()).unwrap()).unwrap()["mcpServers"]
            .take()
    }

    /// As many clients look for their files below it, no variable may lead elsewhere.
    fn command(&self, arguments: &[&str]) -> Command {
        self.home.command(OUTBOARD, arguments)
    }

    /// Runs a command to its end; gives exit code, and what it printed with this user's directory as `~`.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let root = self.root().display().to_string();
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&root, "~").replace(OUTBOARD, "OUTBOARD");
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        stdout + &stderr
    }
}

#[test]
fn add_takes_what_other_programs_take() {
    for (line, entry) in [
        ("srv -- npx -y pkg --flag", json!({"command": "npx", "args": ["-y", "pkg", "--flag"]})),
        ("srv npx pkg", json!({"command": "npx", "args": ["pkg"]})),
        (
            "--scope user --transport stdio srv -e A=b -- npx x",
            json!({"command": "npx", "args": ["x"], "env": {"A": "b"}}),
        ),
        (
            "srv -e A=b C=d=e -- npx x",
            json!({"command": "npx", "args": ["x"], "env": {"A": "b", "C": "d=e"}}),
        ),
        (
            "srv --env A=b --env C=d -- npx x A=b",
            json!({"command": "npx", "args": ["x", "A=b"], "env": {"A": "b", "C": "d"}}),
        ),
        ("-t http srv https://e.com/mcp", json!({"type": "http", "url": "https://e.com/mcp"})),
        (
            "--transport http srv https://e.com/mcp -H X-A:b --header Accept:c",
            json!({"type": "http", "url": "https://e.com/mcp", "headers": {"X-A": "b", "Accept": "c"}}),
        ),
        ("srv https://e.com/mcp", json!({"type": "http", "url": "https://e.com/mcp"})),
        (
            "srv --url https://e.com/mcp --bearer-token-env-var TOK",
            json!({"type": "http", "url": "https://e.com/mcp", "headers": {"Authorization": "Bearer ${TOK}"}}),
        ),
        ("-t http srv ${BASE}/mcp", json!({"type": "http", "url": "${BASE}/mcp"})),
    ] {
        let user = User::new();
        user.ok(&["add"].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
        let mut servers = user.servers();
        assert_eq!(servers["srv"].take(), entry, "{line}");
    }
    let user = User::new();
    user.ok(&["add-json", "srv", r#"{"command":"x","args":["y"]}"#]);
    assert_eq!(user.servers(), json!({"srv": {"command": "x", "args": ["y"]}}));
}

#[test]
fn what_add_cannot_do_is_said_and_nothing_is_written() {
    for (arguments, says) in [
        (&["add", "srv", "-t", "sse", "https://e.com"][..], "`sse` (of 2024) is not spoken"),
        (&["add", "srv", "--scope", "local", "--", "x"], "--scope user, or --scope project"),
        (&["add", "srv", "--client-id", "x", "https://e.com"], "does not sign in by OAuth yet"),
        (
            &["add", "srv", "--oauth-client-id", "x", "--url", "https://e.com"],
            "does not sign in by OAuth yet",
        ),
        (&["add", "srv", "-c", "model=x", "--", "x"], "--config sets up Codex"),
        (&["add", "srv", "-t", "http", "npx"], "`npx` is no URL"),
        (&["add", "srv", "https://e.com", "extra"], "a URL takes no arguments"),
        (&["add", "srv", "-e", "A=b", "--", "https://e.com"], "variables are for programs"),
        (&["add", "srv", "-e", "TOKEN", "--", "x"], "-e 'TOKEN=${TOKEN}'"),
        (&["add", "srv", "-e", "A=b"], "required"),
        (&["add", "srv", "-e", "A=b", "C=d"], "the command is missing"),
        (&["add", "srv", "-H", "A: b", "--", "x"], "headers and tokens are for URLs"),
        (&["add", "srv", "-H", "nothing", "https://e.com"], "must be `Name: value`"),
        (&["add", "srv", "npx", "-y"], "-- -y"),
        (&["add", "srv", "--url", "https://e.com", "-t", "stdio"], "contradict"),
        (&["add", "srv", "--transport", "stdio", "https://e.com"], "`https://e.com` is a URL"),
        (&["add", "../x", "--", "x"], "must begin with a letter"),
        (&["add", "me", "--", "outboard", "serve"], "that is Outboard itself"),
        (&["add-json", "srv", "{"], "the entry is no JSON"),
        (
            &["add-json", "srv", r#"{"comand": "x"}"#],
            "the entry: `comand` is not known here\nhint: did you mean `command`?",
        ),
        (
            &["add-json", "srv", r#"{"command": true}"#],
            "`command` is true or false; it must be a text\nhint: ",
        ),
        (
            &["add-json", "srv", r#"{"command": "x", "timeout": 3000000}"#],
            "if milliseconds are meant: \"timeout\": 3000",
        ),
        (
            &["add-json", "srv", r#"{"url": "https://e.com", "oauth": {}}"#],
            "hint: Outboard does not sign in by OAuth yet",
        ),
        (&["add-json", "srv", r#"{"type": "sse", "url": "https://e.com"}"#], "is not spoken"),
        (&["remove", "srv"], "no outboard.json here names it"),
    ] {
        let user = User::new();
        let (code, stdout, stderr) = user.run(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(says) && stderr.contains("\nhint: "), "{arguments:?}: {stderr}");
        assert!(!user.file().exists(), "{arguments:?}");
    }
}

#[test]
fn an_added_file_is_private_and_its_secrets_are_not_shown() {
    let user = User::new();
    let (_, stdout, stderr) =
        user.run(&["add", "gh", "-e", "GH_TOKEN=hunter2", "-e", "MODE=fast", "--", "npx", "gh"]);
    assert_eq!(
        stdout,
        "`gh` added to ~/config/outboard.json\n  gh starts  npx gh\n    with GH_TOKEN='***'\n    with MODE=fast\n"
    );
    assert_eq!(
        stderr,
        "hint: env.GH_TOKEN now stands in the file as it is; with ${VAR} in single quotes it would stay in a variable\n\
         hint: its calls ask until you have seen what it declares: outboard accept gh\n"
    );
    assert_eq!(std::fs::metadata(user.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let json: Value =
        serde_json::from_str(&user.ok(&["add", "b", "--json", "-e", "A_KEY=${A}", "--", "x"])).unwrap();
    assert_eq!(
        json,
        json!({
            "name": "b", "file": "~/config/outboard.json", "scope": "user", "entry": {"command": "x", "args": [], "env": {"A_KEY": "${A}"}},
            "replaced": false, "literalSecrets": [], "needsTrust": false, "doubt": null, "unusable": null,
        })
    );
}

#[test]
fn what_is_there_keeps_its_form_and_a_name_is_not_overwritten() {
    let user = User::new();
    let text = "{\n\t\"resultTokens\": 7000,\n\t\"mcpServers\": {\n\t\t\"z\": {\"command\": \"z\"},\n\t\t\"a\": {\"command\": \"a\"}\n\t}\n}\n";
    std::fs::write(user.file(), text).unwrap();
    let (code, _, stderr) = user.run(&["add", "z", "--", "other"]);
    assert_eq!(
        (code, stderr.as_str()),
        (2, "error: could not add `z`: ~/config/outboard.json has it already\nhint: --force replaces it\n")
    );
    assert_eq!(std::fs::read_to_string(user.file()).unwrap(), text);
    user.ok(&["add", "m", "--", "m"]);
    assert_eq!(
        std::fs::read_to_string(user.file()).unwrap(),
        text.replace(
            "\"a\"}\n",
            "\"a\"},\n\t\t\"m\": {\n\t\t\t\"command\": \"m\",\n\t\t\t\"args\": []\n\t\t}\n"
        )
    );
    assert_eq!(user.ok(&["remove", "m"]), "`m` removed from ~/config/outboard.json\n");
    assert_eq!(std::fs::read_to_string(user.file()).unwrap(), text);
    assert!(user.ok(&["add", "z", "--force", "--", "other"]).contains("replaced in"));
    assert_eq!(user.servers()["z"]["command"], "other");
    let (_, _, stderr) = user.run(&["remove", "q"]);
    assert_eq!(
        stderr,
        "error: could not remove `q`: no outboard.json here names it\nhint: there are: z, a\n"
    );
}

#[test]
fn a_bad_file_is_told_of_by_line_and_column_and_stays() {
    for (text, says) in [
        (
            "{\n  \"mcpServers\": {}\n  \"limits\": {}\n}\n",
            "could not use ~/config/outboard.json: line 2 column 19: ",
        ),
        ("{\"mcpServers\": []}", "could not use ~/config/outboard.json: `mcpServers` must be an object"),
        ("[]", "could not use ~/config/outboard.json: `the file` must be an object"),
    ] {
        let user = User::new();
        std::fs::write(user.file(), text).unwrap();
        for arguments in [&["add", "a", "--", "x"][..], &["remove", "a"], &["import", "--yes"]] {
            let (code, stdout, stderr) = user.run(arguments);
            assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?} {stderr}");
            assert!(stderr.contains(says), "{arguments:?} {stderr}");
        }
        assert_eq!(std::fs::read_to_string(user.file()).unwrap(), text);
    }
}

#[test]
fn comments_stay_and_what_is_wrong_beside_the_new_server_is_said() {
    let user = User::new();
    let text = "{\n  // mine\n  \"limits\": {\"cpuSeconds\": -1},\n  \"mcpServers\": {\n    \"a\": {\"command\": \"a\"}, // one\n  },\n}\n";
    std::fs::write(user.file(), text).unwrap();
    let told = user.ok(&["add", "b", "--", "x"]);
    for says in [
        "`b` added to ~/config/outboard.json",
        "warning: could not use ~/config/outboard.json: line 3: `limits.cpuSeconds` is -1; it must be a number from 0.001 to 604800, of seconds\n",
        "hint: leave it out for the default, 30\n",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    let written = std::fs::read_to_string(user.file()).unwrap();
    assert!(written.starts_with("{\n  // mine\n") && written.contains("// one\n    \"b\": {"), "{written}");
    user.ok(&["remove", "b"]);
    assert_eq!(std::fs::read_to_string(user.file()).unwrap(), text);
    let told = user.ok(&["add-json", "slow", r#"{"command": "x", "timeout": 30000}"#]);
    for says in [
        "a call may take 8.3 hours\n",
        "if milliseconds are meant, as other clients have it: \"timeout\": 30\n",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn servers_that_are_added_at_once_are_all_there() {
    let user = User::new();
    let children: Vec<_> = (0..12)
        .map(|number| {
            user.command(&["add", &format!("s{number}"), "--", "x"]).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(user.servers().as_object().unwrap().len(), 12);
}

#[test]
fn a_projects_server_is_written_there_and_does_nothing_until_it_is_accepted() {
    let user = User::new();
    let marker = user.root().join("started");
    let entry = fixture(&["--log", marker.to_str().unwrap()]).to_string();
    let told = user.ok(&["add-json", "--scope", "project", "proj", &entry]);
    assert!(
        told.contains("~/project/outboard.json")
            && told.contains("hint: a project's file does nothing until"),
        "{told}"
    );
    assert!(!user.file().exists());
    let mut client = Client::connect(user.command(&["serve"]));
    client.close();
    assert!(client.stderr().contains("outboard.json has not been accepted"), "{}", client.stderr());
    assert!(!marker.exists(), "nothing of an untrusted project is started");
    assert_eq!(user.ok(&["remove", "proj"]), "`proj` removed from ~/project/outboard.json\n");
}

#[test]
fn what_stands_in_two_files_or_in_a_shared_one_is_not_guessed() {
    let user = User::new();
    user.ok(&["add", "s", "--", "x"]);
    user.ok(&["add", "s", "--scope", "project", "--", "x"]);
    let (code, _, stderr) = user.run(&["remove", "s"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("say which: --scope user, or --scope project"), "{stderr}");
    user.ok(&["remove", "s", "--scope", "project"]);
    std::fs::write(user.home.project().join(".mcp.json"), r#"{"mcpServers": {"shared": {"command": "x"}}}"#)
        .unwrap();
    let (_, _, stderr) = user.run(&["remove", "shared"]);
    assert!(stderr.contains("it stands in the project's .mcp.json"), "{stderr}");
}

#[test]
fn install_shows_asks_and_is_taken_back() {
    let user = User::new();
    let file = user.root().join(".cursor/mcp.json");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    let text = "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"a\"} // mine\n  }\n}\n";
    std::fs::write(&file, text).unwrap();
    let (code, stdout, stderr) = user.run(&["install", "cursor"]);
    assert_eq!(code, 1);
    assert_eq!(
        stderr,
        "error: nothing was written: there is no terminal to ask at\nhint: add --yes to agree beforehand\n"
    );
    let shown = stdout.lines().collect::<Vec<_>>();
    assert_eq!(
        shown[..5],
        [
            "~/.cursor/mcp.json line 3",
            "-     \"a\": {\"command\": \"a\"} // mine",
            "+     \"a\": {\"command\": \"a\"}, // mine",
            "+     \"outboard\": {",
            "+       \"command\": \"OUTBOARD\",",
        ]
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    let told = user.ok(&["install", "cursor", "--yes"]);
    assert!(told.contains("Cursor now has Outboard"), "{told}");
    let list = user.ok(&["install", "--list"]);
    assert!(list.contains("cursor          installed        2 servers  ~/.cursor/mcp.json"), "{list}");
    assert!(user.ok(&["install", "cursor", "--yes"]).contains("has Outboard already, as `outboard`"));
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("\"serve\"", "\"serve\", \"--old\"")).unwrap();
    let told = user.ok(&["install", "cursor", "--yes"]);
    assert!(told.contains("the entry `outboard` that stands there is renewed"), "{told}");
    let json: Value =
        serde_json::from_str(&user.ok(&["install", "cursor", "--undo", "--yes", "--json"])).unwrap();
    assert_eq!(json["clients"][0]["state"], "undone");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    assert!(user.ok(&["install", "cursor", "--undo"]).contains("has no Outboard"));
}

#[test]
fn a_link_stays_and_a_read_only_file_is_not_replaced() {
    let user = User::new();
    let (link, real) = (user.root().join(".claude.json"), user.root().join("dotfiles.json"));
    std::fs::write(&real, "{}").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    user.ok(&["install", "claude-code", "--yes"]);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("outboard"));
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o444)).unwrap();
    let (code, _, stderr) = user.run(&["install", "claude-code", "--undo", "--yes"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("could not change ~/.claude.json: it is read-only"), "{stderr}");
}

#[test]
fn several_clients_at_once_and_one_broken_costs_itself() {
    let user = User::new();
    std::fs::create_dir(user.root().join(".codex")).unwrap();
    std::fs::write(user.root().join(".codex/config.toml"), "[broken\n").unwrap();
    let (code, stdout, stderr) = user.run(&["install", "codex", "gemini", "--yes", "--json"]);
    assert_eq!(code, 1);
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&json["clients"][1]["client"], &json["clients"][1]["state"]),
        (&json!("gemini"), &json!("written"))
    );
    assert!(stderr.contains("Codex: could not use ~/.codex/config.toml: line 1 column"), "{stderr}");
    let refused = &json["clients"][0];
    assert_eq!((&refused["client"], &refused["state"]), (&json!("codex"), &json!("refused")));
    assert!(refused["error"]["message"].as_str().unwrap().contains("line 1 column"), "{refused}");
    let (code, _, stderr) = user.run(&["install", "cursor", "goose"]);
    assert_eq!(code, 1);
    assert!(
        stderr.ends_with("error: not every client was changed\nhint: add --yes to agree beforehand\n"),
        "{stderr}"
    );
}

#[test]
fn import_shows_what_it_would_add_and_leaves_the_clients_alone() {
    let user = User::new();
    user.ok(&["add", "same", "--", "x"]);
    user.ok(&["add", "taken", "--", "mine"]);
    let claude = json!({"mcpServers": {
        "gh": {"type": "stdio", "command": "npx", "args": ["gh"], "env": {"GH_TOKEN": "hunter2"}},
        "same": {"command": "x", "args": []},
        "taken": {"command": "theirs"},
        "old": {"type": "sse", "url": "https://e.com/sse"},
        "me": {"command": OUTBOARD, "args": ["serve"]},
    }});
    std::fs::write(user.root().join(".claude.json"), claude.to_string()).unwrap();
    std::fs::create_dir(user.root().join(".gemini")).unwrap();
    let gemini = "{\"mcp\": {\"excluded\": [\"off\"]}, \"mcpServers\": {\"off\": {\"httpUrl\": \"https://o/mcp\", \"headers\": {\"A\": \"$TOK\"}}}} // mine";
    std::fs::write(user.root().join(".gemini/settings.json"), gemini).unwrap();

    let before = std::fs::read_to_string(user.file()).unwrap();
    let (code, stdout, stderr) = user.run(&["import"]);
    assert_eq!(
        (code, stderr.lines().next()),
        (1, Some("error: nothing was written: there is no terminal to ask at"))
    );
    assert_eq!(
        stdout,
        "+ `gh` of claude-code\n  gh starts  npx gh\n    with GH_TOKEN='***'\n\
         = `same` of claude-code is there already, as `same`\n\
         + `taken` of claude-code as `taken-claude-code`\n  taken-claude-code starts  theirs\n\
         - `old` of claude-code is left out: it speaks the transport of 2024 (`sse`), which Outboard does not; use the server's Streamable HTTP URL\n\
         - `me` of claude-code is left out: it is Outboard itself\n\
         + `off` of gemini, switched off as it is there\n  off reaches  https://o/mcp\n    with A: '${TOK}'\n    is given your TOK\n"
    );
    assert_eq!(std::fs::read_to_string(user.file()).unwrap(), before);

    let (_, stdout, stderr) = user.run(&["import", "--yes"]);
    assert!(stdout.ends_with("3 servers added to ~/config/outboard.json\n"), "{stdout}");
    assert!(stderr.contains("write ${VAR}: gh.env.GH_TOKEN\n"), "{stderr}");
    assert!(
        stderr.contains("  claude mcp remove --scope user gh\n  claude mcp remove --scope user same\n"),
        "{stderr}"
    );
    assert_eq!(
        user.servers()["off"],
        json!({"type": "http", "url": "https://o/mcp", "headers": {"A": "${TOK}"}, "disabled": true})
    );
    assert_eq!(std::fs::read_to_string(user.root().join(".claude.json")).unwrap(), claude.to_string());
    let again = user.ok(&["import"]);
    assert!(
        again.contains("there is nothing to add")
            && again.contains(
                "hint: these clients start the servers themselves, beside Outboard; take them out there:"
            ),
        "{again}"
    );

    let json: Value = serde_json::from_str(&user.ok(&["import", "claude-code", "--json"])).unwrap();
    let facts: Vec<_> =
        json["servers"].as_array().unwrap().iter().map(|fact| fact["action"].as_str().unwrap()).collect();
    assert_eq!((&json["written"], facts), (&json!(false), vec!["same", "same", "same", "skip", "skip"]));
}

#[test]
fn a_hostile_client_file_neither_reaches_the_terminal_nor_the_configuration() {
    let user = User::new();
    let claude = json!({"mcpServers": {
        "\u{1b}[2Jx": {"command": "x"},
        "fine": {"command": "\u{1b}]0;x\u{7}", "args": ["\u{202e}txt"]},
    }});
    std::fs::write(user.root().join(".claude.json"), claude.to_string()).unwrap();
    let (_, stdout, stderr) = user.run(&["import", "--yes"]);
    assert!(
        !stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']) && !stderr.contains('\u{1b}'),
        "{stdout}{stderr}"
    );
    assert!(stdout.contains("- `\\u{1b}[2Jx` of claude-code is left out: its name must begin"), "{stdout}");
    assert_eq!(user.servers().as_object().unwrap().keys().collect::<Vec<_>>(), ["fine"]);
    assert!(stderr.contains("hint: next, outboard install claude-code; once that works, take "), "{stderr}");
}
