//! The demo's upstream: a real MCP server over stdio with `get_total_pages` and `get_data_chunk`.
//!
//! Built on the official SDK's server, so that clients meet what they meet elsewhere. It keeps no
//! state and reads nothing from its surroundings.

mod spaced;

use std::{path::PathBuf, time::Duration};

use rmcp::{
    Json, ServerHandler, ServiceExt,
    handler::server::{common::schema_for_output, wrapper::Parameters},
    model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig},
    tool, tool_handler, tool_router,
    transport::stdio,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{self, DataChunk, TOTAL_PAGES};

const TOTAL_PAGES_LATENCY: Duration = Duration::from_millis(100);
const DATA_CHUNK_LATENCY: Duration = Duration::from_millis(200);

/// How the demo's upstream behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamOptions {
    /// Waits 100 ms before answering `get_total_pages` and 200 ms before `get_data_chunk`, as a
    /// service behind a network would. Calls wait side by side, not in line.
    pub latency: bool,
}

/// An upstream of the demo could not serve.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The client's opening was not MCP, or it left before it had finished.
    #[error("open the MCP connection on stdin and stdout")]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The serving task was lost.
    #[error("serve the MCP connection to its end")]
    Serve(#[source] tokio::task::JoinError),
    /// What is received cannot be written down.
    #[error("write what is received to {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Serves MCP on stdin and stdout until the client closes its end.
pub async fn serve(options: UpstreamOptions) -> Result<(), UpstreamError> {
    serve_on(options, stdio()).await
}

/// Serves MCP on any pair of byte streams, for tests without a process.
pub(crate) async fn serve_on<R, W>(options: UpstreamOptions, streams: (R, W)) -> Result<(), UpstreamError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let service =
        DataTools { options }.serve(streams).await.map_err(|error| UpstreamError::Open(Box::new(error)))?;
    service.waiting().await.map_err(UpstreamError::Serve)?;
    Ok(())
}

#[derive(Clone)]
struct DataTools {
    options: UpstreamOptions,
}

#[derive(Serialize, JsonSchema)]
struct TotalPages {
    // MCP before 2026-07-28 knows objects alone, so a bare number travels in the usual wrapper.
    result: u32,
}

#[derive(Deserialize, JsonSchema)]
struct PageRequest {
    page: i64,
}

#[tool_router]
impl DataTools {
    #[tool(
        description = "Number of data pages.",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_total_pages(&self) -> Json<TotalPages> {
        self.wait(TOTAL_PAGES_LATENCY).await;
        Json(TotalPages { result: TOTAL_PAGES })
    }

    #[tool(
        description = "One page of user activity records.",
        output_schema = schema_for_output::<DataChunk>(),
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_data_chunk(
        &self,
        Parameters(PageRequest { page }): Parameters<PageRequest>,
    ) -> Result<CallToolResult, String> {
        self.wait(DATA_CHUNK_LATENCY).await;
        let chunk =
            data::chunk(page).ok_or_else(|| format!("no page {page}: pages are 1 to {TOTAL_PAGES}"))?;
        let value = serde_json::to_value(&chunk).map_err(|error| error.to_string())?;
        let text = spaced::to_string(&value).map_err(|error| error.to_string())?;
        let mut result = CallToolResult::structured(value);
        result.content = vec![ContentBlock::text(text)];
        Ok(result)
    }

    async fn wait(&self, latency: Duration) {
        if self.options.latency {
            tokio::time::sleep(latency).await;
        }
    }
}

#[tool_handler]
impl ServerHandler for DataTools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("outboard-demo", env!("CARGO_PKG_VERSION")))
    }
}

#[cfg(test)]
mod tests;
