"""The sandbox answers each request in each situation as the file says."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from expected_answers import ExpectedAnswer, ExpectedRequest, expected_answers
from expected_answers.observation import differences, observe
from sandbox.editions import SERVERS
from sandbox.people import Token
from sandbox.samples import COLLECTION, secret
from sandbox.scopes import FULL
from sandbox.server import Sandbox
from sandbox.state import GLOBAL_TOKENS_END

EXPECTED = expected_answers()
CASES = [(request, answer) for answer in EXPECTED.answers for request in answer.requests]
# The sandbox looks things up before it reads what a body says, so it never gets to this one.
NOT_PLAYED = {"empty_body_refused"}
MADE_UP = "made-up"


@dataclass(frozen=True)
class Played:
    """With which token, and in which organization, the sandbox plays a situation."""

    token: str
    organization: str = "acme"


BY_SITUATION = {
    "no_scope_needed": Played("full"),
    "scope_granted": Played("full"),
    "scope_missing": Played("without the scope"),
    "right_missing": Played("no-rights", "guarded"),
    "wrong_token": Played(MADE_UP),
    "expired_token": Played("expired"),
    "revoked_token": Played("revoked"),
    "token_of_another_organization": Played("other-organization"),
    "token_for_all_organizations": Played("global"),
    "no_such_organization": Played(MADE_UP, "no-such-organization"),
}
BY_ANSWER = {
    "wrong_token_without_a_word": Played(MADE_UP, "silent"),
    "wrong_token_with_a_public_project": Played(MADE_UP, "commons"),
    "token_for_all_organizations_refused_by_policy": Played("global", "strict"),
}
# The least scopes that contain everything below a capability, and not the capability itself.
BELOW = {
    "code_write": ("vso.code",),
    "code_manage": ("vso.code_write",),
    "build_execute": ("vso.build",),
    "release_execute": ("vso.release",),
    "release_manage": ("vso.release_execute",),
}


def scopes_without(capability: str) -> tuple[str, ...]:
    """All scopes of the other areas, and those of this one below the capability."""
    if capability == "any":
        return ("vso.variablegroups_read",)
    area = capability.partition("_")[0]
    return (*(scope for scope in FULL if area not in scope), *BELOW.get(capability, ()))


@pytest.fixture
def play() -> Iterator[Callable[[ExpectedRequest, ExpectedAnswer], requests.Response]]:
    """Asks a sandbox that plays the situation of an answer."""
    running: list[Sandbox] = []

    def ask(request: ExpectedRequest, answer: ExpectedAnswer) -> requests.Response:
        is_server = answer.place == "collection"
        sandbox = Sandbox(edition=SERVERS["2022"]) if is_server else Sandbox()
        running.append(sandbox.__enter__())
        played = BY_ANSWER.get(answer.id) or BY_SITUATION[answer.when]
        if answer.when == "token_for_all_organizations":
            sandbox.state.now = lambda: GLOBAL_TOKENS_END
        person = sandbox.state.tokens[secret("full")].person
        lesser = Token("z" * 84, "lesser", person, "acme", scopes_without(request.capability))
        sandbox.state.tokens[lesser.secret] = lesser
        organization = COLLECTION if is_server else played.organization
        token = {"without the scope": lesser.secret, MADE_UP: "y" * 84}.get(played.token) or secret(played.token)
        return _send(sandbox, request, organization, token)

    yield ask
    for sandbox in running:
        sandbox.__exit__()


def _send(sandbox: Sandbox, request: ExpectedRequest, organization: str, token: str) -> requests.Response:
    found = sandbox.state.organization(organization)
    project = found.projects[0].id if found else str(uuid.uuid4())
    path = request.path.format(project=project, no_such_id=uuid.uuid4(), no_such_number=2_147_483_647)
    return requests.request(
        request.method,
        f"{sandbox.url}/{organization}/{path}",
        params={**request.query, "api-version": request.api_version},
        json=request.body,
        headers={"Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"},
        auth=("", token),
        allow_redirects=False,
        timeout=10,
    )


@pytest.mark.parametrize(
    ("request_key", "answer"),
    [(key, answer) for key, answer in CASES if answer.id not in NOT_PLAYED],
    ids=[f"{answer.id}: {key}" for key, answer in CASES if answer.id not in NOT_PLAYED],
)
def test_the_sandbox_answers_as_expected(
    play: Callable[[ExpectedRequest, ExpectedAnswer], requests.Response], request_key: str, answer: ExpectedAnswer
) -> None:
    response = play(EXPECTED.requests[request_key], answer)
    headers = {name.lower(): value for name, value in response.headers.items()}
    asker = headers.get("x-vss-userdata", "").partition(":")[0]
    seen = observe(EXPECTED, status=response.status_code, headers=headers, body=response.content, asker=asker)
    assert differences(answer, seen) == (), seen


def test_what_is_not_played_is_still_expected() -> None:
    assert {answer.id for answer in EXPECTED.answers} >= NOT_PLAYED
