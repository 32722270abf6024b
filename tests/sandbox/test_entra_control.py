"""The control API about Microsoft Entra, and a sandbox in a process of its own that simulates it."""

import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.entra.samples import SAMPLES
from sandbox.server import Sandbox
from tests.sandbox.entra import Client, code

Ask = Callable[..., requests.Response]


@pytest.fixture
def control(sandbox: Sandbox) -> Ask:
    """Calls the control API."""

    def asking(method: str, path: str = "", json: Any = None) -> requests.Response:
        return requests.request(method, f"{sandbox.url}/_sandbox/entra{path}", json=json, timeout=10)

    return asking


def test_it_shows_what_is_needed_to_sign_in(control: Ask, sandbox: Sandbox) -> None:
    shown = control("GET").json()
    assert (shown["authority"], shown["ca_file"]) == (sandbox.entra.url, str(sandbox.entra.ca_file))
    assert set(shown["applications"]) == set(SAMPLES)
    full = shown["applications"]["full"]
    client = Client(sandbox)
    assert client.token(client_secret=full["secrets"][0]["value"]).status_code == 200
    assert full["organizations"]["acme"] == "basic"


def test_an_application_is_created_and_added_to_an_organization(control: Ask, sandbox: Sandbox) -> None:
    assert control("POST", "/applications", {"name": "new"}).status_code == 201
    projects = f"{sandbox.url}/acme/_apis/projects"

    def seen() -> int:
        token = Client(sandbox).by_secret("new").json()["access_token"]
        return requests.get(projects, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code

    assert seen() == 401
    shown = control("POST", "/applications/new", {"organization": "acme", "licence": "stakeholder"}).json()
    assert shown["organizations"] == {"acme": "stakeholder"}
    assert seen() == 200
    control("POST", "/applications/new", {"organization": "acme", "member": False})
    assert seen() == 401


def test_secrets_end_and_begin(control: Ask, sandbox: Sandbox) -> None:
    client = Client(sandbox)
    control("POST", "/applications/full", {"expire_secrets": True})
    assert code(client.by_secret()) == (401, 7000222)
    shown = control("POST", "/applications/full", {"new_secret": True}).json()
    assert client.token(client_secret=shown["secrets"][-1]["value"]).status_code == 200


def test_faults_and_the_lifetime_of_tokens_are_set(control: Ask, sandbox: Sandbox) -> None:
    assert control("POST", "", {"lifetime": 120}).json()["lifetime"] == 120
    rules = [{"kind": "throttle", "retry_after": 7}, {"kind": "entra_error", "code": 53003, "status": 401}]
    assert control("POST", "/behaviour", rules).status_code == 201
    client = Client(sandbox)
    assert client.by_secret().headers["Retry-After"] == "7"
    assert code(client.by_secret()) == (401, 53003)
    assert client.by_secret().json()["expires_in"] == 119
    assert [seen["status"] for seen in control("GET", "/requests").json()] == [429, 401, 200]
    control("POST", "/behaviour", {"kind": "status", "status": 502, "times": None})
    control("DELETE", "/behaviour")
    control("POST", "", {"lifetime": None})
    assert client.by_secret().json()["expires_in"] > 3000


def test_a_new_member_is_unknown_for_a_while(control: Ask, sandbox: Sandbox) -> None:
    control("POST", "/applications/not-a-member", {"organization": "acme", "after": 90})
    header = {"Authorization": f"Bearer {sandbox.entra.access_token('not-a-member')}"}
    projects = f"{sandbox.url}/acme/_apis/projects"
    assert requests.get(projects, headers=header, timeout=10).status_code == 401
    sandbox.state.advance(90)
    assert requests.get(projects, headers=header, timeout=10).json()["count"] > 0


def test_an_application_is_disabled_and_gets_a_certificate(control: Ask, sandbox: Sandbox) -> None:
    shown = control("POST", "/applications/limited", {"enabled": False, "certificate": True}).json()
    assert (shown["enabled"], shown["certificates"]) == (False, 1)
    assert code(Client(sandbox).by_secret("limited")) == (400, 7000112)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/applications", {"name": "full"}, 400),
        ("/applications", {}, 400),
        ("/applications/nobody", {}, 400),
        ("/applications/full", {"colour": "red"}, 400),
        ("/applications/full", {"organization": "acme", "licence": "gold"}, 400),
        ("/applications/full", {"organization": "nowhere"}, 400),
        ("/behaviour", {"kind": "entra_error"}, 400),
        ("/behaviour", {"kind": "wrong_token"}, 400),
        ("", {}, 400),
        ("/nothing", {}, 404),
    ],
)
def test_what_it_does_not_understand_is_said(control: Ask, path: str, body: dict[str, str], status: int) -> None:
    answer = control("POST", path, body)
    assert (answer.status_code, set(answer.json())) == (status, {"message"})


def test_a_sandbox_without_microsoft_entra_says_so(playing: Callable[..., Sandbox]) -> None:
    without = playing()
    answer = requests.get(f"{without.url}/_sandbox/entra", timeout=10)
    assert answer.status_code == 404
    assert "--entra" in answer.json()["message"]
    with pytest.raises(RuntimeError):
        _ = without.entra


@pytest.fixture
def process(tmp_path: Path) -> Iterator[str]:
    """The address of a sandbox in a process of its own."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--entra", str(tmp_path / "entra"), "--entra-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        yield started.stdout.readline().strip().removeprefix("Sandbox on ")
        started.terminate()
        assert started.communicate(timeout=20) == ("", "")


def test_certificates_are_kept_from_one_start_to_the_next(process: str, tmp_path: Path) -> None:
    shown = requests.get(f"{process}/_sandbox/entra", timeout=10).json()
    discovery = f"{shown['authority']}/{shown['applications']['full']['tenant']}/v2.0/.well-known/openid-configuration"
    assert requests.get(discovery, verify=shown["ca_file"], timeout=10).status_code == 200
    with Sandbox(entra=tmp_path / "entra") as again:
        assert again.entra.ca_file == Path(shown["ca_file"])
        assert requests.get(again.entra.url, verify=shown["ca_file"], timeout=10).status_code == 404
        certificate = again.entra.certificate_file("full")
        assert stat.S_IMODE(certificate.stat().st_mode) == 0o600


def test_a_server_is_not_started_with_microsoft_entra(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--server", "2022", "--entra", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert "use --entra without --server" in ended.stderr
