"""The languages of source files, and the strings and values of code in one of them, by the tokens of Pygments."""

import re
import time
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from pygments.lexers import get_all_lexers, get_lexer_by_name
from pygments.token import Comment, String, Token

_LANGUAGES = {
    ".bash .sh .zsh .envrc": "bash",
    ".c .h": "c",
    ".cc .cpp .cxx .hpp": "cpp",
    ".cfg .ini .conf": "ini",
    ".clj .cljs .edn": "clojure",
    ".cs": "csharp",
    ".dart": "dart",
    ".ex .exs": "elixir",
    ".fish": "fish",
    ".go": "go",
    ".gradle .groovy": "groovy",
    ".hs": "haskell",
    ".htm .html .svelte .vue": "html",
    ".java": "java",
    ".jl": "julia",
    ".js .cjs .mjs": "javascript",
    ".json .json5 .jsonc .jsonl .ndjson": "json",
    ".jsx .tsx": "tsx",
    ".kt .kts": "kotlin",
    ".lua": "lua",
    ".m .mm": "objective-c",
    ".nix": "nix",
    ".php": "php",
    ".pl .pm": "perl",
    ".properties": "properties",
    ".ps1": "powershell",
    ".proto": "protobuf",
    ".py .pyi .pyw": "python",
    ".r .R": "r",
    ".rb .rake": "ruby",
    ".rs": "rust",
    ".scala": "scala",
    ".sql": "sql",
    ".swift": "swift",
    ".tf .tfvars .hcl": "terraform",
    ".toml": "toml",
    ".ts .cts .mts": "typescript",
    ".xml .config .csproj .plist": "xml",
    ".yaml .yml": "yaml",
    ".zig": "zig",
}
_BY_SUFFIX = {suffix: name for suffixes, name in _LANGUAGES.items() for suffix in suffixes.split()}
_BY_NAME = (
    ("*.env", "bash"),
    (".env*", "bash"),
    ("*Dockerfile*", "docker"),
    ("Makefile", "make"),
    ("Gemfile", "ruby"),
    ("Rakefile", "ruby"),
    ("Pipfile", "toml"),
)
_BY_PROGRAM = (
    ("python", "python"),
    ("node", "javascript"),
    ("ruby", "ruby"),
    ("perl", "perl"),
    ("sh", "bash"),
)
_OF_WORDS = frozenset({"bash", "console", "docker", "fish", "ini", "make", "properties", "yaml"})
"""Languages in which a value needs no quotes."""
_WORD = re.compile(r"[^\s\"'`=,;(){}<>|&\[\]]+")
_QUOTES = frozenset("\"'`")
_QUOTED = re.compile(
    r"""[@$A-Za-z]{0,2}(?P<hashes>\#*)(?P<quote>\"{3}|'{3}|`{2}|["'`])(?P<text>.*)(?P=quote)(?P=hashes)""",
    re.DOTALL,
)
_LONGEST_NAME = 400
_LONGEST_LINE = 5000
_LONG_LINE = re.compile(rf"[^\n]{{{_LONGEST_LINE + 1}}}")
_SECONDS, _SECONDS_PER_MIB = 1.0, 20.0
"""Of the processor, for one file: ten times what lexers take for code that somebody wrote."""


def language_of(path: Path, text: str) -> str | None:
    """Return the name of a file's language, by the file's name, else by the program that its first line names."""
    found = _BY_SUFFIX.get(path.suffix) or _BY_SUFFIX.get(path.suffix.lower())
    found = found or next((name for form, name in _BY_NAME if fnmatch(path.name, form)), None)
    if found is None and text.startswith("#!"):
        first = text.partition("\n")[0]
        found = next((name for program, name in _BY_PROGRAM if program in first), None)
    return found


class TooCostlyError(Exception):
    """A text that would take too long to split."""


def split_code(text: str, language: str) -> Iterator[tuple[int, str]]:
    """Yield the strings and values of code with their places; none of a language that Pygments does not know.

    Raises:
        TooCostlyError: some rules of lexers take quadratic time, and the text may have been made for them.
    """
    if language not in _known_languages():  # the word after a fence may be anything
        return
    if language != "json" and _LONG_LINE.search(text):
        raise TooCostlyError(f"has a line of more than {_LONGEST_LINE:,} characters")
    lexer = get_lexer_by_name(language)
    if not text.endswith("\n"):
        text += "\n"  # many rules of lexers end with a line
    words = lexer.aliases[0] in _OF_WORDS
    tokens = _in_time(lexer.get_tokens_unprocessed(text), len(text))
    for start, content, is_string in _runs(tokens, words=words):
        if is_string:
            yield _unquoted(start, content)
        else:
            yield from ((start + word.start(), word[0]) for word in _WORD.finditer(content))


def _in_time(tokens: Iterable[tuple[int, Any, str]], size: int) -> Iterator[tuple[int, Any, str]]:
    limit = _SECONDS + _SECONDS_PER_MIB * size / 2**20
    began = time.thread_time()
    for token in tokens:
        if time.thread_time() - began > limit:
            raise TooCostlyError(f"takes more than {limit:.0f} s to split")
        yield token


@cache
def _known_languages() -> frozenset[str]:
    """The names of Pygments' own lexers: those of other packages are not loaded for a stranger's file."""
    return frozenset(alias for _, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases)


def _runs(tokens: Iterable[tuple[int, Any, str]], *, words: bool) -> Iterator[tuple[int, str, bool]]:
    """Join tokens to whole strings, and to stretches of words; strings with anything computed in them are left out."""
    start, run, kind, computed = 0, "", "", False
    for index, token, value in tokens:
        now = _kind(token, value, words=words)
        if now == kind and index == start + len(run) and not (now == "string" and _ends_before(run, value)):
            run += value
            continue
        if kind and kind != "computed" and not (computed or (now == "computed" and kind == "string")):
            yield start, run, kind == "string"
        computed = now == "string" and kind == "computed"
        start, run, kind = index, value, now
    if kind and kind != "computed" and not computed:
        yield start, run, kind == "string"


def _kind(token: Any, value: str, *, words: bool) -> str:
    if token in Comment or token in String.Doc:
        return ""
    if token in String.Interpol:
        return "computed"
    if token in String or (token in Token.Name.Tag and value[:1] == '"'):
        return "string"
    return "word" if words else ""


def _ends_before(run: str, value: str) -> bool:
    """Return whether a string is whole, and the next token begins another one."""
    return value[:1] in _QUOTES and len(run) <= _LONGEST_NAME and run.strip("\"'`") != "" and _is_whole(run)


def _is_whole(run: str) -> bool:
    return _QUOTED.fullmatch(run) is not None


def _unquoted(start: int, run: str) -> tuple[int, str]:
    found = _QUOTED.fullmatch(run)
    return (start, run) if found is None else (start + found.start("text"), found["text"])
