//! The MCP server that the client of a model talks to.
