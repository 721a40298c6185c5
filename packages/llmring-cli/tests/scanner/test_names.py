"""Names of models in every spelling, and what only looks like one."""

import pytest
from llmring_cli.scanner.names import may_name_models, names_in, recognize

NAMES: list[tuple[str, str]] = [
    ("gpt-4o", "openai openai gpt-4o"),
    ("gpt-4.1-mini-2025-04-14", "openai openai gpt-4.1-mini-2025-04-14"),
    ("ft:gpt-3.5-turbo-0125:org::id", "openai openai ft:gpt-3.5-turbo-0125:org::id"),
    ("text-embedding-3-small", "openai openai text-embedding-3-small"),
    ("openai:gpt-4o", "openai openai gpt-4o"),
    ("openai/gpt-4o", "openai openai gpt-4o"),
    ("openai:o1", "openai openai o1"),
    ("claude-3-5-sonnet-20240620", "anthropic anthropic claude-3-5-sonnet-20240620"),
    ("anthropic/claude-3.5-sonnet", "anthropic anthropic claude-3-5-sonnet"),
    ("openrouter/anthropic/claude-3.5-sonnet", "openrouter anthropic claude-3-5-sonnet"),
    ("openrouter:openai/gpt-4o", "openrouter openai gpt-4o"),
    ("anthropic.claude-3-haiku-20240307-v1:0", "bedrock anthropic claude-3-haiku-20240307"),
    ("us.anthropic.claude-3-haiku-20240307-v1:0", "bedrock anthropic claude-3-haiku-20240307"),
    ("bedrock/anthropic.claude-3-haiku-20240307-v1:0", "bedrock anthropic claude-3-haiku-20240307"),
    (
        "arn:aws:bedrock:us-east-1:123:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "bedrock anthropic claude-sonnet-4-5-20250929",
    ),
    ("amazon.nova-pro-v1:0", "bedrock bedrock amazon.nova-pro-v1:0"),
    ("meta.llama3-1-70b-instruct-v1:0:128k", "bedrock bedrock meta.llama3-1-70b-instruct-v1:0:128k"),
    ("claude-3-5-sonnet@20240620", "vertex-anthropic anthropic claude-3-5-sonnet-20240620"),
    ("claude-3-5-sonnet-v2@20241022", "vertex-anthropic anthropic claude-3-5-sonnet-20241022"),
    ("publishers/anthropic/models/claude-opus-4@default", "vertex-anthropic anthropic claude-opus-4"),
    ("projects/p/locations/us/publishers/google/models/gemini-2.5-pro", "vertex google gemini-2.5-pro"),
    ("vertex_ai/gemini-2.5-pro", "vertex google gemini-2.5-pro"),
    ("google_vertexai:gemini-2.5-pro", "vertex google gemini-2.5-pro"),
    ("models/gemini-2.5-pro", "google google gemini-2.5-pro"),
    ("gemini/gemini-2.5-pro", "google google gemini-2.5-pro"),
    ("azure/gpt-4o", "azure openai gpt-4o"),
    ("groq:llama-3.3-70b-versatile", "groq groq llama-3.3-70b-versatile"),
    ("mistral-large-latest", "mistral mistral mistral-large-latest"),
    ("deepseek-chat", "deepseek deepseek deepseek-chat"),
    ("grok-4-0709", "xai xai grok-4-0709"),
    ("command-r-plus", "cohere cohere command-r-plus"),
    ("llama3:8b", "ollama ollama llama3:8b"),
    ("library/qwen2.5-coder:7b", "ollama ollama qwen2.5-coder:7b"),
]
OTHERS = [
    "", "gpt", "claude", "gemini", "gpt-4o mini", "use gpt-4o", "gpt-4.1.png", "gpt-4-all.json", "o1", "o3", "sonar",
    "openai", "openai:summarizer", "openai/openai-python", "https://api.openai.com/v1", "localhost:8080", "redis:7",
    "docker:20", "github:actions/checkout@v5", "google/gemma", "llama3", "amazon.com", "sim:demo", "claude-code",
    "gemini-cli", "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), NAMES)
def test_a_name_is_recognized_in_the_spelling_of_every_host(text: str, meaning: str) -> None:
    found = recognize(text)
    assert found is not None
    assert f"{found.host} {found.vendor} {found.model}" == meaning
    assert may_name_models(text)


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_name_of_a_model_is_left_alone(text: str) -> None:
    assert recognize(text) is None
    assert list(names_in(text, "x = ")) == []


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("o1", 'model = "'),
        ("o1", '"model": "'),
        ("o1", 'model_name="'),
        ("o1", "--model "),
        ("o1", "-model="),
        ("o1", '["--model", "'),
        ("o1", ":model => '"),
        ("o1", 'env.get("CHAT_MODEL") or "'),
        ("o1", "model: Optional[str] = '"),
        ("o1", 'models = ["o3", "'),
        ("llama3", "FROM_MODEL="),
        ("together:meta-llama/Llama-3", 'model="'),
    ],
)
def test_a_doubtful_name_counts_where_the_code_says_that_it_is_a_model(text: str, before: str) -> None:
    assert list(names_in(text, "x = ")) == []
    assert [written for _, written, _ in names_in(text, before)] == [text]


@pytest.mark.parametrize("before", ['azure_deployment="', "AZURE_OPENAI_DEPLOYMENT=", '"deployment_name": "'])
def test_a_deployment_is_named_after_its_model_only_where_the_code_says_that_it_is_one(before: str) -> None:
    assert list(names_in("prod-gpt-4o-eu", 'name = "')) == []
    ((_, written, name),) = names_in("prod-gpt-4o-eu", before)
    assert (written, name.host, name.vendor, name.model) == ("prod-gpt-4o-eu", "azure", "openai", "gpt-4o")
    assert list(names_in("production", before)) == []


@pytest.mark.parametrize(
    ("text", "written", "host"),
    [
        ("https://x/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", "google"),
        ("https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions", "gpt-4o", "azure"),
        ("/model/amazon.nova-pro-v1:0/invoke", "amazon.nova-pro-v1:0", "bedrock"),
        ('{"model": "gpt-4o", "n": 1}', "gpt-4o", "openai"),
        (r"{\"model\": \"o1\"}", "o1", "openai"),
    ],
)
def test_a_name_is_found_within_an_address_and_a_body(text: str, written: str, host: str) -> None:
    ((at, found, name),) = names_in(text, "x = ")
    assert (found, name.host, text[at : at + len(found)]) == (written, host, written)


def test_a_path_that_is_no_address_names_nothing() -> None:
    assert list(names_in("src/models/gpt-4o.py", "x = ")) == []
    assert list(names_in("https://x/models/list", "x = ")) == []
