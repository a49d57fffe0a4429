//! `outboard add` and `add-json`: one more server in the user's or the project's `outboard.json`. Takes what
//! `claude mcp add` and `codex mcp add` take, and says so where an option has no meaning here.

mod openapi;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::{show, variable};
use crate::{
    config::{
        self, Entry, FileKind, Places, editing,
        editing::{Added, Scope},
        secrets,
    },
    report::{self, Failure, USAGE},
};

/// Options of `outboard add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  outboard add github -e 'GITHUB_PERSONAL_ACCESS_TOKEN=${GITHUB_TOKEN}' -- npx -y @modelcontextprotocol/server-github
  outboard add --transport http docs https://example.com/mcp -H 'Authorization: Bearer ${DOCS_TOKEN}'
  outboard add docs --url https://example.com/mcp --bearer-token-env-var DOCS_TOKEN
  outboard add pets --openapi https://example.com/openapi.json --auth 'api_key=${PETS_KEY}'

Single quotes keep ${VAR} from your shell: Outboard reads the variable when it starts.")]
pub(super) struct Add {
    /// The server's name: the namespace of its tools in scripts
    name: String,
    /// The program to start, or the URL to reach
    #[arg(required_unless_present_any = ["url", "openapi"])]
    command_or_url: Option<String>,
    /// The program's arguments; after `--` they may begin with a dash
    args: Vec<String>,
    #[command(flatten)]
    written: Written,
    /// How the server is reached; without it a URL means http
    #[arg(short, long, value_enum, value_name = "TRANSPORT")]
    transport: Option<Transport>,
    /// A variable for the program; once for each, or several after one -e
    #[arg(short, long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// A header for the URL, once for each
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The URL to reach
    #[arg(long, conflicts_with = "command_or_url")]
    url: Option<String>,
    /// The variable that holds the token to send to the URL
    #[arg(long, value_name = "VAR")]
    bearer_token_env_var: Option<String>,
    #[command(flatten)]
    api: openapi::Api,
    #[command(flatten)]
    foreign: Foreign,
}

/// Options of `outboard add-json`.
#[derive(Debug, Args)]
pub(super) struct AddJson {
    /// The server's name: the namespace of its tools in scripts
    name: String,
    /// The entry, as it would stand under `mcpServers`
    json: String,
    #[command(flatten)]
    written: Written,
    #[command(flatten)]
    foreign: Foreign,
}

/// Where and how it is written.
#[derive(Debug, Args)]
struct Written {
    /// Whose file: the user's, or the project's, which does nothing until it is accepted
    #[arg(short, long, value_enum, default_value = "user")]
    scope: AskedScope,
    /// Replace a server of the same name
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long = "json")]
    json_output: bool,
}

/// Options of other programs' `mcp add` that have no meaning here. They are known so that a person is told.
#[derive(Debug, Args)]
struct Foreign {
    #[arg(long, hide = true)]
    client_id: Option<String>,
    #[arg(long, hide = true)]
    client_secret: bool,
    #[arg(long, hide = true)]
    callback_port: Option<String>,
    #[arg(long, hide = true)]
    oauth_client_id: Option<String>,
    #[arg(long, hide = true)]
    oauth_client_secret: Option<String>,
    #[arg(long, hide = true)]
    oauth_client_registration: Option<String>,
    #[arg(long, hide = true)]
    oauth_resource: Option<String>,
    #[arg(short, long, hide = true)]
    config: Vec<String>,
    #[arg(long, hide = true)]
    enable: Vec<String>,
    #[arg(long, hide = true)]
    disable: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    Stdio,
    #[value(alias = "streamable-http")]
    Http,
    Sse,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum AskedScope {
    User,
    Project,
    #[value(hide = true)]
    Local,
}

impl AskedScope {
    pub(super) fn scope(self) -> Result<Scope, Failure> {
        match self {
            Self::User => Ok(Scope::User),
            Self::Project => Ok(Scope::Project),
            Self::Local => Err(Failure::new("Outboard has no servers of one user in one project")
                .hint("--scope user, or --scope project")
                .code(USAGE)),
        }
    }
}

impl Add {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.foreign.refuse()?;
        if self.api.is_given() {
            let entries = self.api.entries(&self.name, &self.headers()?, &self.surplus()).await?;
            return entries.iter().try_for_each(|(name, entry)| self.written.write(name, entry));
        }
        let entry = self.entry()?;
        self.written.write(&self.name, &entry)
    }

    /// What was given that has no meaning for an API.
    fn surplus(&self) -> Vec<&'static str> {
        let given = [
            ("--transport", self.transport.is_some()),
            ("--env", !self.env.is_empty()),
            ("--url", self.url.is_some()),
            ("a command", self.command_or_url.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }

    /// The entry that the arguments say.
    fn entry(&self) -> Result<Value, Failure> {
        let (words, env) = self.words_and_env()?;
        let usage = |what: &str, hint: &str| Err(Failure::new(what).hint(hint).code(USAGE));
        if self.transport == Some(Transport::Sse) {
            return usage(
                "the transport `sse` (of 2024) is not spoken",
                "most such servers also have a Streamable HTTP URL: --transport http",
            );
        }
        let first = words.first().map(String::as_str).unwrap_or_default();
        let is_url = first.starts_with("http://") || first.starts_with("https://");
        let url = match (&self.url, self.transport) {
            (Some(_), Some(Transport::Stdio)) => {
                return usage("--url and --transport stdio contradict each other", "leave one of them out");
            }
            (Some(url), _) => Some(url.as_str()),
            (None, Some(Transport::Http)) if !is_url && !first.starts_with("${") => {
                return usage(
                    &format!("`{first}` is no URL"),
                    "it must begin with http:// or https://; -H takes one header, -e one variable",
                );
            }
            (None, Some(Transport::Http)) => Some(first),
            (None, None) if is_url => Some(first),
            (None, Some(Transport::Stdio)) if is_url => {
                return usage(
                    &format!("`{first}` is a URL, and --transport stdio starts programs"),
                    "leave --transport out, or say --transport http",
                );
            }
            (None, _) => None,
        };
        let Some(url) = url else {
            if !self.header.is_empty() || self.bearer_token_env_var.is_some() {
                return usage(
                    "headers and tokens are for URLs, not for programs",
                    "use -e for a program's variables",
                );
            }
            let mut entry = json!({"command": first, "args": words.get(1..).unwrap_or_default()});
            if !env.is_empty() {
                entry["env"] = Value::Object(env);
            }
            return Ok(entry);
        };
        if words.len() > usize::from(self.url.is_none()) {
            return usage("a URL takes no arguments", "write -H before each header");
        }
        if !env.is_empty() {
            return usage(
                "variables are for programs, not for URLs",
                "use -H for headers: -H 'Name: ${VAR}'",
            );
        }
        let headers = self.headers()?;
        let mut entry = json!({"type": "http", "url": url});
        if !headers.is_empty() {
            entry["headers"] = Value::Object(headers);
        }
        Ok(entry)
    }

    /// The command with its arguments, and the variables: `-e` of `claude mcp add` takes several values.
    fn words_and_env(&self) -> Result<(Vec<String>, Map<String, Value>), Failure> {
        let words: Vec<String> = self.command_or_url.iter().chain(&self.args).cloned().collect();
        let more =
            if self.env.is_empty() { 0 } else { words.iter().take_while(|word| is_assignment(word)).count() };
        let mut env = Map::new();
        for pair in self.env.iter().chain(&words[..more]) {
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                return Err(Failure::new(format_args!("`{pair}` is no NAME=VALUE"))
                    .hint(format_args!("to hand on a variable of yours: -e '{pair}=${{{pair}}}'"))
                    .code(USAGE));
            };
            env.insert(name.to_owned(), Value::from(value));
        }
        if more == words.len() && self.url.is_none() {
            return Err(Failure::new("the command is missing")
                .hint("outboard add NAME -e A=B -- COMMAND ARGUMENTS…")
                .code(USAGE));
        }
        Ok((words[more..].to_vec(), env))
    }

    fn headers(&self) -> Result<Map<String, Value>, Failure> {
        let mut headers = Map::new();
        for header in &self.header {
            let Some((name, value)) = header.split_once(':').filter(|(name, _)| !name.trim().is_empty())
            else {
                return Err(Failure::new("a header must be `Name: value`")
                    .hint("-H 'X-Team: blue'")
                    .code(USAGE));
            };
            headers.insert(name.trim().to_owned(), Value::from(value.trim()));
        }
        if let Some(variable) = &self.bearer_token_env_var {
            headers.insert("Authorization".to_owned(), Value::from(format!("Bearer ${{{variable}}}")));
        }
        Ok(headers)
    }
}

impl AddJson {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.foreign.refuse()?;
        let entry: Value = serde_json::from_str(&self.json).map_err(|error| {
            Failure::new(format_args!("the entry is no JSON: {error}"))
                .hint("quote it for your shell: outboard add-json NAME '{\"command\": \"…\"}'")
                .code(USAGE)
        })?;
        self.written.write(&self.name, &entry)
    }
}

impl Written {
    fn write(&self, name: &str, entry: &Value) -> Result<(), Failure> {
        let usage = |what: String| Failure::new(what).code(USAGE);
        config::valid_name(name).map_err(|what| {
            usage(format!("the name `{}` {what}", show::escaped(name)))
                .hint("it becomes the namespace of the server's tools in scripts, for example `github`")
        })?;
        let parsed = Entry::parse(entry, FileKind::User)
            .map_err(|wrong| usage(format!("the entry: {wrong}")).hint(&wrong.hint))?;
        let executable = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        if parsed.is_outboard(executable.as_deref()) {
            return Err(usage("that is Outboard itself, which Outboard does not start".to_owned())
                .hint("to put Outboard into a client: outboard install CLIENT"));
        }
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let directory = std::env::current_dir().map_err(|error| Failure::could_not(&error))?;
        let scope = self.scope.scope()?;
        let added = editing::add(&places, &directory, scope, name, entry, self.force)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        self.tell(name, entry, &parsed, &added, scope);
        Ok(())
    }

    fn tell(&self, name: &str, entry: &Value, parsed: &Entry, added: &Added, scope: Scope) {
        let masked = secrets::masked(entry);
        let literals = secrets::literals(entry);
        let doubt = parsed.usage.doubt();
        if self.json_output {
            report::line(json!({
                "name": name, "file": added.file, "scope": scope.name(), "entry": masked,
                "replaced": added.replaced, "literalSecrets": literals, "needsTrust": scope == Scope::Project,
                "doubt": doubt.map(|(what, hint)| format!("{what}; {hint}")),
                "unusable": added.unusable.as_ref().map(|problem| report::chain(problem)),
            }));
            return;
        }
        let done = if added.replaced { "replaced in" } else { "added to" };
        report::line(format_args!("`{}` {done} {}", show::escaped(name), added.file.display()));
        if let Ok(entry) = Entry::parse(&masked, FileKind::User) {
            show::entry(name, &entry);
        }
        if let Some((what, hint)) = doubt {
            report::warn(what);
            report::hint(hint);
        }
        if let Some(problem) = &added.unusable {
            report::warn("the file has the server now, and yet cannot be used:");
            report::warn_of(problem);
        }
        if !literals.is_empty() {
            report::hint(format_args!(
                "{} now stands in the file as it is; with ${{VAR}} in single quotes it would stay in a variable",
                literals.join(", ")
            ));
        }
        if let config::Transport::OpenApi(api) = &parsed.transport
            && api.logins().next().is_some()
        {
            report::hint(format_args!("a person signs in to it: outboard login {}", show::quoted(name)));
        }
        if scope == Scope::User && !parsed.usage.terms.trusted {
            report::hint(format_args!(
                "its calls ask until you have seen what it declares: outboard accept {}",
                show::quoted(name)
            ));
        }
        if scope == Scope::Project {
            report::hint(
                "a project's file does nothing until a person has accepted it as it is: outboard trust",
            );
        }
    }
}

impl Foreign {
    fn refuse(&self) -> Result<(), Failure> {
        let oauth = [
            ("--client-id", self.client_id.is_some()),
            ("--client-secret", self.client_secret),
            ("--callback-port", self.callback_port.is_some()),
            ("--oauth-client-id", self.oauth_client_id.is_some()),
            ("--oauth-client-secret", self.oauth_client_secret.is_some()),
            ("--oauth-client-registration", self.oauth_client_registration.is_some()),
            ("--oauth-resource", self.oauth_resource.is_some()),
        ];
        let codex = [
            ("--config", !self.config.is_empty()),
            ("--enable", !self.enable.is_empty()),
            ("--disable", !self.disable.is_empty()),
        ];
        let given = |options: &[(&'static str, bool)]| {
            options.iter().find(|(_, given)| *given).map(|(name, _)| *name)
        };
        if let Some(option) = given(&oauth) {
            return Err(Failure::new(format_args!("{option}: Outboard does not sign in by OAuth yet"))
                .hint("send a token of yours: -H 'Authorization: Bearer ${TOKEN}'")
                .code(USAGE));
        }
        if let Some(option) = given(&codex) {
            return Err(Failure::new(format_args!("{option} sets up Codex and has no meaning here"))
                .hint("leave it out")
                .code(USAGE));
        }
        Ok(())
    }
}

/// Whether a word is NAME=VALUE with a name that a variable may have.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}
