"""The import path of MCP in llmring 1.4: :func:`llmring.tools.mcp_tools` for new code."""
