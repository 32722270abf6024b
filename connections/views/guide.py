"""The guide: how to make a token, what it needs, what can go wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.domain import expiry
from connections.domain.problems import catalogue
from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.organization import Place
from connections.views.common import guide_context


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """GET /help/azure-devops/. Anybody who is signed in may read it."""
    guided = guide_context()
    usual = guided["places"][0]
    context = {
        "problems": [catalogue.problem(code, place=usual) for code in _causes(usual)],
        "server_problems": [
            catalogue.problem(code, place="collection") for code in catalogue.TROUBLESHOOTING_OF_A_SERVER
        ],
        **guided,
    }
    return render(request, AZURE_DEVOPS.guide_template, context)


def _causes(place: Place) -> list[str]:
    """The causes of the guide, without those that only the service knows."""
    own = catalogue.OF_THE_SERVICE_ALONE if place == "collection" else ()
    has_come = timezone.localdate() >= expiry.GLOBAL_TOKENS_END
    later = catalogue.TROUBLESHOOTING_AFTER_THE_END_OF_GLOBAL_TOKENS if has_come else ()
    return [code for code in (*catalogue.TROUBLESHOOTING, *later) if code not in own]
