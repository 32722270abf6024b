"""A calibration compares each answer with what is expected, changes nothing, and tells no value."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import date
from typing import Any

import pytest

from connections.domain import runners
from connections.domain.calibration import Calibration, Comparison, Result, Told, token_states
from connections.domain.calibration_run import Clients, calibrate, made_up_organization
from connections.providers.azure_devops.client import AzureDevOpsClient
from connections.providers.azure_devops.credentials import PersonalAccessToken, made_up_token
from connections.providers.azure_devops.identifiers import looks_like_token
from connections.providers.azure_devops.models import Server
from connections.providers.azure_devops.transport import Limits
from connections.providers.organization import ProjectRef
from expected_answers import expected_answers
from sandbox.editions import SERVERS
from sandbox.samples import COLLECTION, secret
from sandbox.server import Sandbox
from sandbox.state import GLOBAL_TOKENS_END
from tests.leaks import traces

Run = Callable[..., Calibration]
FULL = Told(code="manage", build="execute", release="manage")
PROBES = {key for key, request in expected_answers().requests.items() if request.is_probe}
WRITING = {key for key, request in expected_answers().requests.items() if request.writes}
DAY = date(2026, 11, 28)


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    """Calibrates with the sandbox: `run(FULL, token="full", organization="acme")`."""

    def make(
        told: Told,
        *,
        token: str = "full",
        organization: str = "acme",
        at: Sandbox | None = None,
        limit: float = 10.0,
        pace: type[runners.ConcurrentRunner] = runners.ConcurrentRunner,
        **more: Any,
    ) -> Calibration:
        playing = at or sandbox
        server = Server("Own", playing.url) if at else Server("Sandbox", playing.url, kind="sandbox")
        known, limits = PersonalAccessToken(secret(token)), Limits(connect_timeout=2, deadline=limit)
        places = ((organization, known), (organization, made_up_token()), (made_up_organization(), made_up_token()))
        with ExitStack() as stack, closing(pace(limit + 5)) as running:
            opened = [
                stack.enter_context(AzureDevOpsClient(server, where, who, limits=limits)) for where, who in places
            ]
            settings: dict[str, Any] = {"write_probes": True, "day": DAY, "credential": known} | more
            return calibrate(Clients(*opened), running, told, **settings)

    return make


def of(found: Calibration, key: str) -> Comparison:
    return next(comparison for comparison in found.comparisons if comparison.request.key == key)


def with_result(found: Calibration, result: Result) -> set[str]:
    return {comparison.request.key for comparison in found.with_result(result)}


LEVELS = [
    ("full", FULL),
    ("read-only", Told(code="read", build="read", release="read")),
    ("no-build", Told(code="manage", release="manage")),
    ("no-release", Told(code="manage", build="execute")),
    ("code-only", Told(code="read")),
]


@pytest.mark.parametrize(("token", "told"), LEVELS, ids=[token for token, _ in LEVELS])
def test_with_the_scopes_that_were_told_every_answer_is_as_expected(run: Run, token: str, told: Told) -> None:
    found = run(told, token=token)
    assert with_result(found, Result.AS_EXPECTED) == set(expected_answers().requests)
    for key in PROBES:
        granted = expected_answers().requests[key].capability in told.capabilities
        assert of(found, key).situation == ("scope_granted" if granted else "scope_missing")


def test_a_person_without_the_rights_is_expected_too(run: Run) -> None:
    found = run(FULL, token="no-rights", organization="guarded")
    assert found.counts[Result.DIFFERENT] == 0
    denied = {comparison.request.key for comparison in found.comparisons if comparison.reading == "not_permitted"}
    assert denied == WRITING


@pytest.mark.parametrize(
    ("token", "organization", "state", "answer"),
    [
        ("expired", "acme", "expired", "expired_token"),
        ("revoked", "acme", "revoked", "revoked_token"),
        ("other-organization", "acme", "another-organization", "token_of_another_organization"),
        ("global", "strict", "all-organizations", "token_for_all_organizations_refused_by_policy"),
    ],
)
def test_how_a_token_is_refused_is_compared_and_nothing_more_is_asked(
    run: Run, sandbox: Sandbox, token: str, organization: str, state: str, answer: str
) -> None:
    found = run(Told(state), token=token, organization=organization)
    assert of(found, "connection_data").expected is not None
    assert [
        comparison.expected.id
        for comparison in (of(found, "connection_data"), of(found, "projects"))
        if comparison.expected
    ] == [answer, answer]
    assert found.counts[Result.DIFFERENT] == 0
    assert len(sandbox.requests) == 4


def test_a_token_for_all_organizations_is_accepted_until_it_ends(run: Run, sandbox: Sandbox) -> None:
    before = run(Told("all-organizations"), token="global")
    assert (before.counts[Result.DIFFERENT], of(before, "connection_data").reading) == (0, "accepted")
    assert of(before, "code_read").reason == "told_not_valid"
    sandbox.state.now = lambda: GLOBAL_TOKENS_END
    after = run(Told("all-organizations"), token="global")
    assert (after.counts[Result.DIFFERENT], of(after, "connection_data").reading) == (0, "token_refused")


@pytest.mark.parametrize("token", ["full", "expired", "revoked"])
def test_a_server_of_ones_own_answers_in_its_own_way(run: Run, token: str) -> None:
    told = FULL if token == "full" else Told(token)
    with Sandbox(edition=SERVERS["2022"]) as server:
        found = run(told, token=token, organization=COLLECTION, at=server)
    assert found.place == "collection"
    assert found.counts[Result.DIFFERENT] == 0
    assert of(found, "made_up_token").expected is not None


@pytest.mark.parametrize("place", ["organization", "collection"])
def test_something_is_expected_of_every_request_whatever_was_told(place: Any) -> None:
    expected = expected_answers()
    with_a_dead_token = ("connection_data", "projects", "made_up_token", "no_such_organization")
    for state in token_states(place):
        for told in (Told(state), *([FULL] if state == "valid" else [])):
            keys = expected.requests if state == "valid" else with_a_dead_token
            for key in keys:
                situations = told.situations(expected.requests[key])
                assert expected.to(key, when=situations[:1], place=place), (state, key)


def test_scopes_that_were_told_wrongly_show_as_differences(run: Run) -> None:
    found = run(Told(code="write", build="read"), token="code-only")
    assert with_result(found, Result.DIFFERENT) == {"code_write", "build_read", "builds", "no_such_build"}
    wrong = of(found, "code_write")
    assert wrong.situation == "scope_granted"
    assert wrong.reading == "missing"
    assert {"status", "type_key", "reading"} <= set(wrong.differs_in)


def test_a_token_that_is_refused_unexpectedly_is_one_difference_and_no_more_is_asked(run: Run) -> None:
    found = run(FULL, token="revoked")
    assert with_result(found, Result.DIFFERENT) == {"connection_data", "projects"}
    assert {of(found, key).reason for key in PROBES} == {"token_refused"}


def test_an_answer_that_nobody_expected_is_compared_with_the_nearest(run: Run, sandbox: Sandbox) -> None:
    body = {"message": "Nothing.", "typeKey": "SomethingNewException", "novelty": 1}
    headers = {"Content-Type": "application/json", "X-Novelty": "1"}
    sandbox.behaviour.add("status", method="POST", path="pushes", status=418, body=json.dumps(body), headers=headers)
    found = run(FULL)
    assert with_result(found, Result.DIFFERENT) == {"code_write"}
    (told,) = json.loads(found.file())["different"]
    assert told["expected"]["answer"] in ("no_such_repository_to_write_to", "empty_body_refused")
    assert told["seen"] == {
        "status": 418,
        "headers": told["seen"]["headers"],
        "other_headers": 1,
        "content_type": "application/json",
        "body": "object",
        "body_bytes": len(json.dumps(body)),
        "shape": {"keys": {"message": "text of 8", "typeKey": "text of 21"}, "other keys": 1},
        "type_key": "SomethingNewException",
        "words": [],
        "signed_as": "nobody",
        "reading": "unknown",
    }


def test_an_answer_of_the_right_form_that_names_somebody_else_differs(run: Run, sandbox: Sandbox) -> None:
    body = {"message": "TF401019: x", "typeKey": "GitRepositoryNotFoundException"}
    headers = {"Content-Type": "application/json", "ActivityId": "x" * 8, "X-VSS-UserData": "somebody:x"}
    sandbox.behaviour.add(
        "status", method="PATCH", path="repositories", status=404, body=json.dumps(body), headers=headers
    )
    assert of(run(FULL), "code_manage").differs_in == ("signed_as", "reading")


def test_where_writing_is_not_tried_nothing_but_get_is_sent(run: Run, sandbox: Sandbox) -> None:
    found = run(FULL, write_probes=False)
    assert with_result(found, Result.NOT_ASKED) == WRITING
    assert {of(found, key).reason for key in WRITING} == {"write_probes_off"}
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert json.loads(found.file())["write_probes"] is False


def test_a_connection_that_is_limited_is_asked_in_a_chosen_project_only(run: Run, sandbox: Sandbox) -> None:
    chosen = sandbox.state.organizations["acme"].projects[3]
    found = run(FULL, projects=[ProjectRef(chosen.id, chosen.name)])
    assert found.counts[Result.DIFFERENT] == 0
    assert {request.path.split("/")[2] for request in sandbox.requests} == {"_apis", chosen.id}


def test_without_a_visible_project_the_rest_is_not_asked(run: Run) -> None:
    found = run(FULL, token="no-projects")
    assert {of(found, key).reason for key in PROBES} == {"no_project"}
    gone = run(FULL, projects=[ProjectRef("11111111-2222-4333-8444-555555555555", "Gone")])
    assert {of(gone, key).reason for key in PROBES} == {"no_chosen_project"}


def test_whoever_asks_to_wait_is_not_asked_more(run: Run, sandbox: Sandbox) -> None:
    found = run(FULL, organization="busy")
    assert {of(found, key).reason for key in PROBES} == {"throttled"}
    assert len(sandbox.requests) == 4


def test_what_does_not_answer_in_time_is_no_answer(run: Run, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("latency", path="/builds", seconds=30)
    found = run(FULL, limit=3.0)
    assert with_result(found, Result.NO_ANSWER) == {"builds", "no_such_build", "build_execute"}
    assert {of(found, key).reason for key in ("builds", "no_such_build", "build_execute")} == {"timed_out"}


class TooSlow(runners.ConcurrentRunner):
    """What is asked last is never finished in time."""

    def run(self, calls: Sequence[Callable[[], object]]) -> list[object]:
        """All but the last."""
        return [*super().run(calls[:-1]), None]


def test_what_the_limit_cuts_off_is_no_answer(run: Run) -> None:
    found = run(FULL, pace=TooSlow)
    assert with_result(found, Result.NO_ANSWER) == {"no_such_organization", "releases"}
    assert {of(found, key).reason for key in ("no_such_organization", "releases")} == {"time_limit"}


def test_a_connection_that_breaks_is_no_answer(run: Run, sandbox: Sandbox) -> None:
    sandbox.behaviour.add("close")
    found = run(FULL)
    assert with_result(found, Result.NO_ANSWER) == {
        "connection_data",
        "projects",
        "made_up_token",
        "no_such_organization",
    }
    assert {of(found, key).reason for key in PROBES} == {"connection_failed"}


def test_the_list_of_projects_may_fail_by_itself(run: Run) -> None:
    found = run(FULL, organization="unlisted")
    assert with_result(found, Result.DIFFERENT) == {"projects"}
    assert {of(found, key).reason for key in PROBES} == {"scope_missing"}


def test_the_stored_token_goes_to_no_other_organization(
    run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox import request_pipeline

    carried: set[tuple[str, bool]] = set()
    usual = request_pipeline.token_of

    def notice(state: Any, request: Any) -> Any:
        token = usual(state, request)
        carried.add((request.path[0], token is not None))
        return token

    monkeypatch.setattr(request_pipeline, "token_of", notice)
    run(FULL)
    assert {organization for organization, is_known in carried if is_known} == {"acme"}
    assert len({organization for organization, _ in carried}) == 2


def test_nothing_that_writes_is_aimed_at_what_exists(run: Run, sandbox: Sandbox) -> None:
    organization = sandbox.state.organizations["acme"]
    there = {repository.id for project in organization.projects for repository in project.repositories}
    run(FULL)
    written = [request.path for request in sandbox.requests if request.method != "GET"]
    assert len(written) == len(WRITING)
    assert all(not any(id_ in path for id_ in there) for path in written)


def test_a_made_up_token_has_todays_form_and_is_never_the_same() -> None:
    first, second = made_up_token(), made_up_token()
    assert looks_like_token(first)
    assert first != second


def test_the_file_says_under_which_conditions_it_was_made(run: Run) -> None:
    file = json.loads(run(Told(code="read"), token="code-only").file())
    assert file["calibration"] == 1
    assert file["expected_answers"] == expected_answers().version
    assert file["day"] == "2026-11-28"
    assert file["azure_devops"] == "sandbox"
    assert file["token"] == {"state": "valid", "code": "read", "build": "none", "release": "none"}
    assert file["counts"] == {"as_expected": 18, "different": 0, "no_answer": 0, "not_asked": 0}
    assert {one["mark"] for one in file["as_expected"]} <= {"recorded", "documented", "reported", "inferred"}


@pytest.mark.parametrize(
    "wrong", [{"token_state": "x"}, {"code": "execute"}, {"build": "manage"}, {"release": "read\n"}]
)
def test_what_nobody_can_say_of_a_token_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"no (state|level)"):
        Told(**wrong)


# What a hostile server may put anywhere: our own token, and names and addresses of people.
NAME, MAIL = "Olga Hostile", "olga.hostile@example.com"


@pytest.mark.parametrize("token", ["full", "code-only"])
def test_no_hostile_answer_brings_a_token_a_name_or_an_address_into_the_file(
    run: Run, sandbox: Sandbox, token: str
) -> None:
    own = secret(token)
    letters = "".join(letter for letter in own if letter.isalpha())
    for text in (own, letters[:60], NAME, MAIL, "Storefront"):
        plain = "".join(letter for letter in text if letter.isalpha())
        body = {
            "typeKey": f"{plain}Exception",
            "message": f"TF401019: {text}",
            text: text,
            "value": [{text: {text: text}, "name": text, "typeKey": f"{plain}Exception"}],
        }
        name = "".join(letter for letter in text if letter.isascii() and letter.isalnum())
        headers = {name: text, f"X-VSS-{name}": text, "Content-Type": f"application/{name}+json; {name}={text}"}
        headers |= {"X-TFS-ServiceError": text, "X-VSS-UserData": f"{text}:{text}", "ETag": text}
        sandbox.behaviour.clear()
        sandbox.behaviour.add(
            "status", path="/(git|build|release)/", status=404, body=json.dumps(body), headers=headers
        )
        file = run(FULL, token=token, people=[NAME, MAIL]).file()
        assert len(json.loads(file)["different"]) >= 8
        for trace in (text, name, plain, *(trace.decode() for trace in traces(text) if len(trace) > 3)):
            assert trace.lower() not in file.lower(), trace
