"""What an application may do in each project, as Azure DevOps itself evaluates it.

Bits are looked up by the name of their action, because Azure DevOps has moved some. The definitions of namespaces are
kept for a day for each organization.
https://learn.microsoft.com/rest/api/azure/devops/security/permissions/has-permissions-batch
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connections.providers.azure_devops.transport import Transport, successful
from connections.providers.organization import ProjectRef

GIT = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
BUILD = "33344d9c-fc72-4d6f-aba5-fa317101a7e9"
RELEASE = "c788c23e-1b46-4162-8f5e-d7585343b5de"
NAMESPACES = (GIT, BUILD, RELEASE)
# How many questions one call has, and all calls of a verification together.
QUESTIONS_PER_CALL = 100
MOST_QUESTIONS = 500
_KEPT_SECONDS = 24 * 60 * 60
_MOST_KEPT = 1000
# The value of each action's bit, by namespace.
Bits = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Needed:
    """The actions that a capability needs, all of them, and the name of the thing that they are permitted for."""

    namespace: str
    token: str
    actions: tuple[str, ...]


NEEDED: Mapping[str, Needed] = {
    "code_read": Needed(GIT, "repoV2/{}", ("GenericRead",)),
    "code_write": Needed(GIT, "repoV2/{}", ("GenericContribute",)),
    "code_manage": Needed(GIT, "repoV2/{}", ("CreateRepository",)),
    "build_read": Needed(BUILD, "{}", ("ViewBuilds", "ViewBuildDefinition")),
    "build_execute": Needed(BUILD, "{}", ("QueueBuilds", "StopBuilds")),
    "release_read": Needed(RELEASE, "{}", ("ViewReleaseDefinition", "ViewReleases")),
    "release_execute": Needed(RELEASE, "{}", ("CreateReleases",)),
    "release_manage": Needed(RELEASE, "{}", ("ManageDeployments",)),
}


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a capability is permitted in a project."""

    capability: str
    project: ProjectRef
    bits: int

    @property
    def evaluation(self) -> dict[str, object]:
        """The question as Azure DevOps reads it."""
        needed = NEEDED[self.capability]
        token = needed.token.format(self.project.id)
        return {"securityNamespaceId": needed.namespace, "token": token, "permissions": self.bits}


class _Kept:
    """Definitions that were read, by server and organization."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], tuple[float, Bits]] = {}

    def get(self, transport: Transport) -> Bits | None:
        read_at, bits = self._read.get(_key(transport), (float("-inf"), None))
        return bits if time.monotonic() < read_at + _KEPT_SECONDS else None

    def keep(self, transport: Transport, bits: Bits) -> None:
        with self._lock:
            if len(self._read) >= _MOST_KEPT:
                self._read.clear()
            self._read[_key(transport)] = (time.monotonic(), bits)

    def forget(self) -> None:
        with self._lock:
            self._read.clear()


def _key(transport: Transport) -> tuple[str, str]:
    return transport.server.url, transport.organization.lower()


KEPT = _Kept()


def bits_of(transport: Transport, namespace: str) -> Mapping[str, int]:
    """The bit of each action of a namespace. Raises `AzureDevOpsError`."""
    answer = transport.get(("_apis", "securitynamespaces", namespace))
    for item in answer.json_list():
        actions = item.get("actions")
        if str(item.get("namespaceId", "")).lower() == namespace and isinstance(actions, list):
            return {name: bit for name, bit in map(_action, actions) if name and bit > 0}
    raise answer.unexpected("no such namespace")


def _action(action: object) -> tuple[str, int]:
    name, bit = (action.get("name"), action.get("bit")) if isinstance(action, dict) else (None, None)
    is_known = isinstance(name, str) and isinstance(bit, int) and not isinstance(bit, bool)
    return (str(name), int(str(bit))) if is_known else ("", 0)


def questions(projects: Sequence[ProjectRef], bits: Bits) -> list[Question]:
    """One question for each capability and project, for as many projects as a verification may ask about."""
    needed = _needed_bits(bits)
    most = MOST_QUESTIONS // max(1, len(needed))
    return [
        Question(capability, project, combined)
        for project in projects[:most]
        for capability, combined in needed.items()
    ]


def _needed_bits(bits: Bits) -> dict[str, int]:
    """The bits of each capability; without those whose actions this organization does not have."""
    found: dict[str, int] = {}
    for capability, needed in NEEDED.items():
        values = [bits.get(needed.namespace, {}).get(action, 0) for action in needed.actions]
        if all(values):
            found[capability] = sum(set(values))
    return found


def calls_of(asked: Sequence[Question]) -> list[tuple[Question, ...]]:
    """The questions, as many in each call as Azure DevOps should evaluate at once."""
    return [tuple(asked[at : at + QUESTIONS_PER_CALL]) for at in range(0, len(asked), QUESTIONS_PER_CALL)]


def evaluate(transport: Transport, asked: Sequence[Question]) -> dict[tuple[str, str], bool]:
    """The answers by capability and project id, without those that are missing. Raises `AzureDevOpsError`."""
    body = {"alwaysAllowAdministrators": False, "evaluations": [question.evaluation for question in asked]}
    answer = successful(transport.ask("POST", ("_apis", "security", "permissionevaluationbatch"), json=body))
    evaluated = answer.json_object().get("evaluations")
    if not isinstance(evaluated, list):
        raise answer.unexpected("no evaluations")
    values = {_identity(item): item.get("value") for item in evaluated if isinstance(item, dict)}
    found = {
        (question.capability, question.project.id): values.get(_identity(question.evaluation)) for question in asked
    }
    return {key: value for key, value in found.items() if isinstance(value, bool)}


def _identity(evaluation: Mapping[str, object]) -> tuple[str, str, str]:
    parts = (evaluation.get(name) for name in ("securityNamespaceId", "token", "permissions"))
    namespace, token, bits = map(str, parts)
    return namespace.lower(), token.lower(), bits
