"""From a name to a provider: ours, or one that an installed package brings."""

import sys
from pathlib import Path

import pytest
from llmring_providers import BUILTIN, ENTRY_POINT_GROUP, Provider, ProviderSettings, find_factory
from llmring_providers.testing import FakeProvider
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import ConfigurationError, ProviderNotFoundError
from llmring_types.hosts import HOSTS

MODULE = """
from llmring_providers.testing import FakeProvider

def create(settings):
    return FakeProvider(f"key {settings.api_key}, base URL {settings.base_url}", name=settings.name)
"""


def install(site: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, module: str = MODULE) -> None:
    """What pip leaves behind after installing a package: its module and its metadata."""
    (site / "acme_llm.py").write_text(module)
    info = site / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\nacme = {entry_point}\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "acme_llm", raising=False)


@pytest.mark.parametrize("name", [name for name in BUILTIN if HOSTS[name].is_installed])
def test_ours_are_known_by_name(name: str) -> None:
    base_url = "https://account.test/v1" if HOSTS[name].url_template else None
    provider: Provider = find_factory(name)(
        ProviderSettings(name=name, transport=AutoTransport(), api_key="k", base_url=base_url)
    )
    assert provider.name == name


def test_an_installed_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "acme_llm:create")
    settings = ProviderSettings(
        name="acme", transport=AutoTransport(), api_key="k", base_url="https://a.test"
    )
    provider = find_factory("acme")(settings)
    assert isinstance(provider, FakeProvider)
    assert provider.name == "acme"


@pytest.mark.parametrize(
    ("entry_point", "module"),
    [
        ("acme_llm:make", MODULE),
        ("acme_llm.missing:create", MODULE),
        ("acme_llm:create", "import acme_sdk_that_is_not_installed"),
    ],
)
def test_one_that_cannot_be_loaded_names_its_package(
    entry_point: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, entry_point, module)
    with pytest.raises(ConfigurationError, match=rf"'acme' of the package 'acme-llm' .* '{entry_point}'"):
        find_factory("acme")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ProviderNotFoundError, match=r"'acme'; known are alibaba, .*, openai, .*, sim, "):
        find_factory("acme")
