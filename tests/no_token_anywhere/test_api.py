"""Neither a token of Azure DevOps nor an API token is anywhere but where it belongs, whatever the API is asked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from connections.models import Connection
from sandbox.samples import MISBEHAVING
from sandbox.server import Sandbox
from tests.api.calls import Program
from tests.api.conftest import EVERYTHING, delivered
from tests.api.test_access import operations
from tests.echo import Echo
from tests.factories import make_token
from tests.leaks import everywhere, hits, of_answer

ANY = {"If-Match": "*"}
READING = (
    "test_token",
    "run_pipeline",
    "create_release",
    "deploy_stage",
    "create_connection",
    "update_connection",
    "rotate_token",
    "update_used_by",
    "create_register_entry",
    "update_register_entry",
    "close_register_entry",
    "find_leaked_token",
    "declare_token_leaked",
)
# They end what the others need.
LAST = ("delete_connection", "declare_connection_leaked")


@pytest.fixture
def program(maintainer: User, secrets: dict[str, str], settings: Settings) -> Program:
    settings.API_REQUESTS_PER_MINUTE = 0
    text = make_token(maintainer, *EVERYTHING)[1]
    secrets["api token"] = text
    return Program(text)


@pytest.fixture
def echo(sandbox: Sandbox, settings: Settings) -> Iterator[Echo]:
    """The only server that there is: it sends the token back in whatever it answers."""
    with Echo(sandbox.url).running() as running:
        settings.AZURE_DEVOPS_SERVERS = f"Sandbox={running.url} kind=sandbox"
        yield running


def bodies(secret: str) -> Iterator[dict[str, object]]:
    """What creates and rotates, and the same with the token in the wrong place."""
    new = {"name": "By API", "organization": "acme", "token": secret, "accept_limited": True}
    yield new
    yield {"token": secret, "accept_limited": True}
    yield {"token": secret}
    yield {"name": secret, "kind": "pat"}
    yield {"name": "Key", "kind": "pat", "notes": f"It is {secret}", "used_by": [{"name": secret}]}
    yield {"used_by": [{"name": "Shop", "url": f"https://x.example.com/{secret}"}]}
    yield {"reason": "other", "note": secret}
    yield {"branch": secret}
    yield {"description": secret, "versions": [{"alias": secret, "version": secret}], "manual_stages": [secret]}
    yield {"comment": secret}
    yield new | {"name": secret}
    yield new | {"organization": secret}
    yield new | {"server": secret}
    yield new | {"projects": [secret]}
    yield new | {"expires_on": secret}
    yield new | {"surplus": secret}
    yield {"token": {"text": secret}}
    yield {"name": "Settings", "expires_on": None, "token_reach": secret, "projects": None, "extra_recipients": []}


def test_no_operation_gives_a_token_away(
    program: Program,
    connected: Callable[..., Connection],
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    row = connected("Fabrikam", organization="fabrikam")
    ids = delivered(row) | {"audit_id": program.post("/audits")["id"]}
    shown = []
    for name in ("full-again", "expired", "entra"):
        headers = ANY | {"Idempotency-Key": name}
        for operation, method, path in operations():
            # What reads no body is asked once.
            given = list(bodies(secrets[name])) if operation in READING else [next(bodies(secrets[name]))]
            if operation not in LAST:
                shown += [of_answer(program.call(method, path.format(**ids), body, headers=headers)) for body in given]
    shown.append(of_answer(program.call("POST", f"/connections/{row.pk}/leak")))
    shown.append(of_answer(program.call("DELETE", f"/connections/{row.pk}", headers=ANY)))
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


def test_a_server_that_sends_the_token_back_never_gets_it_into_a_response(
    echo: Echo,
    program: Program,
    connected: Callable[..., Connection],
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    row = connected("Fabrikam", organization="fabrikam")
    ids = delivered(row) | {"audit_id": program.post("/audits")["id"]}
    body = next(bodies(secrets["full"]))
    shown = [of_answer(program.call(method, path.format(**ids), body, headers=ANY)) for _, method, path in operations()]
    assert echo.echoes
    assert hits(secrets, everywhere(shown, log, sandbox, capfd)) == set()


@pytest.mark.parametrize("organization", sorted(set(MISBEHAVING) - {"slow", "stuck", "endless"}))
def test_no_trouble_at_azure_devops_gives_a_token_away(
    program: Program,
    sandbox: Sandbox,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    organization: str,
) -> None:
    body = next(bodies(secrets["full"])) | {"organization": organization}
    answer = program.call("POST", "/connections", body)
    assert answer.status_code in (201, 422, 503)
    assert hits(secrets, everywhere([of_answer(answer)], log, sandbox, capfd)) == set()


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("place", ["connections.domain.verification.check", "core.encryption.encrypt"])
def test_no_fault_of_ours_gives_a_token_away(
    program: Program,
    sandbox: Sandbox,
    settings: Settings,
    secrets: dict[str, str],
    log: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    debug: bool,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    settings.DEBUG = debug
    monkeypatch.setattr(place, broken)
    answer = program.call("POST", "/connections", next(bodies(secrets["full"])))
    assert answer.status_code == 500
    assert hits(secrets, everywhere([of_answer(answer)], log, sandbox, capfd)) == set()
