"""It also plays Azure DevOps Server: at a sub-path, with a collection, over TLS, and no newer than its year."""

from collections.abc import Callable

import pytest
import requests

from sandbox.editions import SERVERS
from sandbox.samples import COLLECTION
from sandbox.server import Sandbox
from tests.connections.providers.azure_devops.authority import Authority
from tests.sandbox.conftest import Caller
from tests.sandbox.official import connect

Playing = Callable[..., Sandbox]
C = f"/{COLLECTION}"


@pytest.fixture
def server(playing: Playing) -> Callable[[str], Caller]:
    """Starts a server of a year, below /tfs."""
    return lambda year: Caller(playing(edition=SERVERS[year], path="tfs"))


def test_everything_lies_below_the_path_and_says_so(server: Callable[[str], Caller]) -> None:
    call = server("2022")
    assert call.sandbox.url.endswith("/tfs")
    project = call("GET", f"{C}/_apis/projects").json()["value"][0]
    assert project["url"].startswith(f"{call.sandbox.url}{C}/_apis/projects/")
    assert call("GET", f"{C.upper()}/_apis/projects").status_code == 200
    root = call.sandbox.url.removesuffix("/tfs")
    assert call("GET", f"{C}/_apis/projects", base=root).status_code == 404


@pytest.mark.parametrize(
    ("year", "newest", "newer"), [("2019", "5.1", "6.0"), ("2020", "6.0", "7.1"), ("2022", "7.1", "7.2")]
)
def test_a_version_newer_than_the_server_is_out_of_range(
    server: Callable[[str], Caller], year: str, newest: str, newer: str
) -> None:
    call = server(year)
    assert call("GET", f"{C}/_apis/projects", version=newest).status_code == 200
    for asked in (newer, f"{newer}-preview"):
        answer = call("GET", f"{C}/_apis/projects", version=asked)
        assert (answer.status_code, answer.json()["typeKey"]) == (400, "VssVersionOutOfRangeException")
        assert answer.json()["message"].endswith(f"The latest REST API version this server supports is {newest}.")


def test_the_server_without_a_year_speaks_what_the_service_speaks(server: Callable[[str], Caller]) -> None:
    call = server("2025")
    assert call("GET", "/_sandbox/", base=call.sandbox.url.removesuffix("/tfs")).json()["edition"] == (
        "Azure DevOps Server"
    )
    path = f"{C}/_apis/projects"
    assert [call("GET", path, version=asked).status_code for asked in ("7.1", "7.2-preview", "7.2", "7.3")] == [
        200,
        200,
        400,
        400,
    ]
    assert call("GET", path, version="7.2").json()["typeKey"] == "VssInvalidPreviewVersionException"
    assert call("GET", path, version="99.0").json()["message"].endswith("supports is 7.2.")
    assert call("GET", path, version=None).headers["Content-Type"].endswith("api-version=7.1")
    assert call("GET", path, token="expired").content == b""


def test_without_a_version_it_speaks_its_newest(server: Callable[[str], Caller]) -> None:
    answer = server("2019")("GET", f"{C}/_apis/projects", version=None)
    assert answer.headers["Content-Type"].endswith("api-version=5.1")


def test_the_list_of_addresses_goes_as_far_as_the_server(server: Callable[[str], Caller]) -> None:
    items = server("2020")("OPTIONS", f"{C}/_apis", version=None).json()["value"]
    released = {one["resourceName"]: one["releasedVersion"] for one in items}
    assert {one["maxVersion"] for one in items} == {"6.0"}
    assert (released["projects"], released["environments"]) == ("6.0", "0.0")


@pytest.mark.parametrize(("year", "version"), [("2019", "5.1"), ("2020", "6.0")])
def test_what_was_a_preview_then_is_one(server: Callable[[str], Caller], year: str, version: str) -> None:
    call = server(year)
    there = f"{C}/Storefront/_apis/release/releases"
    release = call("GET", there, version=version).json()["value"][0]["id"]
    stage = call("GET", f"{there}/{release}", version=version).json()["environments"][0]["id"]
    path = f"{there}/{release}/environments/{stage}"
    assert call("GET", path, version=version).json()["typeKey"] == "VssInvalidPreviewVersionException"
    assert call("GET", path, version=f"{version}-preview").status_code == 200


def test_it_says_that_it_is_on_the_premises(server: Callable[[str], Caller]) -> None:
    body = server("2022")("GET", f"{C}/_apis/connectionData", version="7.1-preview").json()
    assert body["deploymentType"] == "onPremises"
    assert body["authenticatedUser"]["providerDisplayName"] == "Maya Sample"


@pytest.mark.parametrize("token", ["revoked", "expired", "other-organization", None])
@pytest.mark.parametrize("suppress", [True, False])
def test_a_bad_token_is_refused_by_the_web_server_without_a_word(
    server: Callable[[str], Caller], token: str | None, suppress: bool
) -> None:
    answer = server("2020")("GET", f"{C}/_apis/projects", token=token, suppress=suppress, version="6.0")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (401, b"", "0")
    challenges = [value for name, value in answer.raw.headers.iteritems() if name.lower() == "www-authenticate"]
    assert challenges == ['Basic realm="https://vsts/tfs"', "NTLM"]


def test_nobody_may_look_around_even_where_a_project_is_public(server: Callable[[str], Caller]) -> None:
    assert server("2022")("GET", "/commons/_apis/projects", token=None).status_code == 401


def test_a_missing_scope_is_an_empty_refusal_here_too(server: Callable[[str], Caller]) -> None:
    answer = server("2022")("GET", f"{C}/Storefront/_apis/build/builds", token="code-only")
    assert (answer.status_code, answer.content) == (401, b"")
    assert "NTLM" not in answer.headers["WWW-Authenticate"]


def test_there_is_no_host_for_releases_and_no_list_of_areas(server: Callable[[str], Caller]) -> None:
    call = server("2022")
    assert call("GET", f"{C}/_apis/ResourceAreas", version="7.1-preview").json() == {"count": 0, "value": None}
    assert call("GET", f"{C}/Storefront/_apis/release/releases").json()["count"] == 3


@pytest.mark.parametrize(
    ("year", "version", "absent"),
    [
        ("2019", "5.1", {"isDisabled", "isInMaintenance"}),
        ("2020", "6.0", {"isInMaintenance"}),
        ("2022", "7.1", set()),
        ("2025", "7.1", set()),
    ],
)
def test_older_servers_say_less_of_a_repository(
    server: Callable[[str], Caller], year: str, version: str, absent: set[str]
) -> None:
    repository = server(year)("GET", f"{C}/Storefront/_apis/git/repositories", version=version).json()["value"][0]
    assert {"isDisabled", "isInMaintenance"} - set(repository) == absent
    assert repository["remoteUrl"] == repository["webUrl"]
    assert repository["sshUrl"] == f"ssh://127.0.0.1:22/tfs{C}/Storefront/_git/Storefront"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_official_client_works_with_it(server: Callable[[str], Caller]) -> None:
    connection = connect(f"{server('2022').sandbox.url}{C}")
    assert len(connection.clients.get_release_client().get_releases("Storefront")) == 3
    assert len(connection.clients.get_build_client().get_definitions("Storefront")) == 6


def test_it_serves_over_tls_to_those_who_trust_it(playing: Playing, authority: Authority) -> None:
    sandbox = playing(edition=SERVERS["2022"], path="tfs", ssl_context=authority.server("127.0.0.1"))
    assert sandbox.url.startswith("https://")
    call = Caller(sandbox)
    with pytest.raises(requests.exceptions.SSLError):
        call("GET", f"{C}/_apis/projects")
    answer = call("GET", f"{C}/_apis/projects", verify=authority.bundle)
    assert answer.json()["value"][0]["url"].startswith("https://")


def test_releases_may_have_a_host_of_their_own_as_at_the_service(playing: Playing) -> None:
    call = Caller(playing(release_host=True))
    main, release = call.sandbox.url, call.sandbox.release_url
    assert main != release
    areas = call("GET", "/acme/_apis/ResourceAreas", version="7.1-preview").json()["value"]
    assert {one["name"]: one["locationUrl"] for one in areas} == {
        "core": f"{main}/acme/",
        "git": f"{main}/acme/",
        "Build": f"{main}/acme/",
        "Release": f"{release}/acme/",
        "Pipelines": f"{main}/acme/",
        "wit": f"{main}/acme/",
    }
    path = "/acme/Storefront/_apis/release/releases"
    assert call("GET", path, base=release).json()["count"] == 3
    for wrong in (call("GET", path), call("GET", "/acme/_apis/projects", base=release)):
        assert (wrong.status_code, wrong.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    for host in (main, release):
        assert call("GET", "/acme/_apis/connectionData", base=host, version="7.1-preview").status_code == 200


def test_each_host_lists_the_addresses_of_its_own_areas(playing: Playing) -> None:
    call = Caller(playing(release_host=True))
    main, release = call.sandbox.url, call.sandbox.release_url
    for host, area, elsewhere in ((main, "git", "Release"), (release, "Release", "git")):
        listed = call("OPTIONS", f"/acme/_apis/{area}", base=host, version=None).json()["value"]
        assert {item["area"] for item in listed} == {area}
        assert call("OPTIONS", f"/acme/_apis/{elsewhere}", base=host, version=None).json()["value"] == []
