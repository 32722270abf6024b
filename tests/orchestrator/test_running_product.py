"""One product runs with a VAR_DIR, and its processes and other commands find what belongs to it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator import running_product
from orchestrator.running_product import AlreadyRunning, RunningProduct, note, only_start
from tests.loaded_settings import KEYS, loaded_settings

SITE = "http://127.0.0.1:8123"


@contextmanager
def running(folder: Path, *, sandbox_port: int | None = 8062) -> Iterator[RunningProduct]:
    product = RunningProduct(SITE, sandbox_port, sandbox_port and sandbox_port + 1)
    with only_start(folder) as file:
        note(file, product)
        yield product


def test_a_second_start_is_refused_and_told_where_the_first_one_runs(tmp_path: Path) -> None:
    told = "It already runs from this folder at http://127.0.0.1:8123/. Stop that one first, or use it."
    with running(tmp_path), pytest.raises(AlreadyRunning) as refused, only_start(tmp_path):
        pass
    assert str(refused.value) == told


def test_a_start_that_has_not_said_yet_where_it_runs_is_refused_too(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    refused = pytest.raises(AlreadyRunning, match=r"^It already runs from this folder\. Stop")
    with only_start(tmp_path), refused, only_start(tmp_path):
        pass


def test_what_runs_can_be_read_until_it_ends(tmp_path: Path) -> None:
    assert running_product.read(tmp_path) is None
    with running(tmp_path) as product:
        assert running_product.read(tmp_path) == product
    assert running_product.read(tmp_path) is None
    assert (tmp_path / running_product.FILE_NAME).read_bytes() == b""


def test_commands_know_the_sandbox_and_where_links_lead(tmp_path: Path) -> None:
    given = KEYS | {"VAR_DIR": str(tmp_path), "AZURE_DEVOPS_SERVERS": "Own=https://own.example.com"}
    with running(tmp_path):
        settings = loaded_settings(given)
        servers = "Own=https://own.example.com,Sandbox=http://127.0.0.1:8062 kind=sandbox"
        assert settings["AZURE_DEVOPS_SERVERS"] == servers
        assert settings["SITE_URL"] == SITE
        assert loaded_settings(given | {"SITE_URL": "https://x.example.com"})["SITE_URL"] == "https://x.example.com"
    assert loaded_settings(given)["AZURE_DEVOPS_SERVERS"] == "Own=https://own.example.com"


def test_commands_know_where_applications_get_tokens_for_the_sandbox(tmp_path: Path) -> None:
    given = KEYS | {"VAR_DIR": str(tmp_path)}
    with running(tmp_path):
        settings = loaded_settings(given)
        assert settings["SANDBOX_ENTRA_AUTHORITY"] == "https://127.0.0.1:8063"
        assert settings["SANDBOX_ENTRA_CA_BUNDLE"] == str(tmp_path / "sandbox-entra" / "ca.pem")
    with running(tmp_path, sandbox_port=None):
        assert loaded_settings(given)["SANDBOX_ENTRA_AUTHORITY"] == ""


@pytest.mark.parametrize("servers", ["sandbox = http://127.0.0.1:9", "Practice=http://127.0.0.1:9 kind=sandbox"])
def test_a_sandbox_of_the_operators_own_is_left_alone(servers: str) -> None:
    assert RunningProduct(SITE, 8062).servers_with_sandbox(servers) == servers


def test_without_a_sandbox_none_is_added(tmp_path: Path) -> None:
    with running(tmp_path, sandbox_port=None):
        assert "Sandbox" not in loaded_settings(KEYS | {"VAR_DIR": str(tmp_path)})["AZURE_DEVOPS_SERVERS"]


def test_what_a_killed_start_left_behind_means_nothing(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with running(tmp_path):
        file = tmp_path / running_product.FILE_NAME
        file.write_text(file.read_text().replace(str(os.getpid()), str(ended.pid)))
        assert running_product.read(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"pid": "x"}'])
def test_a_file_that_cannot_be_read_means_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / running_product.FILE_NAME).write_text(content)
    assert running_product.read(tmp_path) is None
