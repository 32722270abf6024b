"""Revoke a leaked token: its owner signs in at Microsoft."""

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from connections import leak_reads
from connections.actions import revoke_leaked
from connections.actions.refusals import CannotRenew
from connections.models import LeakedToken
from connections.views.common import person, to_microsoft

# The second is needed to return from Microsoft.
_PERMISSIONS = ("connections.declare_leak", "connections.rotate_connection")
_CHECK_IN_AZURE_DEVOPS = (
    "If it was revoked there, or has expired, no action is needed. Otherwise look for it in Azure DevOps, also in "
    "other organizations of this person, and revoke it there."
)


def may_revoke(request: HttpRequest, leak: LeakedToken) -> bool:
    """Whether this person can let the owner of the token revoke it by signing in here."""
    return person(request).has_perms(_PERMISSIONS) and revoke_leaked.is_possible(leak)


@require_POST
@permission_required(_PERMISSIONS, raise_exception=True)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """POST: leave for Microsoft, to revoke the token, or the `entry` that the person picked as it."""
    leak = get_object_or_404(leak_reads.shown_to(request.user), pk=pk)
    try:
        address = revoke_leaked.begin(leak, request.POST.get("entry", ""), person=person(request), now=timezone.now())
    except CannotRenew as refused:
        flash.error(request, refused.message)
        return redirect(leak)
    return to_microsoft(request, address, f"Leaked {leak.words.name} of {leak.organization}")


def say_what_was_revoked(request: HttpRequest, leak: LeakedToken) -> None:
    """After the sign-in: say whether it was revoked."""
    if leak.revoked_at:
        flash.success(request, "The leaked token was revoked.")
    elif leak.candidates:
        flash.info(request, "Nothing was revoked yet. Choose which token leaked, and sign in once more.")
    else:
        nothing = f"{leak.identity_name} has no valid token in this organization that it could be."
        flash.warning(request, f"{nothing} {_CHECK_IN_AZURE_DEVOPS}")
