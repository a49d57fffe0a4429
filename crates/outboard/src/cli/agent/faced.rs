//! Modes `code` and `workspace`: a model is offered what any MCP client of Outboard gets, over the same protocol, from a face in
//! this process. What that face offers, the workshop says.

use outboard_agent::mcp::McpTools;
use outboard_face::{Face, FaceError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Failure};

/// Bytes on the way between the agent and the face.
const PIPE: usize = 1 << 20;

/// A client of the runtime, as others are.
pub(in crate::cli) struct Faced {
    pub(super) tools: McpTools,
    served: JoinHandle<Result<(), FaceError>>,
    stop: CancellationToken,
}

impl Faced {
    /// Connects to a face, until it is closed: what is in a workspace outlives an interrupt, so that it can be taken out. There
    /// is no person behind the client: whoever is asked sits at this terminal.
    pub(super) async fn open(face: Face) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let ending = stop.clone();
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let (read, write) = tokio::io::split(theirs);
        let served = tokio::spawn(async move { face.serve(read, write, ending).await });
        let (read, write) = tokio::io::split(ours);
        let tools = McpTools::connect(read, write, "outboard agent").await;
        let tools = tools.map_err(Failure::new)?;
        Ok(Self { tools, served, stop })
    }

    /// Ends the connection, and with it the session and its workspace.
    pub(super) async fn close(self) {
        let Self { tools, served, stop } = self;
        tools.close().await;
        // Calls that nobody waits for any more are not given a second.
        stop.cancel();
        match served.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => report::warn(format_args!("could not {error}")),
            Err(error) => report::warn(format_args!("could not go on serving the agent: {error}")),
        }
    }
}
