"""Recognize the names of models: those of vendors, of hosts, of clouds and of other libraries.

A literal is a name only as a whole. Names that could be anything else (``o1``, ``sonar``, ``llama3``) need evidence: a
key or an option before them says that the value is a model.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from llmring_types.hosts import HOSTS

_LONGEST = 200
_NEEDLES: Final = re.compile(
    r"gpt|claude|gemini|davinci|babbage|text-embedding|dall-e|whisper-|\bo[134]\b|o[134]-|codex|llama|mi[sx]tral|codestral"
    r"|magistral|ministral|pixtral|devstral|qwen|qwq|gemma|phi-?[34]|deepseek|grok|command-|kimi|moonshot|glm-|minimax"
    r"|nova-|titan-|jamba|sonar|nemotron|hermes|granite|starcoder|yi-|vicuna|embed-|rerank-|voyage-|imagen-|veo-",
    re.IGNORECASE,
)
"""A part of every name: files without any of these need no lexer."""

_FAMILIES: Mapping[str, str] = {
    "openai": (
        r"(?:ft:)?gpt-(?:[3-9]|1\d)(?:\.\d+)?[\w.-]*(?::[\w:.-]+)?|gpt-(?:oss|audio|realtime|image|4o)[\w.-]*|chatgpt-[\w.-]+"
        r"|o[134](?:-(?:mini|pro|preview|deep-research))?(?:-20\d\d-\d\d-\d\d)?|o[34]-mini-[\w.-]+"
        r"|text-(?:davinci|curie|babbage|ada)-\d{3}|(?:davinci|babbage)-002|code-davinci-\d{3}|codex-mini-latest"
        r"|text-embedding-(?:3-(?:small|large)|ada-002)|dall-e-[23]|whisper-1|tts-1(?:-hd)?|computer-use-preview[\w.-]*"
    ),
    "anthropic": r"claude-(?:instant|\d|opus|sonnet|haiku|fable|mythos)[\w.-]*|claude-v[\d.]+",
    "google": (
        r"gemini-(?:\d|pro|ultra|flash|exp|live|embedding|robotics)[\w.-]*|text-embedding-00\d|(?:text|chat)-bison[\w@-]*"
        r"|imagen-\d[\w.-]*|veo-\d[\w.-]*"
    ),
    "mistral": (
        r"(?:open-)?(?:mistral|mixtral|codestral|pixtral|ministral|magistral|devstral)-(?:[\w.]*-)*(?:latest|\d{4}|\d+x?\d*b)"
        r"|mistral-(?:tiny|small|medium|large)"
    ),
    "deepseek": r"deepseek-(?:chat|reasoner|coder|v\d[\w.-]*)",
    "xai": r"grok-(?:\d|beta|code|vision)[\w.-]*",
    "cohere": r"command-(?:r|a|light|nightly)[\w.+-]*|(?:embed|rerank)-(?:english|multilingual|v\d)[\w.-]*",
    "moonshot": r"kimi-(?:k\d|latest|thinking)[\w.-]*|moonshot-v1-[\w.-]+",
    "zai": r"glm-\d[\w.-]*",
    "alibaba": r"qwen-(?:max|plus|turbo|long|vl)[\w.-]*",
    "groq": r"llama-?3[\w.]*-\d+b-[\w-]+",
    "perplexity": r"sonar(?:-(?:pro|reasoning|reasoning-pro|deep-research))?",
    "voyage": r"voyage-(?:\d|code|law|finance|large|multilingual)[\w.-]*",
}
_VENDORS = {vendor: re.compile(form) for vendor, form in _FAMILIES.items()}
_OLLAMA = re.compile(
    r"(?:library/)?(?:code)?(?:llama|mistral|mixtral|qwen|qwq|gemma|phi|deepseek|starcoder|granite|vicuna|nemotron|hermes|yi"
    r"|command-r|gpt-oss|dolphin|smollm|tinyllama)[\w.-]*:(?:\d+(?:\.\d+)?[bm]|latest|e\d+b)[\w.-]*"
)
_UNTAGGED = re.compile(r"(?:code)?(?:llama|qwen|gemma|phi)-?\d[\w.]*|mi[sx]tral|tinyllama|deepseek-r1|qwq")
_DOUBTFUL = re.compile(r"o[134]|sonar|(?:davinci|babbage)-002|whisper-1|tts-1|claude-v[\d.]+|grok-beta")
"""Names that are other things elsewhere."""

_FILE = re.compile(r"\.[a-z]{2,5}$")
_BEDROCK = re.compile(
    r"(?:arn:aws[\w-]*:bedrock:[\w-]*:\d*:(?:foundation-model|inference-profile)/)?"
    r"(?:(?:us|eu|apac|ap|jp|au|ca|sa|global|us-gov)\.)?"
    r"(?P<vendor>anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|stability|writer)"
    r"\.(?P<model>[a-z][\w.-]*?)(?P<version>-v\d+(?::\d+)?|-\d+:\d+|:\d+)(?::\d+k)?"
)
"""https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html and its inference profiles."""
_VERTEX_CLAUDE = re.compile(r"(?P<model>claude-[\w.-]+?)(?:-v\d)?@(?P<date>20\d{6}|latest|default)")
"""https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude"""
_VERTEX_PATH = re.compile(
    r"(?:projects/[^/]+/locations/[^/]+/)?publishers/(?P<vendor>google|anthropic)/models/(?P<model>[\w.@-]+)"
)
_IN_URL = re.compile(
    r"/(?:models|deployments|model)/(?P<model>[\w.@:%-]+?)(?=[/?\"']|:\w*[gG]enerate|:\w*[pP]redict|$)"
)
_IN_JSON = re.compile(r"\\?[\"']model\\?[\"']\s*:\s*\\?[\"'](?P<model>[\w.@:/-]+)\\?[\"']")

_SPELLINGS: Mapping[str, str] = {
    "amazon": "bedrock",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock_converse": "bedrock",
    "claude": "anthropic",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google-genai": "google",
    "google-gla": "google",
    "google-vertex": "vertex",
    "google_genai": "google",
    "google_vertexai": "vertex",
    "grok": "xai",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "ollama_chat": "ollama",
    "togetherai": "together",
    "together_ai": "together",
    "vertex_ai": "vertex",
    "x-ai": "xai",
    "z-ai": "zai",
}
"""The names that LiteLLM, LangChain, Pydantic AI and OpenRouter give to hosts, by ours.

https://docs.litellm.ai/docs/providers, https://ai.pydantic.dev/models/overview/, https://openrouter.ai/models
"""
_WITH_HOST = re.compile(r"([A-Za-z0-9_.-]+)([:/])(.+)")
_PLAIN = re.compile(r"[\w.@:/+-]+")
_CLOUD_OF = {"bedrock", "vertex", "vertex-anthropic", "azure", "azure-deployments", "openrouter"}
_EVIDENCE = re.compile(r"model|engine|deployment|\bllm", re.IGNORECASE)
_DEPLOYMENT = re.compile(r"deployment|azure", re.IGNORECASE)
_SAYS_NOTHING = frozenset({"default", "fallback", "value", "name", "id", "get", "getenv", "environ"})
_ANNOTATION = re.compile(r":\s*[&\w.\[\]| <>?]+=(?![=>])")
_OPENING = re.compile(r"(?:\b[rRbBfFuU]{1,2}|[@$]+)?\\?[\"'`]+$")
_LAST_KEY = re.compile(r"([A-Za-z_][\w-]*)[\"'`]?\]?\s*(?:=>|:=|<-|\?\?=|\|\|=|[=:(\[{])")
_OPTION = re.compile(r"--?([\w-]+)[\"']?,?=?$")
_ARGUMENT = re.compile(r"[\"'`]([\w-]+)[\"'`]\s*[)\]]*\s*(?:,|\|\||\?\?|\bor\b)?$")


class ModelName(msgspec.Struct, frozen=True):
    """A recognized name.

    Attributes:
        host: the provider, cloud or router that is asked for it, in llmring's own spelling.
        vendor: the company whose model it is, as a provider of llmring; the host where nobody else is known.
        model: the name without whatever belongs to the host.
    """

    host: str
    vendor: str
    model: str


def may_name_models(text: str) -> bool:
    """Return whether a text has anything like a name in it."""
    return _NEEDLES.search(text) is not None


def names_in(text: str, before: str) -> Iterator[tuple[int, str, ModelName]]:
    """Yield the names in a literal, each with its place in it and as it is written.

    That is the whole literal; or a part of a URL or of a JSON text; or, for the name of an Azure deployment, the model
    that the deployment is called after.

    Args:
        text: the literal.
        before: the code that says what it is for.
    """
    stripped = text.strip()
    if stripped and len(stripped) <= _LONGEST:
        found = recognize(stripped, is_model=_is_model(before), is_deployment=_is_deployment(before))
        if found is not None:
            yield text.index(stripped), stripped, found
            return
    for pattern in (_IN_JSON, *((_IN_URL,) if "://" in text or text.startswith("/") else ())):
        for part in pattern.finditer(text):
            found = recognize(part["model"], is_model=True, is_deployment="/deployments/" in part[0])
            if found is not None:
                yield part.start("model"), part["model"], found


def recognize(text: str, *, is_model: bool = False, is_deployment: bool = False) -> ModelName | None:
    """Return what a text names, ``None`` if it is no model's name.

    Args:
        text: without spaces around it.
        is_model: the code says that it is a model.
        is_deployment: the code says that it is a deployment of Azure.
    """
    found = _of_cloud(text) or _of_host(text, is_model=is_model)
    if found is None and (is_model or not _DOUBTFUL.fullmatch(text)):
        found = _of_vendor(text)
    if found is None and (_OLLAMA.fullmatch(text) or (is_model and _UNTAGGED.fullmatch(text))):
        found = ModelName("ollama", "ollama", text.removeprefix("library/"))
    if is_deployment:
        found = found or _in_deployment(text)
        if found is not None and found.vendor == "openai":
            return msgspec.structs.replace(found, host="azure")
    return found


def _of_vendor(text: str) -> ModelName | None:
    bare = text.removeprefix("models/")
    if _FILE.search(bare):
        return None
    for vendor, form in _VENDORS.items():
        if form.fullmatch(bare) and (bare == text or vendor == "google"):
            return ModelName(vendor, vendor, bare)
    return None


def _of_cloud(text: str) -> ModelName | None:
    bedrock = _BEDROCK.fullmatch(text)
    if bedrock is not None:
        vendor = _SPELLINGS.get(bedrock["vendor"], bedrock["vendor"])
        model = bedrock["model"] if vendor == "anthropic" else text
        return ModelName("bedrock", vendor if vendor == "anthropic" else "bedrock", model)
    path = _VERTEX_PATH.fullmatch(text)
    name = text if path is None else path["model"]
    claude = _VERTEX_CLAUDE.fullmatch(name)
    if claude is not None:
        date = "" if claude["date"] in {"latest", "default"} else f"-{claude['date']}"
        return ModelName("vertex-anthropic", "anthropic", f"{claude['model']}{date}")
    if path is not None:
        vendor = path["vendor"]
        return ModelName("vertex" if vendor == "google" else "vertex-anthropic", vendor, name)
    return None


def _of_host(text: str, *, is_model: bool) -> ModelName | None:
    """Read ``host:model`` and ``host/model``, also one within another: ``openrouter/openai/gpt-4o``."""
    found = _WITH_HOST.fullmatch(text)
    host = None if found is None else _SPELLINGS.get(found[1].lower(), found[1].lower())
    if found is None or host is None or host not in HOSTS or host in {"sim", "local"}:
        return None
    rest = found[3]
    inner = _of_cloud(rest) or _of_host(rest, is_model=is_model) or _of_vendor(rest)
    if inner is None:
        return ModelName(host, host, rest) if is_model and _PLAIN.fullmatch(rest) else None
    outer = host if host in _CLOUD_OF or host != inner.vendor else inner.host
    model = inner.model.replace(".", "-") if inner.vendor == "anthropic" and found[2] == "/" else inner.model
    return ModelName(outer, inner.vendor, model)


def _in_deployment(text: str) -> ModelName | None:
    """Read the model that a deployment is called after: ``prod-gpt-4o-eu``."""
    found = re.search(
        r"(?<![A-Za-z0-9])gpt-?(\d[a-z]?(?:\.\d)?(?:-?(?:mini|nano|turbo))?)", text, re.IGNORECASE
    )
    return None if found is None else ModelName("azure", "openai", f"gpt-{found[1].lower()}")


def _is_model(before: str) -> bool:
    return any(_EVIDENCE.search(word) for word in _words_for(before))


def _is_deployment(before: str) -> bool:
    return any(_DEPLOYMENT.search(word) for word in _words_for(before))


def _words_for(before: str) -> Iterator[str]:
    """Yield the words that say what a literal is for: the key, the option or the argument before it."""
    before = _ANNOTATION.sub(" =", _OPENING.sub("", before).rstrip())
    for pattern in (_OPTION, _ARGUMENT):
        found = pattern.search(before)
        if found is not None:
            yield found[1]
    keys = _LAST_KEY.findall(before)
    if keys:
        yield before if keys[-1].lower() in _SAYS_NOTHING else keys[-1]
