"""An MCP server with one tool, of the kind that many programs bring."""

from mcp.server import MCPServer

server = MCPServer("weather")


@server.tool()
def weather(city: str) -> str:
    """Look up the weather of a city."""
    return f"{city}: clear, 21 °C"


if __name__ == "__main__":
    server.run()
