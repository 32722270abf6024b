"""Every `NAME=value` that the documentation prints is a setting that can be read as it is printed."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connections.notifications import emails
from connections.providers.azure_devops import servers
from core.client_ip import parse_proxies
from tests.loaded_settings import ENTRA, KEYS, ROOT, loaded_settings, names_read

PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
NAMES = "|".join(sorted(names_read(), key=len, reverse=True))
LINE = re.compile(rf"^(?: {{4,}}|# )?((?:{NAMES})=.+)$", re.MULTILINE)
SPAN = re.compile(rf"`((?:{NAMES})=[^`]+)`")
LISTS = names_read("list", "secret_list")
# A server's further settings name it, so there has to be one of that name.
SERVERS = (
    "Azure DevOps Services=https://dev.azure.com, Our server=https://a.example.com, Own=https://localhost:8062/tfs"
)
COMPANIONS = {"AZURE_DEVOPS_SERVERS": SERVERS, "ENTRA_CLIENT_SECRET": "secret", **ENTRA}


def printed() -> Iterator[tuple[str, str]]:
    """File and example, such as `docs/operating.md` and `HTTPS=1`."""
    for page in PAGES:
        text = (ROOT / page).read_text()
        yield from ((page, example) for example in {*LINE.findall(text), *SPAN.findall(text)})
    example_file = (ROOT / ".env.example").read_text()
    yield from ((".env.example", example) for example in LINE.findall(example_file))


def in_compose() -> dict[str, str]:
    """The settings of the containers, with what compose would put in place of its own variables."""
    part = yaml.safe_load((ROOT / "compose.yaml").read_text())["x-part"]
    default = re.compile(r"\$\{\w+:([-?])([^}]*)\}")
    return {
        name: default.sub(lambda found: found[2] if found[1] == "-" else "sesame", str(value))
        for name, value in part["environment"].items()
        if name in names_read()
    }


PRINTED = sorted(set(printed()))
# What is typed before a command.
TYPED = sorted({example for _, example in PRINTED if example.endswith(" make run")})


def read_all(settings: dict[str, Any]) -> None:
    """What the product does with them before it serves."""
    more = {name.lower(): settings[f"AZURE_DEVOPS_{name}"] for name in ("CA_BUNDLES", "PROXIES", "PLAIN_HTTP")}
    assert servers.parse_servers(settings["AZURE_DEVOPS_SERVERS"], **more)
    parse_proxies(tuple(settings["TRUSTED_PROXIES"]))
    assert not emails.sender_problem(settings["DEFAULT_FROM_EMAIL"])
    for name in LISTS:
        assert all(item == item.strip() for item in map(str, settings[name]))


def test_there_are_examples_in_each_kind_of_file() -> None:
    assert {"README.md", "docs/operating.md", "docs/azure-devops-server.md", ".env.example"} <= {
        page for page, _ in PRINTED
    }
    assert len(PRINTED) > 50
    assert {"DATABASE_URL", "REDIS_URL", "HTTPS"} <= in_compose().keys()


@pytest.mark.parametrize(("page", "example"), [found for found in PRINTED if found[1] not in TYPED])
def test_each_can_be_put_into_the_file_of_settings(page: str, example: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(example + "\n")
    name = example.partition("=")[0]
    given = {variable: value for variable, value in (COMPANIONS | KEYS).items() if variable != name}
    given["VAR_DIR"] = str(tmp_path)
    if name == "AZURE_DEVOPS_PLAIN_HTTP":
        given["AZURE_DEVOPS_SERVERS"] = SERVERS.replace("https://a.", "http://a.")
    if name == "VAR_DIR":
        del given["VAR_DIR"]
    read_all(loaded_settings(given, file=tmp_path / ".env"))


@pytest.mark.parametrize("example", TYPED)
def test_each_can_be_typed_before_a_command(example: str, tmp_path: Path) -> None:
    given = dict(word.split("=", 1) for word in shlex.split(example) if "=" in word)
    read_all(loaded_settings(COMPANIONS | KEYS | {"VAR_DIR": str(tmp_path)} | given))


def test_the_containers_settings_can_be_read() -> None:
    settings = loaded_settings(KEYS | in_compose())
    read_all(settings)
    assert settings["DATABASES"]["default"]["HOST"] == "database"


@pytest.mark.parametrize(
    "hosts", ["a.example.com, b.example.com", "a.example.com,b.example.com,", " a.example.com ,\nb.example.com"]
)
def test_the_second_host_is_served_too(hosts: str) -> None:
    assert loaded_settings(KEYS | {"ALLOWED_HOSTS": hosts})["ALLOWED_HOSTS"] == ["a.example.com", "b.example.com"]


def test_the_hint_about_proxies_works_as_it_is_printed() -> None:
    hint = re.search(
        r"TRUSTED_PROXIES is a list such as: ([^\"]+)\"", (ROOT / "orchestrator/system_checks.py").read_text()
    )
    assert hint is not None
    found = loaded_settings(KEYS | {"TRUSTED_PROXIES": hint[1]})["TRUSTED_PROXIES"]
    parse_proxies(tuple(found))


def test_a_file_of_windows_is_a_file_of_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfALLOWED_HOSTS=a.example.com, b.example.com\r\nHTTPS=1\r\n")
    settings = loaded_settings(KEYS, file=tmp_path / ".env")
    assert (settings["ALLOWED_HOSTS"], settings["HTTPS"]) == (["a.example.com", "b.example.com"], True)
