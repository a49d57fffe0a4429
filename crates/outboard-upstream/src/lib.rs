//! A tolerant MCP client over stdio and Streamable HTTP.
