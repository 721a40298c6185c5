"""The lockfile tools for MCP clients, and other servers' tools for the advisor. Needs the extra ``mcp``."""
