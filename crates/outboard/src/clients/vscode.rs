//! VS Code: `servers` in the user's `mcp.json`, JSON with comments. Texts may hold an editor's variables and
//! `${input:…}`, for which it asks. A project's `.vscode/mcp.json` is not read: it is the project's, not the user's.
// Form: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration; the user's folder:
// https://code.visualstudio.com/docs/configure/settings#_user-settingsjson-location; VSCODE_PORTABLE:
// https://code.visualstudio.com/docs/editor/portable

use std::path::Path;

use serde_json::{Value, json};

use super::{Client, Program, cursor, members};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "vscode",
    title: "VS Code",
    syntax: Syntax::Jsonc,
    files: |surroundings| {
        let folder = match surroundings.named("VSCODE_PORTABLE") {
            Some(portable) => portable.join("user-data"),
            None => surroundings.applications().join("Code"),
        };
        vec![folder.join("User").join("mcp.json")]
    },
    section: |_| &["servers"],
    entry: |program| {
        let mut entry = json!({"type": "stdio", "command": program.command, "args": Program::args()});
        if !program.env.is_empty() {
            entry["env"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| {
        members(value, &["servers"])
            .map(|(name, entry)| {
                let mut server = cursor::server(name, entry);
                for note in &mut server.notes {
                    describe(note, value);
                }
                server
            })
            .collect()
    },
    removal: |name, _, file: &Path| format!("delete `{name}` under `servers` in {}", file.display()),
    afterwards: "VS Code asks whether to trust it when it is first used",
    variables: None,
    needs_absolute: false,
};

/// Adds to a note about a question of the editor what the question says.
fn describe(note: &mut String, file: &Value) {
    for input in file.get("inputs").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        if let (Some(id), Some(description)) = (text("id"), text("description"))
            && note.contains(&format!("asks for `{id}`;"))
        {
            *note = note.replacen(';', &format!(" ({description});"), 1);
        }
    }
}
