"""The suite of the newest protocol, 2026-07-28, driven by the `mcp` package of version 2."""
