"""The examples of docs/api.md: their scripts run, and the OpenAPI document has Terraform's requests."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from api.models import ApiToken
from api.v1.operations import BASE, document
from connections.domain.problems.refusals import REFUSALS
from connections.models import Connection, LeakedToken
from tests.api.calls import Program
from tests.factories import ConnectionFactory, StoredCredentialFactory, make_entry, make_token
from tests.loaded_settings import ROOT
from tests.needs import need

_TEXT = (ROOT / "docs" / "api.md").read_text()
TODAY = timezone.localdate
Step = Callable[[], tuple[int, str]]


def block(language: str) -> str:
    """The example in this language."""
    (found,) = blocks(language)
    return found


def blocks(language: str) -> list[str]:
    """All examples in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", _TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def connection(db: None) -> Connection:
    return ConnectionFactory.create(name="Acme", expires_on=TODAY() + timedelta(days=60))


@pytest.fixture
def token(maintainer: User, connection: Connection) -> tuple[ApiToken, str]:
    return make_token(maintainer, "connections.view_connection", connections=[connection.pk])


@pytest.fixture
def step(live_server: LiveServer, connection: Connection, token: tuple[ApiToken, str]) -> Step:
    """Runs the pipeline's step against this site, and returns its exit code and output."""
    need(found=shutil.which("curl") is not None, lacking="curl", remedy="apt-get install curl")
    (described,) = yaml.safe_load(block("yaml"))["steps"]
    given = {"MFE_API": f"{live_server.url}/api/v1", "MFE_API_TOKEN": token[1], "CONNECTION_ID": str(connection.pk)}
    assert set(described["env"]) == {*given, "DAYS"}

    def run() -> tuple[int, str]:
        environment = os.environ | given | {"DAYS": str(described["env"]["DAYS"])}
        ended = subprocess.run(
            ["bash", "-c", described["bash"]], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert token[1] not in ended.stdout + ended.stderr
        return ended.returncode, ended.stdout + ended.stderr

    return run


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires_on": date(2020, 1, 1)}, "expires on 2020-01-01, in -"),
        ({"expires_on": None}, "has no recorded expiry date"),
        ({"disabled": True}, "is disabled"),
    ],
)
def test_the_step_fails_for_a_credential_that_cannot_be_relied_on(
    step: Step, connection: Connection, changes: dict[str, Any], words: str
) -> None:
    Connection.objects.filter(pk=connection.pk).update(**changes)
    code, said = step()
    assert code == 1
    assert f"##vso[task.logissue type=error]The credential of Acme {words}" in said


def test_the_step_counts_days(step: Step, connection: Connection) -> None:
    # Neither date is near enough to midnight for another zone to matter.
    for days, expected in ((12, 1), (16, 0)):
        Connection.objects.filter(pk=connection.pk).update(expires_on=TODAY() + timedelta(days=days))
        assert step()[0] == expected


def test_the_step_fails_without_a_token_that_works(step: Step, token: tuple[ApiToken, str]) -> None:
    ApiToken.objects.filter(pk=token[0].pk).update(revoked_at=timezone.now())
    code, said = step()
    assert code != 0
    assert "api_token_revoked" in said


def fields_of(attribute: str, resource: str) -> set[str]:
    """The names in one `jsonencode` of a resource; empty without it."""
    found = re.search(rf"^  {attribute} = jsonencode\(\{{\n(.*?)^  \}}\)$", resource, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"^    (\w+) +=", found[1], re.MULTILINE)) if found else set()


def attributes_of(resource: str) -> dict[str, str]:
    """The attributes of a resource that are texts."""
    return dict(re.findall(r'^  (\w+) += "(.*)"$', resource, re.MULTILINE))


def resources() -> dict[str, str]:
    return dict(re.findall(r'^resource "restapi_object" "(\w+)" \{\n(.*?)^\}$', block("hcl"), re.MULTILINE | re.DOTALL))


def requests_of(resource: str) -> list[tuple[str, str, set[str]]]:
    """Method, path and fields of what the provider sends, as its documentation describes it."""
    said = attributes_of(resource)
    one = f"{said['path']}/{{id}}"
    data, update = fields_of("data", resource), fields_of("update_data", resource)
    return [
        (said.get("create_method", "POST"), said.get("create_path", said["path"]), data),
        ("GET", said.get("read_path", one), set()),
        ("PUT", said.get("update_path", one), update or data),
        (said.get("destroy_method", "DELETE"), said.get("destroy_path", one), set()),
    ]


@pytest.mark.parametrize("name", ["acme", "acme_token"])
def test_terraforms_requests_are_in_the_document(name: str) -> None:
    described = document()
    for method, path, fields in requests_of(resources()[name]):
        operation = described["paths"][f"{BASE}{path[1:]}".replace("{id}", "{connection_id}")][method.lower()]
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = described["components"]["schemas"][reference.rpartition("/")[2]]
            assert set(schema.get("required", ())) <= fields <= set(schema["properties"]), (method, path)


def test_terraform_ignores_what_the_api_does_not_return() -> None:
    returned = set(document()["components"]["schemas"]["Connection"]["properties"])
    for resource in resources().values():
        found = re.search(r"^  ignore_changes_to +=(.*)$", resource, re.MULTILINE)
        assert found
        assert fields_of("data", resource) - returned <= set(re.findall(r'"(\w+)"', found[1]))


def test_the_header_of_terraform_allows_updates(maintainer: User, connection: Connection) -> None:
    assert re.search(r'^    If-Match +?= "\*"$', block("hcl"), re.MULTILINE)
    scopes = re.findall(r"`(connections\.\w+)`", _TEXT.split("## Terraform")[1].split("```")[0])
    program = Program(make_token(maintainer, *scopes)[1])
    settings: dict[str, Any] = {
        "name": "New",
        "expires_on": None,
        "token_reach": "one",
        "projects": None,
        "extra_recipients": [],
    }
    path = f"/connections/{connection.pk}"
    assert program.call("PUT", path, settings, headers={"If-Match": "*"}).status_code == 200
    assert program.call("DELETE", path, headers={"If-Match": "*"}).status_code == 200


@pytest.fixture
def script(live_server: LiveServer, maintainer: User) -> Callable[..., tuple[int, str]]:
    """Runs a Python example with the permissions that its section names: `script(0, *arguments, typed="…")`."""

    def run(number: int, *arguments: str, typed: str = "") -> tuple[int, str]:
        example = blocks("python")[number]
        section = _TEXT.partition(example)[0].rpartition("\n## ")[2]
        text = make_token(maintainer, *re.findall(r"`(connections\.\w+)`", section))[1]
        environment = os.environ | {"MFE_API": f"{live_server.url}/api/v1", "MFE_API_TOKEN": text}
        ended = subprocess.run(
            [sys.executable, "-c", example, *arguments],
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert text not in ended.stdout + ended.stderr
        return ended.returncode, ended.stdout + ended.stderr

    return run


def test_the_scanner_declares_a_token_leaked_that_a_connection_stores(
    script: Callable[..., tuple[int, str]], connection: Connection
) -> None:
    StoredCredentialFactory.create(connection=connection, secret="q7" * 26)
    assert script(0, typed="x" * 52) == (1, f"leak_unknown: {REFUSALS['leak_unknown']}\n")
    code, said = script(0, typed="q7" * 26)
    assert (code, "- Acme" in said) == (0, True)
    assert LeakedToken.objects.count() == 1


def test_the_script_records_the_new_date_of_an_entry(script: Callable[..., tuple[int, str]], db: None) -> None:
    entry = make_entry(purpose="Shop")
    assert script(1, str(entry.pk), "2027-06-30") == (0, "Expires on 2027-06-30\n")
    entry.refresh_from_db()
    assert (str(entry.expires_on), entry.purpose) == ("2027-06-30", "Shop")
