"""The table of commands: names, places and summaries."""

from typing import NamedTuple


class Command(NamedTuple):
    """A command: its name, the function in ``llmring_cli.commands`` that does it, and its line in the list."""

    name: str
    place: str
    summary: str


COMMANDS = (
    Command("--install-completion", "completion:install", "Install completion for the shell."),
    Command("aliases", "aliases:aliases", "List the aliases of a profile."),
    Command("bind", "aliases:bind", "Bind an alias to a model, or to a pool of models."),
    Command("chat", "chat:chat", "Send a message and print the answer, or hold a conversation."),
    Command("doctor", "doctor:doctor", "Show what is configured here and what is missing."),
    Command("embed", "embed:embed", "Print the embeddings of texts as JSON lines."),
    Command("export", "usage:export", "Write the rows of the local usage log for other tools."),
    Command("help", "help:help_", "Explain a topic, or a command."),
    Command("hosts", "hosts:hosts", "List every host that llmring knows, and whether its key is set here."),
    Command("info", "models:info", "Show the known facts about a model or an alias."),
    Command("list", "models:list_models", "List the known models."),
    Command("providers", "models:providers", "List the providers in use, and the settings they lack."),
    Command("scan-models", "scan:scan_models", "Find the names of models in code and configuration."),
    Command("serve", "serve:SERVE", "Serve the aliases to programs that speak a provider's protocol."),
    Command("sim", "sim:sim", "Run a simulated provider until interrupted."),
    Command("stats", "usage:stats", "Summarize the usage and cost of calls."),
    Command("trust", "trust:trust", "Approve the addresses in a .env file or a lockfile."),
    Command("ui", "ui:ui", "Show usage, latency and pools as a page in a browser."),
    Command("unbind", "aliases:unbind", "Remove an alias."),
)
GROUPS = {
    "batch": (
        "Answer the rows of files in bulk, live or through the batch APIs of providers.",
        (
            Command("cancel", "batches:cancel", "Ask providers to end a batch job."),
            Command("export", "journals:export", "Write the outcomes of a bulk job as a table."),
            Command("plan", "bulk:plan", "Estimate the tokens and the cost of a bulk job."),
            Command("poll", "batches:poll", "Show how far a batch job has come."),
            Command("results", "batches:results", "Print the answers of a batch job as JSON lines."),
            Command("retry", "journals:retry", "Have the next run of a bulk job ask failed rows again."),
            Command(
                "run", "bulk:run", "Answer every row of a file, and resume where an earlier run stopped."
            ),
            Command("status", "journals:status", "Show how far a bulk job has come."),
            Command(
                "submit",
                "batches:submit",
                "Submit requests to the batch APIs of OpenAI, Anthropic and Gemini.",
            ),
        ),
    ),
    "cache": (
        "Show and clear the local copy of the registry.",
        (
            Command("clear", "cache:clear", "Delete the cached registry documents."),
            Command("info", "cache:info", "List the cached registry documents."),
        ),
    ),
    "chats": (
        "List, search, show, continue and remove the saved conversations.",
        (
            Command("continue", "chats:continue_", "Continue a saved conversation on the terminal."),
            Command("export", "chats:export", "Write a saved conversation as Markdown or JSON."),
            Command("list", "chats:list_chats", "List the saved conversations, latest change first."),
            Command("rm", "chats:remove", "Remove saved conversations, after a confirmation."),
            Command("search", "chats:search", "Search the saved conversations."),
            Command("show", "chats:show", "Show a saved conversation."),
        ),
    ),
    "files": (
        "List and delete the files that providers keep.",
        (
            Command("list", "files:list_files", "List the files that providers keep for your keys."),
            Command("rm", "files:remove", "Delete files that providers keep."),
        ),
    ),
    "keys": (
        "Keep API keys in the user configuration.",
        (
            Command("list", "keys:list_keys", "List the providers whose keys are kept."),
            Command("path", "keys:path", "Print the path of the file that holds the keys."),
            Command("remove", "keys:remove", "Remove the kept key of a provider."),
            Command("set", "keys:set_key", "Keep the API key of a provider."),
        ),
    ),
    "mcp": (
        "Serve tools to MCP clients.",
        (Command("lockfile", "mcp:lockfile", "Serve the lockfile tools to an MCP client."),),
    ),
    "registry": (
        "Update the known facts about models.",
        (Command("refresh", "cache:refresh", "Fetch the current facts about models from the registry."),),
    ),
    "serve key": (
        "Make and revoke keys for llmring serve.",
        (
            Command("create", "serve:create", "Create a key with its limits, and print it."),
            Command("list", "serve:list_keys", "List the keys with their limits and what they have spent."),
            Command("revoke", "serve:revoke", "Refuse a key from now on."),
        ),
    ),
    "server": (
        "Set up and query a usage server.",
        (
            Command(
                "conversations",
                "server.conversations:conversations",
                "List the conversations stored on the usage server.",
            ),
            Command("init", "server.setup:init", "Set up a usage server."),
            Command("logs", "server.usage:logs", "List the calls stored on the usage server."),
            Command("stats", "server.usage:stats", "Show the statistics of the usage server."),
            Command("status", "server.setup:status", "Show the configured usage server and its state."),
        ),
    ),
    "server key": (
        "Create and rotate keys for a usage server.",
        (
            Command("create", "server.setup:create", "Create a new key."),
            Command("list", "server.setup:list_keys", "List the keys on this machine."),
            Command("rotate", "server.setup:rotate", "Replace the key in the env file with a new one."),
        ),
    ),
    "lock": (
        "Write and check the lockfile.",
        (
            Command(
                "audit",
                "lock.review:audit",
                "Find what has got worse since the models were locked.",
            ),
            Command(
                "bump-registry",
                "lock.update:bump_registry",
                "Pin each profile to the current registry versions.",
            ),
            Command("chat", "lock.chat:chat", "Edit the lockfile in a conversation with an advisor."),
            Command("check", "lock.check:check", "Check the lockfile and what it extends, offline."),
            Command("diff", "lock.diff:diff", "Show what changed in the lockfile, in terms of models."),
            Command("explain", "lock.check:explain", "Explain how a name resolves to models."),
            Command("init", "lock.init:init", "Write a new lockfile with a first set of aliases."),
            Command("migrate", "lock.init:migrate", "Rewrite bindings from before format 1.0."),
            Command("scan", "lock.code:scan", "Compare the aliases in Python code with the lockfile."),
            Command("stubs", "lock.code:stubs", "Write the aliases as a Python type."),
            Command("suggest", "lock.suggest:suggest", "Suggest models that meet requirements."),
            Command(
                "update", "lock.update:update", "Record the current facts about the models in the lockfile."
            ),
            Command("upgrade", "lock.upgrade:upgrade", "Propose successors for outdated models."),
            Command(
                "validate", "lock.review:validate", "Check every model of every pool against the registry."
            ),
        ),
    ),
}
