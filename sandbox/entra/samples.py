"""The sample tenants and applications that every sandbox starts with, and where they are members."""

from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache

from sandbox.entra.directory import Application, ClientSecret, Directory, FederatedCredential
from sandbox.ids import EPOCH, stable_sha
from sandbox.people import TENANT, Principal
from sandbox.rights import EVERY_RIGHT, READS
from sandbox.state import Organization, State

OTHER_TENANT = "00000000-aaaa-4bbb-8ccc-000000000002"
# What happens to each sample application.
SAMPLES = {
    "full": "everything works, in every organization",
    "dated": "everything works, and Microsoft Graph shows it when its secret expires",
    "limited": "may read, contribute code in two projects, and queue builds in one of them",
    "reader": "may only read",
    "stakeholder": "has a Stakeholder licence, and sees no code",
    "no-licence": "is a member without a licence",
    "not-a-member": "is not a member",
    "disabled": "is disabled in Microsoft Entra",
    "managed": "is the managed identity of this machine, and has no secret",
    "sign-in": "lets people sign in, and is not a member itself",
    "other-tenant": "belongs to another tenant than the organizations",
}
# Below the address of Azure DevOps.
SIGN_IN_PATH = "_entra"
_LIMITED = frozenset({"GenericContribute", "CreateBranch", "PullRequestContribute"})
# Those with contents of every kind.
_SHOWN_PROJECTS = 2
# Another issuer, such as that of a cluster, whose tokens the applications accept.
WORKLOAD_ISSUER = "https://oidc.example.com/cluster/"


def sign_in_page(azure_devops_url: str) -> str:
    """Where people sign in: without TLS, so that a browser needs no certificate."""
    return f"{azure_devops_url}/{SIGN_IN_PATH}"


@lru_cache(maxsize=100)
def client_secret(name: str) -> str:
    """A client secret in today's format of 40 characters. It is the same in every run and works only here."""
    digits = stable_sha("client secret", name)
    return f"{digits[:3]}8Q~{(name.title().replace('-', '') + digits)[:34]}"


def sample_directory() -> Directory:
    """The sample applications. Those that work have a secret, and accept tokens of a workload."""
    applications = [new_application(name) for name in SAMPLES]
    by_name = {application.name: application for application in applications}
    by_name["full"].secrets.append(ClientSecret(client_secret("full-expired"), EPOCH - timedelta(days=1)))
    by_name["dated"].may_read_applications = True
    by_name["disabled"].is_enabled = False
    by_name["managed"].is_managed = True
    by_name["managed"].secrets = []
    by_name["managed"].federated = []
    return Directory(applications)


def new_application(name: str) -> Application:
    """An application with a secret, which accepts tokens of a workload."""
    tenant = OTHER_TENANT if name == "other-tenant" else TENANT
    return Application(
        name,
        f"Sandbox {name.replace('-', ' ')}",
        tenant,
        secrets=[ClientSecret(client_secret(name))],
        federated=[FederatedCredential(WORKLOAD_ISSUER, workload_subject(name))],
    )


def workload_subject(name: str) -> str:
    """The workload that signs in as an application."""
    return f"system:serviceaccount:sandbox:{name}"


def add_principals(state: State, directory: Directory) -> None:
    """Make the sample principals members of the sample organizations."""
    acme = state.organizations["acme"]
    for name in ("limited", "reader", "stakeholder", "no-licence"):
        acme.members.add(directory.named(name).principal.id)
    everywhere = [directory.named(name).principal for name in ("full", "dated", "managed")]
    for organization in state.organizations.values():
        add_to_organization(organization, *everywhere)
    _limit(acme, directory.named("limited").principal)
    _show(acme, [directory.named("reader").principal.id], _SHOWN_PROJECTS)
    acme.denied_to[directory.named("reader").principal.id] = EVERY_RIGHT - READS
    _show(acme, [directory.named("stakeholder").principal.id], _SHOWN_PROJECTS)
    acme.licences[directory.named("stakeholder").principal.id] = "stakeholder"
    acme.licences[directory.named("no-licence").principal.id] = "none"


def _limit(organization: Organization, principal: Principal) -> None:
    _show(organization, [principal.id], _SHOWN_PROJECTS)
    first, *others = organization.projects[:_SHOWN_PROJECTS]
    first.denied_to[principal.id] = EVERY_RIGHT - READS - _LIMITED - {"Queue builds", "Stop builds"}
    for project in others:
        project.denied_to[principal.id] = EVERY_RIGHT - READS - _LIMITED


def _show(organization: Organization, ids: Collection[str], count: int) -> None:
    """Let members see the first projects, but for those that only their owner sees."""
    for project in organization.projects[:count]:
        if project.seen_by is not None and len(project.seen_by) > 1:
            project.seen_by = project.seen_by.union(ids)


def add_to_organization(organization: Organization, *principals: Principal) -> None:
    """Make principals members who see every project."""
    ids = [principal.id for principal in principals]
    organization.members.update(ids)
    _show(organization, ids, len(organization.projects))
