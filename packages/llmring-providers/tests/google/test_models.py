"""What a name tells of a model."""

import pytest
from llmring_providers.google.models import model_of

VERTEX = "projects/p/locations/us-central1/publishers/google/models/gemini-2.0-flash"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("gemini:gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/my-model", "tunedModels/my-model"),
        ("publishers/google/models/gemini-3-pro", "publishers/google/models/gemini-3-pro"),
        (f"/{VERTEX}", VERTEX),
        ("odd name?key=x#y", "models/odd%20name%3Fkey%3Dx%23y"),
        ("vendor/model", "models/vendor/model"),
    ],
)
def test_a_name_becomes_the_path_of_a_resource(name: str, path: str) -> None:
    assert model_of(name).path == path


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("gemini-1.5-flash-002", (1, 5)),
        ("gemini-2.5-pro", (2, 5)),
        ("models/gemini-3-flash-preview", (3, 0)),
        ("gemini-3.10-flash", (3, 10)),
        (VERTEX, (2, 0)),
        ("gemini-flash-latest", (99, 0)),
        ("tunedModels/x", (99, 0)),
    ],
)
def test_the_version_is_read_and_unknown_is_new(name: str, version: tuple[int, int]) -> None:
    assert model_of(name).version == version


@pytest.mark.parametrize(
    ("name", "abilities"),
    [
        ("gemini-2.0-flash", (False, False, False, False, False)),
        ("gemini-2.5-flash", (True, False, False, False, True)),
        ("gemini-3-flash", (True, True, True, True, True)),
        (VERTEX, (False, False, False, False, True)),
    ],
)
def test_each_generation_has_its_rules(name: str, abilities: tuple[bool, ...]) -> None:
    model = model_of(name)
    assert abilities == (
        model.thinks,
        model.takes_levels,
        model.combines_tools,
        model.checks_signatures,
        model.fetches_urls,
    )
