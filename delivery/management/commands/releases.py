"""`manage.py releases list | show | create | deploy | cancel | approve | reject`: for scripts, with --json.

Exit codes: 0 done, or with --wait succeeded · 1 failed, rejected, cancelled, refused or not found · 2 wrong usage ·
3 waiting for a person, partially succeeded, or a list is incomplete · 4 unknown, or not finished in time. If several
pipelines have the same name, add --connection and --project. A release is given by its name or number.
"""

from typing import ClassVar

from django.core.management.base import CommandParser

from connections.cli.common import Options
from delivery import reads
from delivery.cli import release_verbs
from delivery.cli.pipelines import PipelineCommand, add_wait
from delivery.models import ReleasePipeline


class Command(PipelineCommand):
    """Runs the verbs of `delivery/cli/release_verbs.py`."""

    help = __doc__ or ""
    verbs: ClassVar = {
        "list": (release_verbs.list_pipelines, "list every stored release pipeline with its newest release"),
        "show": (release_verbs.show, "show one release; --wait follows it until nothing is running"),
        "create": (release_verbs.create, "create a release"),
        "deploy": (release_verbs.deploy, "start to deploy a stage"),
        "cancel": (release_verbs.cancel, "cancel the deployment of a stage"),
        "approve": (release_verbs.approve, "approve what a stage waits for"),
        "reject": (release_verbs.reject, "reject what a stage waits for"),
    }

    def add_verb_arguments(self, verb: CommandParser, name: str) -> None:
        """Add the arguments that only this verb has."""
        if name == "list":
            verb.add_argument("--state", default="", choices=[str(state) for state, _ in reads.RELEASE_STATES])
            return
        verb.add_argument("pipeline")
        if name == "create":
            _add_arguments_of_create(verb)
        elif name == "show":
            verb.add_argument("release", nargs="?", default="", help="name or number of the release (the newest)")
        else:
            verb.add_argument("release")
            verb.add_argument("stage")
            verb.add_argument("--comment", default="", help="stored in Azure DevOps and in the history")
        if name not in ("cancel", "reject"):
            add_wait(verb, "it until nothing is running")

    def find(self, options: Options) -> ReleasePipeline:
        """The release pipeline that is named."""
        return release_verbs.find_pipeline(options)


def _add_arguments_of_create(verb: CommandParser) -> None:
    versions = "a version, as NUMBER or ALIAS=NUMBER; may be repeated"
    verb.add_argument("--artifact", action="append", default=[], help=versions)
    verb.add_argument("--description", default="")
    stages = "a stage to be deployed manually; may be repeated"
    verb.add_argument("--by-hand", action="append", default=[], help=stages)
