"""The guide: how to make a token, what it needs, what can go wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections import expiry, guidance, messages
from connections.azure_devops.types import Place
from connections.views.common import guide_context


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """GET /help/azure-devops/. Anybody who is signed in may read it."""
    guided = guide_context()
    usual = guided["places"][0]
    context = {
        "problems": [messages.problem(code, place=usual) for code in _causes(usual)],
        "server_problems": [
            messages.problem(code, place="collection") for code in messages.TROUBLESHOOTING_OF_A_SERVER
        ],
        "security_practices": guidance.SECURITY_PRACTICES,
        "links": [{"label": label, "url": url} for label, url in guidance.HELP_LINKS],
        **guided,
    }
    return render(request, "connections/guide.html", context)


def _causes(place: Place) -> list[str]:
    """The causes of the guide, without those that only the service knows."""
    own = messages.OF_THE_SERVICE_ALONE if place == "collection" else ()
    has_come = timezone.localdate() >= expiry.GLOBAL_TOKENS_END
    later = messages.TROUBLESHOOTING_AFTER_THE_END_OF_GLOBAL_TOKENS if has_come else ()
    return [code for code in (*messages.TROUBLESHOOTING, *later) if code not in own]
