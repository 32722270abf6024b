"""The guide: how to create a token or an application, what it needs, and troubleshooting."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from connections.domain import expiry
from connections.domain.problems import catalogue
from connections.issuers import identities
from connections.providers.azure_devops.provider import AZURE_DEVOPS
from connections.providers.organization import Place
from connections.views.common import guide_context


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """GET /help/azure-devops/, for every signed-in user."""
    guide = guide_context()
    place = guide["places"][0]
    context = {
        "problems": [catalogue.problem(code, place=place) for code in _causes(place)],
        "server_problems": [
            catalogue.problem(code, place="collection") for code in catalogue.TROUBLESHOOTING_OF_A_SERVER
        ],
        "application_problems": [
            catalogue.problem(code, place=place) for code in catalogue.TROUBLESHOOTING_OF_APPLICATIONS
        ],
        "identity_labels": [credential.label.lower() for credential in identities().values()],
        **guide,
    }
    return render(request, AZURE_DEVOPS.guide_template, context)


def _causes(place: Place) -> list[str]:
    """The problem codes to explain, without those that occur only at Azure DevOps Services if that is not used."""
    left_out = catalogue.OF_THE_SERVICE_ALONE if place == "collection" else ()
    have_ended = timezone.localdate() >= expiry.GLOBAL_TOKENS_END
    later = catalogue.TROUBLESHOOTING_AFTER_THE_END_OF_GLOBAL_TOKENS if have_ended else ()
    return [code for code in (*catalogue.TROUBLESHOOTING, *later) if code not in left_out]
