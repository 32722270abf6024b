"""Scopes of tokens and what each contains.

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
    "vso.project_write": ("vso.project",),
    "vso.project_manage": ("vso.project_write",),
    "vso.work": ("vso.hooks_write",),
}
FULL = ("vso.code_manage", "vso.build_execute", "vso.release_manage")


def everything_in(scopes: tuple[str, ...]) -> frozenset[str]:
    """The scopes with all that they contain."""
    found: set[str] = set()
    waiting = list(scopes)
    while waiting:
        scope = waiting.pop()
        if scope not in found:
            found.add(scope)
            waiting.extend(_CONTAINS.get(scope, ()))
    return frozenset(found)
