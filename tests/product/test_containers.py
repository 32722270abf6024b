"""compose.yaml and the Dockerfile: the files are read, and each of their commands is started beside real servers.

No image is built: that needs a network.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from redis import Redis

from orchestrator import generate_keys
from orchestrator.free_ports import free_near
from tests.product import container_servers
from tests.product.compose_file import instructions, services
from tests.product.running import ROOT, Start, copy_checkout, eventually, finished, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
PARTS = ("web", "worker", "clock")


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The broker of compose.yaml, with its password and its rights."""
    with container_servers.broker(tmp_path_factory.mktemp("broker")) as server:
        yield server.url


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """The database of compose.yaml, signed in to as the product does."""
    with container_servers.database() as server:
        yield server.url


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds: the checkout without what .dockerignore leaves out."""
    folder = copy_checkout(tmp_path_factory.mktemp("image") / "app")
    for name in ("tests", "docs", "benchmarks", ".ci"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "var").mkdir()
    return folder


@pytest.fixture(scope="module")
def values(checkout: Path, database_url: str, broker_url: str) -> dict[str, str]:
    """The environment of every part: of compose.yaml, with the test's own servers in place of its names."""
    port = str(free_near(8700))
    made = {name: make() for name, make in generate_keys.MAKERS.items()}
    given = {name: str(value) for name, value in services(LISTEN_PORT=port)["web"]["environment"].items()}
    servers = {"DATABASE_URL": database_url, "REDIS_URL": broker_url}
    path = f"{checkout}/.venv/bin:{os.environ['PATH']}"
    own = {"VAR_DIR": str(checkout / "var"), "LISTEN_PORT": port, "LISTEN_HOST": "127.0.0.1", "PATH": path}
    return persons_environment(**given | servers | made | own | {"ALLOWED_HOSTS": "127.0.0.1"})


def command_of(part: str, values: dict[str, str]) -> list[str]:
    own = {name: values[name] for name in ("LISTEN_HOST", "LISTEN_PORT")}
    return [str(word) for word in services(**own)[part]["command"]]


@pytest.fixture(scope="module")
def parts(checkout: Path, values: dict[str, str]) -> Iterator[dict[str, Start]]:
    """Tables first, as compose orders it, then every part."""
    code, said = finished(checkout, command_of("tables", values), values)
    assert code == 0, said
    running = {part: Start(checkout, command_of(part, values), **values) for part in PARTS}
    yield running
    for one in running.values():
        one.close()


def test_every_part_is_of_one_image_and_waits_for_what_it_needs() -> None:
    found = services()
    ours = {name for name, service in found.items() if service["image"] == "mfe-orchestrator"}
    assert ours == {"tables", *PARTS}
    for part in PARTS:
        assert found[part]["depends_on"]["tables"] == {"condition": "service_completed_successfully"}
    assert set(found) - ours == {"database", "broker"}


def test_no_secret_stands_in_the_files() -> None:
    for service in services().values():
        assert not {name for name in service.get("environment", ()) if name in generate_keys.MAKERS}
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert {".env", ".env.*", "var", ".git"} <= set(ignored)


def test_the_image_starts_the_web_as_compose_does_and_not_as_root() -> None:
    said = instructions()
    (command,) = [yaml.safe_load(rest) for word, rest in said if word == "CMD"]
    assert command == services()["web"]["command"]
    words = [word for word, _ in said]
    assert ("USER", "orchestrator") in said
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))


def test_what_the_image_runs_while_it_is_built_works(checkout: Path, values: dict[str, str]) -> None:
    (line,) = [rest for word, rest in instructions() if word == "RUN" and "collectstatic" in rest]
    line = line.split("&& useradd")[0]
    bare = {
        name: value for name, value in values.items() if name not in generate_keys.MAKERS and name != "DATABASE_URL"
    }
    done = subprocess.run(["sh", "-ec", line], cwd=checkout, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (checkout / "var" / "static" / "staticfiles.json").is_file()


def test_every_part_starts_with_its_command_and_its_own_check_finds_it_well(
    checkout: Path, values: dict[str, str], parts: dict[str, Start]
) -> None:
    own = {name: values[name] for name in ("LISTEN_HOST", "LISTEN_PORT")}
    for part in PARTS:
        how, *check = services(**own)[part]["healthcheck"]["test"]
        assert how == "CMD"
        eventually(partial(_is_well, checkout, check, values), f"{part}: {parts[part].text}")


def test_no_part_wants_more_of_the_broker_than_it_gets(broker_url: str, parts: dict[str, Start]) -> None:
    with Redis.from_url(broker_url) as broker:
        assert broker.info("stats")["acl_access_denied_cmd"] == 0
        assert broker.info("commandstats")["cmdstat_brpop"]["calls"] > 0, parts["worker"].text


def _is_well(checkout: Path, check: list[str], values: dict[str, str]) -> bool:
    return finished(checkout, check, values)[0] == 0
