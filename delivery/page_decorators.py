"""Decorators of pages: which methods they answer, and who may open them. No cache keeps what they show."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.contrib.auth.decorators import permission_required
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from delivery.operations import Operation

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def read_page(permission: str) -> Callable[[View], View]:
    """A page that only shows something."""
    return _page(permission, ("GET", "HEAD"))


def operation_page(operation: Operation, methods: Sequence[str] = ("GET", "POST")) -> Callable[[View], View]:
    """A page that carries out an operation, for people who may."""
    return _page(operation.permission, methods)


def _page(permission: str, methods: Sequence[str]) -> Callable[[View], View]:
    may_open = permission_required(permission, raise_exception=True)
    answers = require_http_methods(list(methods))

    def decorate(view: View) -> View:
        return never_cache(answers(may_open(view)))

    return decorate
