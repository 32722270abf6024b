"""Confirmation before a change in Azure DevOps: the same form, shown once more as a question.

Deployments and approvals have pages of their own that ask, and do not need this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from connections.models import Connection
from delivery.domain.file_diff import DiffLine

CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. `facts` are labels and values; `preview` is shown as it is typed.

    `diff` shows what changes in a file instead.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    button: str
    back_url: str
    preview: str = ""
    diff: Sequence[DiffLine] = ()
    danger: bool = False


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person has answered yes."""
    return request.POST.get(CONFIRMED) == "1"


def ask_first(
    request: HttpRequest, question: Question, connection: Connection, posted: Mapping[str, str]
) -> HttpResponse:
    """The question, with everything that was typed in hidden fields: the answer posts it once more."""
    context = {
        "question": question,
        "connection": connection,
        "posted": posted.items(),
        "confirmed": CONFIRMED,
        "action": request.path,
    }
    return render(request, "delivery/confirm_action.html", context)


def posted(form: BaseForm) -> dict[str, str]:
    """What was typed into a valid form, as it was typed."""
    return {form.add_prefix(name): str(form[name].value() or "") for name in form.fields}
