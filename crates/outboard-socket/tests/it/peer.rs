//! A program at the socket that says whatever a test wants.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

/// How long a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Peer(pub(crate) UnixStream);

impl Peer {
    pub(crate) async fn connect(path: &Path) -> Self {
        Self(UnixStream::connect(path).await.unwrap())
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.say_bytes(message.to_string().as_bytes()).await;
    }

    pub(crate) async fn say_bytes(&mut self, body: &[u8]) {
        let length = u32::try_from(body.len()).unwrap();
        self.0.write_all(&[&length.to_be_bytes(), body].concat()).await.unwrap();
    }

    pub(crate) async fn call(&mut self, id: u64, tool: &str, arguments: &Value) {
        let call = json!({"id": id, "namespace": "box", "tool": tool, "arguments": arguments});
        self.say(&json!({ "call": call })).await;
    }

    /// What is said next; nothing if the other side hung up.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        let heard = async {
            let mut head = [0; 4];
            self.0.read_exact(&mut head).await.ok()?;
            let mut body = vec![0; u32::from_be_bytes(head) as usize];
            self.0.read_exact(&mut body).await.ok()?;
            Some(serde_json::from_slice(&body).unwrap())
        };
        tokio::time::timeout(PATIENCE, heard).await.unwrap()
    }
}
