"""Show on a page why a change of a person was refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages as flash
from django.forms import Form
from django.http import HttpRequest

from people.actions.manage_people import Refused


@contextmanager
def refusals_shown(request: HttpRequest, form: Form | None = None) -> Iterator[None]:
    """Show the message of a refused change at the field that it is about, or else at the top of the page."""
    try:
        yield
    except Refused as refused:
        if form is not None and refused.field:
            form.add_error(refused.field, refused.message)
        else:
            flash.error(request, refused.message)
