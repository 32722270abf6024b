"""The page with the form of an address that cannot be opened by itself.

Such an address shows a page only in response to the form: its errors, or a question. People whose session ended on that
page are sent to the page with the form after they have signed in again.
"""

from django.urls import Resolver404, get_script_prefix, resolve, reverse

_PAGES = {
    "connections:test-new": "connections:add-azure-devops",
    "connections:find-project-new": "connections:add-azure-devops",
    "connections:test-replacement": "connections:update-token",
    "connections:extend-token": "connections:update-token",
    "connections:verify-step": "connections:rotation-step",
    "connections:find-project": "connections:edit",
    "connections:test": "connections:detail",
    "connections:disable": "connections:detail",
    "connections:enable": "connections:detail",
    "connections:default": "connections:detail",
    "connections:hand-over-chosen": "connections:list",
    "connections:disable-chosen": "connections:list",
    "connections:close-chosen-entries": "connections:register",
    "connections:hand-over-chosen-entries": "connections:register",
    "connections:delete-chosen-entries": "connections:register",
    "connections:declare-leak": "connections:check-leak",
    "connections:change-token-policy": "connections:token-policy",
    "connections:make-calendar": "connections:calendar",
    "delivery:cancel-build": "delivery:build",
    "people:own-address": "people:account",
    "people:role": "people:person",
    "people:details": "people:person",
    "people:password-link": "people:person",
    "people:hand-over": "people:person",
}


def form_page(path: str) -> str:
    """The path of the page with the form; `path` itself if that can be opened."""
    try:
        match = resolve(f"/{path.removeprefix(get_script_prefix())}")
    except Resolver404:
        return path
    name = _PAGES.get(match.view_name)
    return reverse(name, args=match.args, kwargs=match.kwargs) if name else path
