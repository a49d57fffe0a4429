//! Every client's file: what is read from it, what is written into it, and that taking back leaves no trace.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    install::{Change, InstallProblem, Outcome, Records},
    *,
};
use crate::config::store::Lock;

/// A user with a program, a state directory and no variables but these.
struct User {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    os: Os,
}

impl User {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["bin", "state"] {
            std::fs::create_dir(root.path().join(directory)).unwrap();
        }
        std::fs::write(root.path().join("bin/outboard"), "").unwrap();
        let path = root.path().join("bin").display().to_string();
        Self { root, variables: BTreeMap::from([("PATH".to_owned(), path)]), os: Os::Linux }
    }

    fn with<T>(&self, run: impl FnOnce(&Surroundings<'_>) -> T) -> T {
        let variable = |name: &str| self.variables.get(name).cloned();
        run(&Surroundings {
            home: self.home(),
            directory: PathBuf::from("/code/app"),
            variable: &variable,
            os: self.os,
        })
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    fn executable(&self) -> PathBuf {
        self.root.path().join("bin/outboard")
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    fn file(&self, client: &Client) -> PathBuf {
        self.with(|surroundings| client.file(surroundings)).unwrap()
    }

    fn write(&self, client: &Client, text: &str) -> PathBuf {
        let file = self.file(client);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    fn change(&self, client: &'static Client, undo: bool) -> Result<Change, InstallProblem> {
        let records = Records::load(&self.state()).unwrap();
        let work_out = if undo { install::undo } else { install::install };
        self.with(|surroundings| work_out(client, surroundings, &self.executable(), &records))
    }

    fn apply(&self, client: &'static Client, undo: bool) -> Result<(), InstallProblem> {
        let change = self.change(client, undo)?;
        let lock = Lock::take(&self.state()).unwrap();
        change.apply(&lock, &mut Records::load(&self.state()).unwrap())
    }

    /// Everything below the home directory.
    fn tree(&self) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut open = vec![self.home()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                all.push(path);
            }
        }
        all.sort();
        all
    }
}

fn found(client: &'static Client, text: &str) -> Vec<Server> {
    let user = User::new();
    user.write(client, text);
    let mut found = user.with(|surroundings| client.found(surroundings));
    found.remove(0).servers.unwrap()
}

fn server(name: &str, entry: Value, notes: &[&str]) -> Server {
    let notes = notes.iter().map(|note| (*note).to_owned()).collect();
    Server { name: name.to_owned(), project: None, entry: Ok(entry), disabled: false, notes }
}

fn refused(name: &str, reason: &str) -> Server {
    let entry = Err(reason.to_owned());
    Server { name: name.to_owned(), project: None, entry, disabled: false, notes: Vec::new() }
}

#[test]
fn claude_codes_servers_of_the_user_and_of_this_project_are_read() {
    let text = r#"{
        "numStartups": 3,
        "mcpServers": {
            "fs": {"type": "stdio", "command": "npx", "args": ["-y", "fs"], "env": {"T": "${T:-x}"}},
            "web": {"type": "http", "url": "https://e.com/mcp", "headers": {"A": "b"}},
            "old": {"type": "sse", "url": "https://e.com/sse"},
            "socket": {"type": "ws", "url": "wss://e.com"},
            "odd": 7,
            "slow": {"command": "x", "timeout": 90000, "alwaysLoad": true},
            "quick": {"command": "x", "timeout": 500}
        },
        "projects": {
            "/code/app": {"mcpServers": {"mine": {"command": "x"}}},
            "/code/other": {"mcpServers": {"theirs": {"command": "x"}}}
        }
    }"#;
    let mut mine = server("mine", json!({"command": "x"}), &[]);
    mine.project = Some("/code/app".to_owned());
    assert_eq!(
        found(&claude_code::CLIENT, text),
        [
            server("fs", json!({"command": "npx", "args": ["-y", "fs"], "env": {"T": "${T:-x}"}}), &[]),
            server("web", json!({"type": "http", "url": "https://e.com/mcp", "headers": {"A": "b"}}), &[]),
            refused("old", draft::SSE),
            refused("socket", "its transport `ws` is not spoken here"),
            refused("odd", "it has neither `command` nor `url`"),
            server(
                "slow",
                json!({"command": "x", "timeout": 90}),
                &["not taken over, for want of a counterpart: `alwaysLoad`"],
            ),
            server(
                "quick",
                json!({"command": "x"}),
                &["`timeout` is not taken over: below 1000 it is ignored there too"],
            ),
            mine,
        ]
    );
}

#[test]
fn codexs_ways_of_naming_variables_become_ours() {
    let text = "# mine\nmodel = \"m\"\n[mcp_servers.a]\ncommand = 'npx'\nargs = [\"x\", # why\n]\nenv_vars = [\"A\", { name = \"B\", source = \"local\" }]\nstartup_timeout_sec = 20.0\ntool_timeout_sec = 45.0\nrequired = true\nenabled_tools = [\"t\"]\ndisabled_tools = [\"u*\"]\n[mcp_servers.a.env]\nC = \"d\"\n\n[mcp_servers.\"b c\"]\nurl = \"https://e.com/mcp\"\nbearer_token_env_var = \"TOK\"\nenabled = false\nhttp_headers = { X = \"y\" }\nenv_http_headers = { Z = \"ZED\" }\n";
    let mut off = server(
        "b c",
        json!({"type": "http", "url": "https://e.com/mcp", "headers": {"X": "y", "Z": "${ZED}", "Authorization": "Bearer ${TOK}"}}),
        &[],
    );
    off.disabled = true;
    assert_eq!(
        found(&codex::CLIENT, text),
        [
            server(
                "a",
                json!({
                    "command": "npx", "args": ["x"], "env": {"C": "d", "A": "${A}", "B": "${B}"},
                    "tools": {"allow": ["t"], "deny": ["u\\*"]}, "timeout": 45,
                }),
                &["not taken over, for want of a counterpart: `startup_timeout_sec`, `required`"],
            ),
            off,
        ]
    );
}

#[test]
fn the_editors_variables_and_questions_are_explained() {
    let text = r#"{
        // what VS Code asks for
        "inputs": [{"type": "promptString", "id": "api-key", "description": "Key of E", "password": true},],
        "servers": {
            "e": {"type": "stdio", "command": "${userHome}/e", "env": {"K": "${input:api-key}", "H": "${env:HOST}", "N": 3}},
            "f": {"command": "f", "args": ["${workspaceFolder}"]},
            "g": {"url": "https://g", "envFile": "/g.env", "dev": {"watch": "x"}, "sandboxEnabled": true},
        },
    }"#;
    assert_eq!(
        found(&vscode::CLIENT, text),
        [
            server(
                "e",
                json!({"command": "${HOME}/e", "env": {"K": "${API_KEY}", "H": "${HOST}", "N": "3"}}),
                &[
                    "the editor asks for `api-key` (Key of E); here it is the variable `API_KEY`, which must be set where Outboard is started"
                ],
            ),
            refused("f", "`${workspaceFolder}` has a value only within the editor"),
            server(
                "g",
                json!({"type": "http", "url": "https://g"}),
                &[
                    "it also gets the variables of /g.env; set them where Outboard is started",
                    "not taken over, for want of a counterpart: `dev`, `sandboxEnabled`",
                ],
            ),
        ]
    );
    let cursor = r#"{"mcpServers": {"c": {"command": "c", "args": ["${env:A}"], "disabled": true}}}"#;
    let mut off = server("c", json!({"command": "c", "args": ["${A}"]}), &[]);
    off.disabled = true;
    assert_eq!(found(&cursor::CLIENT, cursor), [off]);
}

#[test]
fn claude_desktop_has_no_variables() {
    let text = r#"{"mcpServers": {"d": {"command": "d", "env": {"T": "${T}"}}}, "globalShortcut": ""}"#;
    let note = "`${T}` is plain text there and the variable `T` here";
    assert_eq!(
        found(&claude_desktop::CLIENT, text),
        [server("d", json!({"command": "d", "env": {"T": "${T}"}}), &[note])]
    );
}

#[test]
fn geminis_addresses_variables_and_lists_are_read() {
    let text = r#"{
        // comment
        "mcp": {"excluded": ["off"]},
        "mcpServers": {
            "h": {"httpUrl": "https://h/mcp", "headers": {"A": "Bearer $TOK"}, "timeout": 5000},
            "u": {"url": "https://u/mcp", "type": "http"},
            "s": {"url": "https://s/sse", "type": "sse"},
            "off": {"command": "o", "env": {"A": "$A-${B}"}, "trust": true, "includeTools": ["t", "run(safe)"], "excludeTools": ["u"]},
            "odd": {"command": "o", "excludeTools": "u"},
            "never": {"command": "o", "timeout": -5}
        }
    }"#;
    let mut off = server(
        "off",
        json!({"command": "o", "env": {"A": "${A}-${B}"}, "tools": {"allow": ["t", "run"], "deny": ["u"]}}),
        &["not taken over, for want of a counterpart: `trust`"],
    );
    off.disabled = true;
    assert_eq!(
        found(&gemini::CLIENT, text),
        [
            server(
                "h",
                json!({
                    "type": "http", "url": "https://h/mcp", "headers": {"A": "Bearer ${TOK}"}, "timeout": 5,
                }),
                &[]
            ),
            server("u", json!({"type": "http", "url": "https://u/mcp"}), &[]),
            refused("s", draft::SSE),
            off,
            refused("odd", "`excludeTools` must be a list of names"),
            server(
                "never",
                json!({"command": "o"}),
                &["`timeout` is not taken over: -5 is no time for a call"],
            ),
        ]
    );
}

#[test]
fn gooses_extensions_are_servers_unless_they_are_part_of_goose() {
    let text = "GOOSE_MODEL: m\nextensions:\n  developer:\n    bundled: true\n    enabled: true\n    type: builtin\n    name: developer\n  gh:\n    enabled: true\n    type: stdio\n    name: GitHub\n    cmd: npx\n    args:\n    - -y\n    - gh\n    envs: {MODE: fast}\n    env_keys:\n    - GH_TOKEN\n    timeout: 300\n    available_tools: []\n  web:\n    enabled: false\n    type: streamable_http\n    uri: https://w/mcp\n    headers:\n      A: $TOK\n    available_tools: [a, b]\n  old:\n    type: sse\n    uri: https://o/sse\n";
    let entry = json!({"type": "http", "url": "https://w/mcp", "headers": {"A": "${TOK}"}, "tools": {"allow": ["a", "b"]}});
    let mut web = server("web", entry, &[]);
    web.disabled = true;
    assert_eq!(
        found(&goose::CLIENT, text),
        [
            server(
                "gh",
                json!({
                    "command": "npx", "args": ["-y", "gh"], "env": {"MODE": "fast", "GH_TOKEN": "${GH_TOKEN}"},
                    "timeout": 300,
                }),
                &[
                    "goose keeps `GH_TOKEN` in its keyring; here it is the variable `GH_TOKEN`, which must be set where Outboard is started"
                ],
            ),
            web,
            refused("old", draft::SSE),
        ]
    );
}

#[test]
fn opencodes_older_and_newer_form_are_read() {
    let text = r#"{"mcp": {"l": {"type": "local", "command": ["npx", "l"], "environment": {"A": "{env:A}"}, "enabled": true}, "r": {"type": "remote", "url": "https://r", "headers": {"A": "{file:~/k}"}, "oauth": {}}}}"#;
    assert_eq!(
        found(&opencode::CLIENT, text),
        [
            server("l", json!({"command": "npx", "args": ["l"], "env": {"A": "${A}"}}), &[]),
            refused("r", "`{file:~/k}` reads a file, which Outboard does not; put its content in a variable"),
        ]
    );
    let hiding = r#"{"tools": {"l_delete_*": false, "l_get": true, "m*": false, "other": false},
        "mcp": {"l": {"type": "local", "command": ["l"], "timeout": 5000}, "m": {"type": "local", "command": ["m"]}}}"#;
    assert_eq!(
        found(&opencode::CLIENT, hiding),
        [
            server(
                "l",
                json!({"command": "l", "tools": {"deny": ["delete_*"]}}),
                &["not taken over, for want of a counterpart: `timeout`"],
            ),
            server(
                "m",
                json!({"command": "m", "tools": {"deny": ["*"]}}),
                &["the file's `tools` hide all of its tools there, so they are hidden here too"],
            ),
        ]
    );
    let newer =
        r#"{"mcp": {"timeout": 5, "servers": {"l": {"type": "local", "command": ["l"], "disabled": true}}}}"#;
    let mut off = server("l", json!({"command": "l"}), &[]);
    off.disabled = true;
    assert_eq!(found(&opencode::CLIENT, newer), [off]);
}

#[test]
fn each_client_is_found_where_it_keeps_its_file() {
    let mut user = User::new();
    let files = |user: &User| {
        let file = |client: &&'static Client| {
            user.file(client).strip_prefix(user.root.path()).unwrap().display().to_string()
        };
        ALL.iter().map(file).collect::<Vec<_>>()
    };
    let linux = [
        "home/.claude.json",
        "home/.config/Claude/claude_desktop_config.json",
        "home/.codex/config.toml",
        "home/.cursor/mcp.json",
        "home/.config/Code/User/mcp.json",
        "home/.gemini/settings.json",
        "home/.config/goose/config.yaml",
        "home/.config/opencode/opencode.json",
    ];
    assert_eq!(files(&user), linux);
    user.os = Os::Macos;
    let mut macos = linux;
    macos[1] = "home/Library/Application Support/Claude/claude_desktop_config.json";
    macos[4] = "home/Library/Application Support/Code/User/mcp.json";
    assert_eq!(files(&user), macos);
    user.os = Os::Windows;
    let mut windows = linux;
    windows[1] = "home/AppData/Roaming/Claude/claude_desktop_config.json";
    windows[4] = "home/AppData/Roaming/Code/User/mcp.json";
    windows[6] = "home/AppData/Roaming/Block/goose/config/config.yaml";
    assert_eq!(files(&user), windows);

    user.os = Os::Linux;
    for (variable, place) in [
        ("CLAUDE_CONFIG_DIR", "claude"),
        ("CODEX_HOME", "codex"),
        ("XDG_CONFIG_HOME", "xdg"),
        ("GEMINI_CLI_HOME", "gemini"),
        ("OPENCODE_CONFIG_DIR", "opencode"),
    ] {
        let place = user.root.path().join(place).display().to_string();
        user.variables.insert(variable.to_owned(), place);
    }
    let named = [
        "claude/.claude.json",
        "xdg/Claude/claude_desktop_config.json",
        "codex/config.toml",
        "home/.cursor/mcp.json",
        "xdg/Code/User/mcp.json",
        "gemini/.gemini/settings.json",
        "xdg/goose/config.yaml",
        "opencode/opencode.json",
    ];
    assert_eq!(files(&user), named);
    for (variable, place, client, file) in [
        ("VSCODE_PORTABLE", "portable", &vscode::CLIENT, "portable/user-data/User/mcp.json"),
        ("GOOSE_PATH_ROOT", "goose", &goose::CLIENT, "goose/config/config.yaml"),
        ("OPENCODE_CONFIG", "my.json", &opencode::CLIENT, "my.json"),
    ] {
        let place = user.root.path().join(place);
        if variable == "OPENCODE_CONFIG" {
            std::fs::write(&place, "{}").unwrap();
        }
        user.variables.insert(variable.to_owned(), place.display().to_string());
        assert_eq!(user.file(client), user.root.path().join(file));
    }
}

/// Files as clients and people write them.
fn files_of(client: &Client) -> Vec<&'static str> {
    match client.id {
        "codex" => vec![
            "",
            "# only a comment",
            "model = 'm' # why\n\n[mcp_servers.a]\ncommand = \"x\"\n\n\n[profiles.p]\nmodel=\"n\"\n",
            "mcp_servers = { a = { command = \"x\" } }\n",
            "[mcp_servers]\na.command = \"x\"\n[tools]\nweb=true",
            "model = \"m\"\r\n\r\n[mcp_servers.a]\r\ncommand = \"x\"\r\n",
        ],
        "goose" => vec![
            "",
            "# only a comment\n",
            "GOOSE_MODEL: m\nextensions:\n  # built in\n  developer:\n    type: builtin\n    enabled: true\nPROMPT: |\n  extensions:\n    none\n",
            "extensions: {}\n",
            "extensions:\n    a: {type: stdio, cmd: x, args: []} # mine\n\n# end\n",
            "extensions: {a: {type: stdio, cmd: x}}",
            "---\nGOOSE_MODEL: m\r\n",
        ],
        id => {
            let section = match id {
                "vscode" => "servers",
                "opencode" => "mcp",
                _ => "mcpServers",
            };
            let mut files = vec![
                "".to_owned(),
                "\n".to_owned(),
                "{}".to_owned(),
                "\u{feff}{ }\n".to_owned(),
                format!("{{\"{section}\":{{}}}}"),
                format!(
                    "{{\n\t\"z\": [1,  2],\n\n\t\"{section}\": {{\n\n\t\t\"a\": {{ \"type\": \"x\" }}\n\n\t}},\n\t\"y\":\"ü\\u00fc\" }}\n\n"
                ),
                format!("{{\r\n  \"{section}\" : {{ \"a\" : 1 }}\r\n}}\r\n"),
            ];
            if !matches!(id, "claude-code" | "claude-desktop") {
                files.push(format!("// head\n{{\n  /* all */ \"{section}\": {{ // mine\n    \"a\": 1 // one\n    // end\n  }}\n}}\n// tail"));
            }
            if matches!(id, "cursor" | "vscode" | "opencode") {
                files.push(format!(
                    "{{\n  \"{section}\": {{\n    \"a\": 1, // one\n    \"b\": 2,\n  }},\n}}\n"
                ));
            }
            if id == "opencode" {
                files.push("{\"mcp\": {\"servers\": {\"a\": {\"type\": \"local\"}}}}".to_owned());
            }
            files.into_iter().map(|text| &*text.leak()).collect()
        }
    }
}

#[test]
fn taking_back_leaves_every_file_as_it_was_to_the_byte() {
    for client in ALL {
        for text in files_of(client) {
            let user = User::new();
            let file = user.write(client, text);
            user.apply(client, false).unwrap_or_else(|problem| panic!("{client:?}: {problem:?}: {text}"));
            let written = std::fs::read_to_string(&file).unwrap();
            assert_ne!(written, text);
            let again = user.change(client, false).unwrap();
            assert!(matches!(again.outcome, Outcome::Already { .. }), "{client:?}: {written}");
            let servers = user.with(|surroundings| client.found(surroundings)).remove(0).servers.unwrap();
            assert!(
                servers.iter().any(|server| server.name == NAME && server.is_outboard(None)),
                "{written}"
            );
            user.apply(client, true).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "{client:?}");
            assert!(matches!(user.change(client, true).unwrap().outcome, Outcome::Nothing));
        }
    }
}

#[test]
fn what_was_made_goes_and_what_was_there_stays() {
    for client in ALL {
        let user = User::new();
        user.apply(client, false).unwrap();
        assert!(user.file(client).exists());
        user.apply(client, true).unwrap();
        assert_eq!(user.tree(), [] as [PathBuf; 0], "{client:?}");

        // Edited in between, by someone who keeps the file.
        user.apply(client, false).unwrap();
        let file = user.file(client);
        let mine =
            client.syntax.set(&std::fs::read_to_string(&file).unwrap(), &["mine"], &json!("kept")).unwrap();
        std::fs::write(&file, mine).unwrap();
        user.apply(client, true).unwrap();
        let left = std::fs::read_to_string(&file).unwrap();
        assert_eq!(client.syntax.read(&left).unwrap(), json!({"mine": "kept"}), "{client:?}");

        // Edited in between, and nothing of it left.
        std::fs::remove_file(&file).unwrap();
        user.apply(client, false).unwrap();
        let spaced = format!("{}\n", std::fs::read_to_string(&file).unwrap());
        std::fs::write(&file, spaced).unwrap();
        user.apply(client, true).unwrap();
        assert!(!file.exists(), "{client:?}");
    }
}

#[test]
fn only_our_entry_goes_when_the_file_was_edited_in_between() {
    for client in ALL {
        for text in files_of(client) {
            let user = User::new();
            let file = user.write(client, text);
            let before = client.syntax.read(text).unwrap();
            user.apply(client, false).unwrap();
            let path =
                (client.section)(&client.syntax.read(&std::fs::read_to_string(&file).unwrap()).unwrap());
            let added = [path, &["added"]].concat();
            let edited =
                client.syntax.set(&std::fs::read_to_string(&file).unwrap(), &added, &json!({"type": "t"}));
            std::fs::write(&file, edited.unwrap()).unwrap();
            user.apply(client, true).unwrap();
            let mut expected = before;
            let place = added.iter().fold(&mut expected, |value, key| {
                if value.is_null() {
                    *value = json!({});
                }
                &mut value[*key]
            });
            *place = json!({"type": "t"});
            let left = std::fs::read_to_string(&file).unwrap();
            assert_eq!(client.syntax.read(&left).unwrap(), expected, "{client:?}: {text}");
        }
    }
}

#[test]
fn an_entry_of_another_program_or_by_another_name_is_left_alone() {
    let user = User::new();
    let file = user
        .write(&cursor::CLIENT, r#"{"mcpServers": {"outboard": {"command": "other", "args": ["serve"]}}}"#);
    assert!(matches!(user.change(&cursor::CLIENT, false), Err(InstallProblem::Taken { .. })));
    assert!(matches!(user.change(&cursor::CLIENT, true).unwrap().outcome, Outcome::Nothing));
    std::fs::write(&file, r#"{"mcpServers": {"ob": {"command": "outboard", "args": ["serve"]}}}"#).unwrap();
    let change = user.change(&cursor::CLIENT, false).unwrap();
    assert!(matches!(&change.outcome, Outcome::Already { name, off: false } if name == "ob"), "{change:?}");
    assert!(matches!(user.change(&cursor::CLIENT, true), Err(InstallProblem::NotOurs { .. })));
}

#[test]
fn an_entry_that_starts_an_older_place_is_renewed_and_keeps_what_was_added_to_it() {
    let user = User::new();
    let text =
        r#"{"mcpServers": {"outboard": {"command": "/old/outboard", "args": ["serve"], "env": {"A": "b"}}}}"#;
    let file = user.write(&cursor::CLIENT, text);
    user.apply(&cursor::CLIENT, false).unwrap();
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        written["mcpServers"]["outboard"],
        json!({"command": "outboard", "args": ["serve"], "env": {"A": "b"}})
    );
    user.apply(&cursor::CLIENT, true).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn renewing_what_we_wrote_is_taken_back_to_the_beginning() {
    let mut user = User::new();
    let text = "{\n  \"mcpServers\": {\"a\": 1}\n}\n";
    let file = user.write(&cursor::CLIENT, text);
    user.apply(&cursor::CLIENT, false).unwrap();
    user.variables.insert("PATH".to_owned(), String::new());
    user.apply(&cursor::CLIENT, false).unwrap();
    let executable = user.executable().display().to_string();
    assert!(std::fs::read_to_string(&file).unwrap().contains(&executable));
    user.apply(&cursor::CLIENT, true).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_broken_file_is_told_of_by_place_and_never_touched() {
    for client in ALL {
        let (broken, says): (&[&str], _) = match client.syntax {
            Syntax::Toml => (&["[mcp_servers\n", "mcp_servers = 1\n", "[a]\n[a]\n"], "config.toml"),
            Syntax::Yaml => {
                (&["extensions: [\n", "extensions: text\n", "- a\n", "a: 1\na: 2\n---\n"], "config.yaml")
            }
            _ => (
                &[
                    "{\"a\": 1",
                    "[]",
                    "{\"mcpServers\": 1, \"servers\": [], \"mcp\": 1}",
                    "{'a': 1}",
                    "{\"a\" 1}",
                ],
                ".json",
            ),
        };
        for text in broken {
            let user = User::new();
            let file = user.write(client, text);
            let problem = user.apply(client, false).expect_err(text);
            let told = crate::report::chain(&problem);
            assert!(
                told.contains(says) && (told.contains("line ") || told.contains("must be an object")),
                "{told}"
            );
            assert_eq!(std::fs::read_to_string(&file).unwrap(), *text);
        }
        let user = User::new();
        let file = user.file(client);
        std::fs::create_dir_all(&file).unwrap();
        assert!(crate::report::chain(&user.apply(client, false).unwrap_err()).contains("no regular file"));
    }
}

#[test]
fn a_server_that_stands_twice_is_refused_with_its_lines() {
    let reason = "it stands there more than once, in lines 2 and 3";
    for (client, text) in [
        (
            &claude_code::CLIENT,
            "{\"mcpServers\": {\n\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"y\"}}}",
        ),
        (
            &cursor::CLIENT,
            "{\"mcpServers\": { // mine\n\"a\": {\"command\": \"x\"},\n\"a\": {\"command\": \"y\"}}}",
        ),
        (
            &goose::CLIENT,
            "extensions:\n  a: {type: stdio, cmd: x, args: []}\n  a: {type: stdio, cmd: y, args: []}\n",
        ),
    ] {
        let servers = found(client, text);
        assert!(servers.iter().all(|server| *server == refused("a", reason)), "{client:?}: {servers:?}");
        assert!(!servers.is_empty());
    }
    let user = User::new();
    user.write(&cursor::CLIENT, "{\n\"mcpServers\": {},\n\"mcpServers\": {}\n}");
    let problem = user.with(|surroundings| cursor::CLIENT.found(surroundings)).remove(0).servers.unwrap_err();
    let told = crate::report::chain(&problem);
    assert!(told.contains("`mcpServers` stands there more than once, in lines 2 and 3"), "{told}");
}

#[test]
fn what_differs_from_a_server_that_is_there_is_told() {
    let existing = json!({"gh": {"command": "npx", "args": ["gh"], "timeout": 30}});
    let gemini = r#"{"mcpServers": {
        "mine": {"command": "npx", "args": ["gh"], "excludeTools": ["delete"], "timeout": 60000},
        "same": {"command": "npx", "args": ["gh"], "timeout": 30000},
        "new": {"command": "new", "includeTools": ["a"]},
        "again": {"command": "new"}
    }}"#;
    let servers = found(&gemini::CLIENT, gemini);
    let plan = import::plan(&[(&gemini::CLIENT, &servers[..])], existing.as_object().unwrap(), None);
    let verdicts: Vec<import::Verdict> = plan.into_iter().map(|candidate| candidate.verdict).collect();
    let same = |name: &str, differences: &[&str]| import::Verdict::Same {
        name: name.to_owned(),
        differences: differences.iter().map(|text| (*text).to_owned()).collect(),
    };
    assert_eq!(
        verdicts,
        [
            same(
                "gh",
                &["`tools.deny` is [\"delete\"] there and not set here", "`timeout` is 60 there and 30 here"]
            ),
            same("gh", &[]),
            import::Verdict::Add {
                name: "new".to_owned(),
                entry: json!({"command": "new", "tools": {"allow": ["a"]}}),
            },
            same("new", &["`tools.allow` is not set there and [\"a\"] here"]),
        ]
    );
}

#[test]
fn one_unreadable_client_costs_itself() {
    let user = User::new();
    user.write(&cursor::CLIENT, "{");
    user.write(&codex::CLIENT, "[mcp_servers.a]\ncommand = \"x\"\n");
    let found = user.with(servers);
    let facts: Vec<_> =
        found.iter().map(|found| (found.client.id, found.servers.as_ref().ok().map(Vec::len))).collect();
    assert_eq!(facts, [("codex", Some(1)), ("cursor", None)]);
}

#[test]
fn a_client_with_several_files_gets_outboard_once() {
    let user = User::new();
    let folder = user.home().join(".config/opencode");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("opencode.jsonc"), "{} // mine\n").unwrap();
    user.apply(&opencode::CLIENT, false).unwrap();
    std::fs::write(folder.join("opencode.json"), "{}").unwrap();
    assert!(matches!(
        user.change(&opencode::CLIENT, false).unwrap().outcome,
        Outcome::Already { off: false, .. }
    ));
    user.apply(&opencode::CLIENT, true).unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("opencode.jsonc")).unwrap(), "{} // mine\n");
}

#[test]
fn outboard_that_is_switched_off_is_switched_on_or_told_of() {
    let user = User::new();
    let goose = user.write(&goose::CLIENT, "");
    user.apply(&goose::CLIENT, false).unwrap();
    let off = std::fs::read_to_string(&goose).unwrap().replace("enabled: true", "enabled: false");
    std::fs::write(&goose, off).unwrap();
    user.apply(&goose::CLIENT, false).unwrap();
    assert!(std::fs::read_to_string(&goose).unwrap().contains("enabled: true"));

    let text = r#"{"mcp": {"excluded": ["outboard"]}, "mcpServers": {"outboard": {"command": "outboard", "args": ["serve"]}}}"#;
    user.write(&gemini::CLIENT, text);
    let change = user.change(&gemini::CLIENT, false).unwrap();
    assert!(matches!(change.outcome, Outcome::Already { off: true, .. }), "{change:?}");
}
