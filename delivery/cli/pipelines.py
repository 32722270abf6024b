"""Which pipelines the options of `manage.py builds` and `manage.py releases` choose."""

from typing import TypeVar

from django.core.management.base import CommandError
from django.db.models import QuerySet

from connections.cli.common import ExitCode, Options
from delivery import reads
from delivery.models import Pipeline, ReleasePipeline

P = TypeVar("P", Pipeline, ReleasePipeline)


def by_connection_and_project(pipelines: QuerySet[P], options: Options) -> QuerySet[P]:
    """Only those that match `--connection` and `--project`."""
    return reads.narrowed(pipelines, connection=options["connection"], project=options["project"])


def only_pipeline_named(name: str, pipelines: QuerySet[P], label: str) -> P:
    """The pipeline with this name. Raises `CommandError` if there is none, or more than one."""
    matches = reads.named(pipelines, name)
    if not matches:
        raise CommandError(f"There is no {label} named {name}.", returncode=ExitCode.REFUSED)
    pipeline = reads.the_one_meant(matches)
    if pipeline is None:
        message = "Several pipelines have this name. Add --connection and --project."
        raise CommandError(message, returncode=ExitCode.USAGE)
    return pipeline
