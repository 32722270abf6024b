"""What people do in Azure DevOps from here: the permission each act wants here, and the scope it wants there."""

from dataclasses import dataclass, replace

from connections import clients
from connections.domain.health import Health
from connections.domain.problems import catalogue
from connections.models import Connection
from connections.providers.capability import Verdict
from connections.providers.registry import CAPABILITIES


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that changes Azure DevOps. `capability` is a key of the capability check."""

    key: str
    label: str
    permission: str
    capability: str

    @property
    def scope_label(self) -> str:
        """The scope in Azure DevOps' own words."""
        return CAPABILITIES[self.capability].azure_label


CREATE_REPOSITORY = Operation("create_repository", "New repository", "delivery.create_repository", "code_manage")
CREATE_BRANCH = Operation("create_branch", "New branch", "delivery.write_code", "code_write")
COMMIT_FILE = Operation("commit_file", "Commit a file", "delivery.write_code", "code_write")
CREATE_RELEASE = Operation("create_release", "Create release", "delivery.create_release", "release_execute")
DEPLOY_STAGE = Operation("deploy_stage", "Deploy", "delivery.deploy_release", "release_execute")
CANCEL_DEPLOYMENT = Operation("cancel_deployment", "Cancel deployment", "delivery.deploy_release", "release_execute")
APPROVE_DEPLOYMENT = Operation("approve_deployment", "Approve", "delivery.approve_deployment", "release_manage")
REJECT_DEPLOYMENT = Operation("reject_deployment", "Reject", "delivery.approve_deployment", "release_manage")
RUN_PIPELINE = Operation("run_pipeline", "Run pipeline", "delivery.run_pipeline", "build_execute")
CANCEL_BUILD = Operation("cancel_build", "Cancel", "delivery.cancel_build", "build_execute")


@dataclass(frozen=True, slots=True)
class OperationCheck:
    """Whether an act may be tried with a connection's token, and why not."""

    act: Operation
    problem: catalogue.Problem | None = None

    @property
    def given(self) -> bool:
        """Nothing known speaks against it."""
        return self.problem is None


def check_allowed(connection: Connection, act: Operation) -> OperationCheck:
    """What the last check says. Only a scope that is surely missing, or a token that is surely refused, forbids.

    A person's missing right does not: it was tried in one project, and may be there in another.
    """
    if connection.disabled:
        return _no(connection, act, "connection_disabled")
    if connection.health == Health.REJECTED:
        return _no(connection, act, connection.problem or "token_refused")
    if missing_scope(connection, act.capability):
        lacks = f"The token lacks the scope {act.scope_label}. {CAPABILITIES[act.capability].without}"
        return _no(connection, act, "scope_missing", explanation=lacks)
    return OperationCheck(act)


def missing_scope(connection: Connection, capability: str) -> bool:
    """Whether the last check found that the token surely lacks it. Uses what was prefetched of `capabilities`."""
    states = connection.verdicts()
    return states.get(capability) == Verdict.MISSING


def _no(connection: Connection, act: Operation, code: str, *, explanation: str = "") -> OperationCheck:
    problem = catalogue.problem(code, place=clients.place_of(connection.server))
    return OperationCheck(act, replace(problem, explanation=explanation or problem.explanation))
