"""Security namespaces, and what the client is permitted to do.

https://learn.microsoft.com/rest/api/azure/devops/security

The service has moved bits of actions before, so here every organization has bits of its own. Clients that look an
action up by its name work with all of them.
"""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.http_messages import Answer, ErrorResponse, Request, argument_missing, error, json_answer, listing
from sandbox.state import Project

_FILE = Path(__file__).with_name("security_namespaces.toml")
_FRAMEWORK = "Microsoft.VisualStudio.Services.Security"


@dataclass(frozen=True)
class Action:
    """An action of a namespace. `right` is what `sandbox.rights` calls it; empty if no one here has it."""

    name: str
    display_name: str
    right: str = ""


@dataclass(frozen=True)
class Namespace:
    """A security namespace. Its tokens begin with `prefix` and the id of a project, unless `prefix` is None."""

    id: str
    name: str
    category: str
    actions: tuple[Action, ...]
    separator: str = "/"
    prefix: str | None = None

    def bits(self, organization: str) -> dict[str, int]:
        """The bit of each action in an organization."""
        positions = list(range(len(self.actions)))
        random.Random(f"{organization.lower()}/{self.id}").shuffle(positions)
        return {action.name: 1 << position for action, position in zip(self.actions, positions, strict=True)}

    def project_id(self, token: str) -> str:
        """The id of the project that a token is about; empty if it is about all of them."""
        below = token.removeprefix(self.prefix or "")
        return below.strip("/").partition("/")[0].partition(":")[0].lower()


@cache
def namespaces() -> dict[str, Namespace]:
    """All namespaces by id."""
    listed = tomllib.loads(_FILE.read_text(encoding="utf-8"))["namespace"]
    return {
        row["id"]: Namespace(**row | {"actions": tuple(Action(*action) for action in row["actions"])}) for row in listed
    }


def list_namespaces(request: Request, names: dict[str, str]) -> Answer:
    """List all namespaces, or the one that the path names."""
    asked = names.get("namespace", "").lower()
    chosen = [namespace for namespace in namespaces().values() if asked in ("", namespace.id)]
    return listing(request, [_namespace_json(request, namespace) for namespace in chosen])


def _namespace_json(request: Request, namespace: Namespace) -> dict[str, Any]:
    bits = namespace.bits(request.organization.name)
    actions = [
        {"bit": bits[action.name], "name": action.name, "displayName": action.display_name, "namespaceId": namespace.id}
        for action in namespace.actions
    ]
    return {
        "namespaceId": namespace.id,
        "name": namespace.name,
        "displayName": namespace.name,
        "separatorValue": namespace.separator,
        "elementLength": -1,
        "writePermission": bits[namespace.actions[-1].name],
        "readPermission": bits[namespace.actions[0].name],
        "dataspaceCategory": namespace.category,
        "actions": sorted(actions, key=lambda action: int(str(action["bit"]))),
        "structureValue": 1,
        "extensionType": None,
        "isRemotable": namespace.prefix is not None,
        "useTokenTranslator": namespace.prefix is not None,
        "systemBitMask": 0,
    }


def permissions(request: Request, names: dict[str, str]) -> Answer:
    """Whether the client has all the permissions in the path, for each of several tokens."""
    bits = int(names["permissions"])
    tokens = request.query.get("tokens", "").split(request.query.get("delimiter") or ",")
    return listing(request, [_is_permitted(request, names["namespace"], token, bits) for token in tokens])


def evaluate_batch(request: Request, _names: dict[str, str]) -> Answer:
    """Evaluate several permissions of the client, each on its own."""
    fields = request.fields()
    evaluations = fields.get("evaluations")
    if not isinstance(evaluations, list):
        raise ErrorResponse(argument_missing(request, "evaluations"))
    return json_answer(request, {**fields, "evaluations": [_evaluation_json(request, asked) for asked in evaluations]})


def _evaluation_json(request: Request, asked: Any) -> dict[str, Any]:
    try:
        namespace, token = str(asked["securityNamespaceId"]), str(asked["token"])
        bits = int(asked["permissions"])
    except (TypeError, KeyError, ValueError):
        raise ErrorResponse(argument_missing(request, "evaluation")) from None
    value = _is_permitted(request, namespace, token, bits)
    return {"securityNamespaceId": namespace, "token": token, "permissions": bits, "value": value}


def _is_permitted(request: Request, namespace_id: str, token: str, bits: int) -> bool:
    """Whether the client has all permissions in `bits`. Raises `ErrorResponse` for an unknown namespace."""
    namespace = namespaces().get(namespace_id.lower())
    if namespace is None:
        text = f"The security namespace {namespace_id} does not exist."
        raise ErrorResponse(error(request, 404, text, "InvalidSecurityNamespaceException", _FRAMEWORK))
    known = namespace.bits(request.organization.name)
    if request.person is None or bits & ~sum(known.values()):
        return False
    asked = [action for action in namespace.actions if known[action.name] & bits]
    projects = _projects(request, namespace, token)
    return bool(projects) and all(_has(request, project, action) for project in projects for action in asked)


def _projects(request: Request, namespace: Namespace, token: str) -> list[Project]:
    """The visible projects that a token is about; none if it names one that does not exist or is hidden."""
    visible = request.organization.visible(request.person)
    if namespace.prefix is None:
        return []
    asked = namespace.project_id(token)
    return [project for project in visible if asked in ("", project.id)]


def _has(request: Request, project: Project, action: Action) -> bool:
    person = request.person
    return person is not None and action.right != "" and not request.organization.denies(person, project, action.right)
