"""Scopes of tokens and what each includes.

https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/oauth#scopes
"""

_CONTAINS: dict[str, tuple[str, ...]] = {
    "vso.hooks": ("vso.profile",),
    "vso.hooks_write": ("vso.hooks",),
    "vso.code": ("vso.hooks_write",),
    "vso.code_write": ("vso.code",),
    "vso.code_manage": ("vso.code_write",),
    "vso.code_full": ("vso.code_manage",),
    "vso.build": ("vso.hooks_write",),
    "vso.build_execute": ("vso.build",),
    "vso.release": ("vso.profile",),
    "vso.release_execute": ("vso.release",),
    "vso.release_manage": ("vso.release_execute",),
    "vso.variablegroups_write": ("vso.variablegroups_read",),
    "vso.variablegroups_manage": ("vso.variablegroups_write",),
    "vso.project_write": ("vso.project",),
    "vso.project_manage": ("vso.project_write",),
    "vso.profile_write": ("vso.profile",),
    "vso.work": ("vso.hooks_write",),
    "vso.work_write": ("vso.work",),
    "vso.work_full": ("vso.work_write",),
    "vso.serviceendpoint": ("vso.profile",),
    "vso.serviceendpoint_query": ("vso.serviceendpoint",),
    "vso.serviceendpoint_manage": ("vso.serviceendpoint_query",),
    "vso.packaging": ("vso.profile",),
    "vso.test": ("vso.profile",),
    # No call that is simulated needs these.
    "vso.agentpools_manage": ("vso.agentpools",),
    "vso.code_status": (),
    "vso.environment_manage": ("vso.agentpools_manage",),
    "vso.graph_manage": ("vso.graph",),
    "vso.identity": (),
    "vso.machinegroup_manage": (),
    "vso.pipelineresources_manage": ("vso.pipelineresources_use",),
    "vso.security_manage": (),
    "vso.taskgroups_manage": ("vso.taskgroups_write",),
    "vso.taskgroups_write": ("vso.taskgroups_read",),
    "vso.threads_full": (),
    "vso.tokenadministration": (),
    "vso.tokens": (),
}
EVERYTHING = "app_token"
# What a personal access token may be made with.
GRANTABLE = frozenset([EVERYTHING, *_CONTAINS, *(scope for included in _CONTAINS.values() for scope in included)])
FULL = ("vso.code_manage", "vso.build_execute", "vso.release_manage")


def everything_in(scopes: tuple[str, ...]) -> frozenset[str]:
    """The scopes with all scopes that they include."""
    included: set[str] = set()
    waiting = list(scopes)
    while waiting:
        scope = waiting.pop()
        if scope not in included:
            included.add(scope)
            waiting.extend(_CONTAINS.get(scope, ()))
    return frozenset(included)


def opens(scopes: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a token with these scopes may make a call that wants any one of `wanted`; none wanted is open."""
    return not wanted or EVERYTHING in scopes or not everything_in(scopes).isdisjoint(wanted)
