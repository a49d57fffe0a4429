//! What these tests share: the binary, the fixture as an upstream, and a session between them.

use outboard_testkit::{
    client::{Client, Home},
    fixture_path,
};
use serde_json::{Map, Value, json};

/// The built program.
pub(crate) const OUTBOARD: &str = env!("CARGO_BIN_EXE_outboard");

/// An `mcpServers` entry that starts the fixture with these switches.
pub(crate) fn fixture(switches: &[&str]) -> Value {
    json!({"command": fixture_path(), "args": switches})
}

/// A user with this configuration, and a connected client.
pub(crate) struct Session {
    pub(crate) home: Home,
    pub(crate) client: Client,
}

impl Session {
    /// One upstream `fix` with these switches.
    pub(crate) fn with(switches: &[&str]) -> Self {
        Self::of(&[("fix", fixture(switches))], json!({}))
    }

    /// These upstreams and settings.
    pub(crate) fn of(upstreams: &[(&str, Value)], settings: Value) -> Self {
        let home = Home::new();
        let servers: Map<String, Value> =
            upstreams.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
        let mut configuration = settings;
        configuration["mcpServers"] = Value::Object(servers);
        home.configure(&configuration);
        let client = Client::connect(home.command(OUTBOARD, &["serve"]));
        Self { home, client }
    }

    /// A further client of the same user.
    pub(crate) fn again(&self) -> Client {
        Client::connect(self.home.command(OUTBOARD, &["serve"]))
    }

    /// Runs a script that must succeed and whose result is JSON.
    pub(crate) fn value(&mut self, code: &str) -> Value {
        let text = self.client.execute(code);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }
}
