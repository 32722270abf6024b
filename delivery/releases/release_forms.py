"""What people may type about releases."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import timezone

from connections.fields import checked
from connections.providers.azure_devops.build import Build
from connections.providers.azure_devops.release_models import Definition
from delivery import input_rules
from delivery.releases.release_changes import NewRelease
from delivery.releases.release_reads import Offer


class CommentForm(forms.Form):
    """A few words that Azure DevOps keeps beside what was done."""

    comment = forms.CharField(
        label="Comment",
        required=False,
        help_text="Stored in Azure DevOps and in the history here.",
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": input_rules.COMMENT_LENGTH}),
    )

    def clean_comment(self) -> str:
        """As it is sent."""
        return checked(input_rules.comment, self.cleaned_data["comment"])


class NewReleaseForm(forms.Form):
    """Create release: a version for each artifact that has a choice, and what the stages wait for."""

    description = forms.CharField(
        label="Description",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": input_rules.COMMENT_LENGTH}),
    )

    def __init__(self, *args: Any, definition: Definition, offers: Iterable[Offer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.definition = definition
        self.offers = {f"version_{number}": offer for number, offer in enumerate(offers)}
        self.stages = {f"by_hand_{stage.id}": stage.name for stage in definition.stages}
        versions = {name: _version_field(offer) for name, offer in self.offers.items() if offer.source.kind == "Build"}
        by_hand = {
            name: forms.BooleanField(label=f"{stage} waits until someone deploys it", required=False)
            for name, stage in self.stages.items()
        }
        self.fields = {**versions, **self.fields, **by_hand}

    def clean_description(self) -> str:
        """As it is sent."""
        return checked(input_rules.comment, self.cleaned_data["description"], field="description")

    def clean(self) -> dict[str, Any]:
        """Only versions that are offered now: what cannot be checked is not sent."""
        cleaned = super().clean() or self.cleaned_data
        for name, offer in self.offers.items():
            chosen = cleaned.get(name)
            if chosen and chosen not in {str(build.id) for build in offer.versions}:
                self.add_error(name, "This version is no longer available. Choose another one.")
        return cleaned

    @property
    def version_fields(self) -> list[forms.BoundField]:
        """The choices of versions."""
        return [self[name] for name in self.offers if name in self.fields]

    @property
    def stage_fields(self) -> list[forms.BoundField]:
        """One box for each stage."""
        return [self[name] for name in self.stages]

    def wish(self) -> NewRelease:
        """The release that was asked for, of a valid form."""
        versions = {}
        for name, offer in self.offers.items():
            for build in offer.versions:
                if str(build.id) == self.cleaned_data.get(name):
                    versions[offer.source.alias] = (str(build.id), build.number)
        return NewRelease(
            self.definition.id,
            self.definition.name,
            versions,
            self.cleaned_data["description"],
            tuple(stage for name, stage in self.stages.items() if self.cleaned_data[name]),
        )


def _version_field(offer: Offer) -> forms.CharField:
    choices = [(str(build.id), _version_label(build)) for build in offer.versions]
    usual = ("", "The latest, chosen by Azure DevOps")
    return forms.CharField(
        label=f"Version of {offer.source.alias or 'the artifact'}",
        required=False,
        max_length=20,
        initial=choices[0][0] if choices else "",
        help_text=f"Builds of {offer.source.definition_name}." if offer.source.definition_name else "",
        widget=forms.Select(choices=[*choices, usual]),
    )


def _version_label(build: Build) -> str:
    branch = (build.branch or "").removeprefix("refs/heads/")
    when = build.finished_at or build.queued_at
    day = f"{timezone.localtime(when):%d %b %Y, %H:%M}" if when else ""
    return " · ".join(part for part in (build.number, branch, day) if part)
