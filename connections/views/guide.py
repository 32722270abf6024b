"""The guide: how to make a token, what it needs, what can go wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connections import guidance, messages
from connections.views.common import guide_context


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """GET /help/azure-devops/. Anybody who is signed in may read it."""
    context = {
        "problems": [messages.problem(code) for code in messages.TROUBLESHOOTING],
        "security_practices": guidance.SECURITY_PRACTICES,
        "links": [{"label": label, "url": url} for label, url in guidance.HELP_LINKS],
        **guide_context(),
    }
    return render(request, "connections/guide.html", context)
