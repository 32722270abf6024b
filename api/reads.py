"""What pages and commands read of API tokens."""

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet

from api.models import ApiToken

PAGE_SIZE = 25


def tokens() -> QuerySet[ApiToken]:
    """Every token with its owner and the number of connections it is limited to, newest first."""
    counted = ApiToken.objects.select_related("owner").annotate(connection_count=Count("connections"))
    # Django drops the usual order where rows are counted.
    return counted.order_by("-created_at", "-id")


def tokens_of(owner: User) -> QuerySet[ApiToken]:
    """The tokens of one person."""
    return tokens().filter(owner=owner)


def page_of_tokens(number: str | None) -> Page[ApiToken]:
    """One page of everyone's tokens."""
    return Paginator(tokens(), PAGE_SIZE).get_page(number)
