"""Reads of API tokens for pages and commands, and of what an API token is for."""

from typing import TypeVar

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet

from api.models import ApiToken
from connections.models import AuditedConnection, AuditRun, Connection
from delivery import reads as delivery_reads
from delivery.models import Pipeline, ReleasePipeline, Repository
from delivery.reads import Filters

Row = TypeVar("Row", Pipeline, ReleasePipeline, Repository)
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


def token(token_id: int) -> ApiToken | None:
    """A token with its owner; None when there is none."""
    return ApiToken.objects.select_related("owner").filter(pk=token_id).first()


def open_to(token: ApiToken, found: QuerySet[Connection]) -> QuerySet[Connection]:
    """The connections that the token is limited to, with related rows."""
    if not token.all_connections:
        found = found.filter(pk__in=token.connections.values("pk"))
    return found.select_related("owner").prefetch_related("chosen_projects")


def connection(token: ApiToken, connection_id: int) -> Connection | None:
    """A connection that the token is for; None when there is none."""
    return open_to(token, Connection.objects.filter(pk=connection_id)).first()


def repositories(token: ApiToken, filters: Filters) -> QuerySet[Repository]:
    """The repositories that the token is for and the filters select."""
    return _of_connections(token, delivery_reads.repositories(filters))


def repository(token: ApiToken, repository_id: int) -> Repository | None:
    """A repository that the token is for; None when there is none."""
    return _of_connections(token, delivery_reads.repositories_in_full()).filter(pk=repository_id).first()


def pipelines(token: ApiToken, filters: Filters) -> QuerySet[Pipeline]:
    """The pipelines that the token is for and the filters select."""
    return _of_connections(token, delivery_reads.pipelines(filters))


def pipeline(token: ApiToken, pipeline_id: int) -> Pipeline | None:
    """A pipeline that the token is for; None when there is none."""
    return _of_connections(token, delivery_reads.pipelines_in_full()).filter(pk=pipeline_id).first()


def release_pipelines(token: ApiToken, filters: Filters) -> QuerySet[ReleasePipeline]:
    """The release pipelines that the token is for and the filters select."""
    return _of_connections(token, delivery_reads.release_pipelines(filters))


def release_pipeline(token: ApiToken, release_pipeline_id: int) -> ReleasePipeline | None:
    """A release pipeline that the token is for; None when there is none."""
    return _of_connections(token, delivery_reads.release_pipelines_in_full()).filter(pk=release_pipeline_id).first()


def _of_connections(token: ApiToken, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of the connections that the token is limited to."""
    return rows if token.all_connections else rows.filter(project__connection__in=token.connections.values("pk"))


def audit_run(run_id: int) -> AuditRun | None:
    """An audit; None when there is none."""
    return AuditRun.objects.filter(pk=run_id).first()


def audited_connections(run: AuditRun) -> QuerySet[AuditedConnection]:
    """The results of an audit so far."""
    return run.audited.all()
