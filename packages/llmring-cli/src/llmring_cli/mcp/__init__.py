"""The lockfile tools for MCP clients, and other servers' tools for the advisor. Needs the extra ``mcp``."""

TOKEN_VARIABLE = "LLMRING_MCP_TOKEN"  # noqa: S105 - a name
"""Environment variable with the token of an MCP server over HTTP, read by the server and by ``lock chat``."""
