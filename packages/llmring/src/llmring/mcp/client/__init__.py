"""Clients of MCP servers in the form of llmring 1.4, through the official SDK (extra ``mcp``).

New code uses :func:`llmring.tools.mcp_tools` with :meth:`LLMRing.run`, or the SDK's own ``mcp.Client``.
"""

from llmring.mcp.client.enhanced_llm import EnhancedLLM, create_enhanced_llm
from llmring.mcp.client.mcp_client import AsyncMCPClient, MCPClient

__all__ = ["AsyncMCPClient", "EnhancedLLM", "MCPClient", "create_enhanced_llm"]
