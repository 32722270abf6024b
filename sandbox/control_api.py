"""The control API below /_sandbox/: what the sandbox contains, and how to make it misbehave."""

import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sandbox.fault_injection import KINDS, VARIANTS
from sandbox.http_messages import Answer, Request
from sandbox.people import STATES
from sandbox.samples import MISBEHAVING

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_SHOWN_REQUESTS = 1000


def answer_control_request(sandbox: "Sandbox", request: Request) -> Answer:
    """Answer a request below /_sandbox/."""
    try:
        status, value = _answer(sandbox, request.method, [part.lower() for part in request.path[1:]], request)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        status, value = 400, {"message": str(error)}
    return Answer(status, json.dumps(value, default=str).encode(), [("Content-Type", "application/json")])


def _answer(sandbox: "Sandbox", method: str, path: list[str], request: Request) -> tuple[int, Any]:
    body = request.json()
    if method == "GET" and not path:
        return 200, _overview(sandbox)
    if method == "GET" and path == ["requests"]:
        return 200, [asdict(seen_request) for seen_request in sandbox.requests[-_SHOWN_REQUESTS:]]
    if path == ["behaviour"] and method == "POST":
        if isinstance(body, list):
            return 201, [asdict(rule) for rule in sandbox.behaviour.add_sequence(body)]
        return 201, asdict(sandbox.behaviour.add(**body))
    if path == ["behaviour"] and method == "DELETE":
        sandbox.behaviour.clear()
        return 200, {}
    if path == ["clock"] and method == "POST":
        sandbox.state.advance(float(body["advance"]))
        return 200, {"now": sandbox.state.now()}
    if path[:1] == ["entra"]:
        return _answer_about_entra(sandbox, method, path[1:], body)
    if len(path) == 2 and path[0] == "tokens" and method == "POST":
        return _change_token(sandbox, path[1], body)
    if len(path) == 2 and path[0] == "organizations" and method == "POST":
        return _change_policy(sandbox, path[1], body)
    return 404, {"message": "There is no such endpoint. GET /_sandbox/ shows what the sandbox contains."}


def _answer_about_entra(sandbox: "Sandbox", method: str, path: list[str], body: Any) -> tuple[int, Any]:
    if not sandbox.has_entra:
        return 404, {"message": "This sandbox does not simulate Microsoft Entra. Start it with --entra FOLDER."}
    from sandbox.entra.control import answer

    return answer(sandbox.entra, method, path, body)


def _overview(sandbox: "Sandbox") -> dict[str, Any]:
    return {
        "edition": sandbox.edition.name,
        "organizations": {name: MISBEHAVING.get(name, "") for name in sorted(sandbox.state.organizations)},
        "tokens": {token.name: token.state for token in sandbox.state.tokens.values()},
        "kinds": {
            kind: {"what": description, "variants": VARIANTS.get(kind, ())} for kind, description in KINDS.items()
        },
        "behaviour": [asdict(rule) for rule in sandbox.behaviour.rules()],
        "now": sandbox.state.now(),
        "answered": sandbox.answered,
        "cpu_seconds": time.process_time(),
    }


def _change_policy(sandbox: "Sandbox", name: str, body: dict[str, Any]) -> tuple[int, Any]:
    organization = sandbox.state.organization(name)
    if organization is None:
        return 404, {"message": "There is no organization with this name."}
    organization.token_policy = replace(organization.token_policy, **body["token_policy"])
    return 200, {"name": organization.name, "token_policy": asdict(organization.token_policy)}


def _change_token(sandbox: "Sandbox", name: str, body: dict[str, Any]) -> tuple[int, Any]:
    token = sandbox.state.token_named(name)
    if token is None:
        return 404, {"message": "There is no sample token with this name."}
    state = body.get("state", token.state)
    if state not in STATES:
        raise ValueError(f"unknown state; choose one of {', '.join(STATES)}")
    token.state = state
    token.scopes = tuple(body.get("scopes", token.scopes))
    return 200, {"name": token.name, "state": token.state, "scopes": token.scopes}
