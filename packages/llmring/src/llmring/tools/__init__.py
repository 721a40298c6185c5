"""Tools that run: Python functions that a model may call, and the loop that calls them.

``await ring.run(request, tools=[function, …])`` asks the model, runs the functions that it calls, and asks again until
it answers.
"""

from llmring.tools._mcp import mcp_tools
from llmring.tools._options import Approve
from llmring.tools._run import Run, RunStream
from llmring.tools._tool import Tool, ToolError, ToolResult, tool

__all__ = ["Approve", "Run", "RunStream", "Tool", "ToolError", "ToolResult", "mcp_tools", "tool"]
