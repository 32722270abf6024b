"""Add a certificate to the register by its file, which is read and not kept."""

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from connections.actions.refusals import CannotChangeEntry
from connections.actions.register_certificates import CertificateInput, add_certificate
from connections.register_certificates import NotACertificate
from connections.register_forms import CertificateForm
from connections.views.common import person
from connections.views.register import may_add
from history.record import actor_of


@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_variables("content")
@may_add
def certificate_page(request: HttpRequest) -> HttpResponse:
    """GET shows the form; POST adds an entry with the names and dates of the certificate, to be completed."""
    form = CertificateForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        content = form.cleaned_data["file"].read()
        try:
            entered = CertificateInput(content, owner=person(request))
            entry = add_certificate(entered, by=actor_of(request), now=timezone.now())
        except (NotACertificate, CannotChangeEntry) as refused:
            form.add_error("file", refused.message)
        else:
            flash.success(request, "Added to the register. The file was read and not kept. Complete the entry.")
            return redirect("connections:edit-register-entry", entry.pk)
    return render(request, "connections/register/certificate.html", context)
