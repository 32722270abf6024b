"""The panel to test a new token, with its result. Every page with a token form uses it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from connections import clients
from connections.actions.enforce_policy import reuse_violations
from connections.actions.refusal_causes import with_cause_of_new
from connections.actions.refusals import Refused
from connections.actions.rotate import Comparison, Replacement
from connections.actions.verify_credential import VerificationResult
from connections.domain import expiry
from connections.domain.problems.notices import Notice, notice
from connections.domain.problems.refusals import REFUSALS
from connections.domain.verification import Report
from connections.domain.where_tried import and_join
from connections.forms import RotateForm, TokenForm
from connections.models import Connection
from connections.providers.azure_devops.graph import SEVERAL
from connections.providers.credential import ReadDate, labelled
from connections.providers.registry import CAPABILITIES
from connections.views.common import notices_about_server
from connections.views.report_presenter import ReportView, report_view, token_notices


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One property of the old and the new token."""

    label: str
    old: str
    new: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """The new token compared with the one that a connection uses, or why it could not be tested."""

    title: str
    rows: Sequence[ComparisonRow] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TokenPanel:
    """What `components/token_panel.html` shows. `verification_key` holds the keys of the kept results."""

    test_url: str
    submit_url: str
    leave_url: str
    submit_label: str
    leave_label: str = "Cancel"
    submit_icon: str = "refresh-cw"
    accept_verb: str = "Use"
    verification_key: str = ""
    # The chosen expiry date, in words.
    expires: str = ""
    # The date that was read during the test, which counts instead.
    date_read: str = ""
    # What a certificate says about itself, with labels.
    facts: Sequence[tuple[str, str]] = ()
    reports: Sequence[ReportView] = ()
    comparisons: Sequence[ComparisonView] = ()

    @property
    def is_tested(self) -> bool:
        """Whether there is a result to show."""
        return bool(self.reports or self.comparisons)

    @property
    def is_accepted(self) -> bool:
        """Whether Azure DevOps accepted the token somewhere."""
        return any(report.identity_name for report in self.reports)

    @property
    def accept_error(self) -> str:
        """What to say when the box to accept a limited token is not ticked."""
        return REFUSALS["limited_not_accepted"]

    @property
    def is_limited(self) -> bool:
        """Whether a token that was accepted can be used only as Limited."""
        return any(report.identity_name and report.outcome != "passed" for report in self.reports)


def result_after(refusal: Refused, kept: VerificationResult | None) -> VerificationResult | None:
    """The result to show with a refusal: that of the test that caused it, or else the kept one.

    An error of the token field is shown beside the field, so a new test of it adds nothing.
    """
    return kept if refusal.tested is None or refusal.field == "token" else refusal.tested


def has_new_result(refusal: Refused) -> bool:
    """Whether the refusal comes with the result of a test that the page does not show yet."""
    return refusal.tested is not None and refusal.field != "token"


def date_words(reports: Iterable[Report | None]) -> str:
    """The expiry date that was read during one of these tests; empty if none was."""
    days = (report.date.day for report in reports if report is not None and report.date is not None)
    day = next(filter(None, days), None)
    return f"{_expires(day)} Read from Microsoft Graph." if day else ""


def expiry_words(form: TokenForm) -> str:
    """The chosen expiry date of a form that was sent, to repeat it beside the result."""
    # A form that was not sent, or not read, has nothing to repeat.
    if not hasattr(form, "cleaned_data"):
        return ""
    token = form.cleaned_data.get("token")
    day = form.chosen_date() if form.asks_date else token and token.expires_on(None)
    if day is not None and expiry.never_expires(day):
        return "Never expires."
    if day is not None:
        return _expires(day)
    if not form.asks_date:
        return ""
    return "Expiry date unknown." if form.data.get("expires") == "unknown" else "Choose when it expires."


def _expires(day: date) -> str:
    return f"Expires on {day:%-d %b %Y}, {expiry.in_words(day, timezone.localdate())}."


def facts_of(form: TokenForm) -> list[tuple[str, str]]:
    """What the credential in a form that was sent says about itself, to compare it with what Microsoft Entra shows."""
    token = getattr(form, "cleaned_data", {}).get("token")
    return labelled(token.facts()) if token is not None else []


def new_token_report(
    report: Report, form: TokenForm, *, server: str, organization: str, tokens_page: str, besides: int | None = None
) -> ReportView:
    """A report about the token in a valid `form`, with notices.

    `besides` is the id of the connection that may already use the token.
    """
    place, today = clients.place_of(server), timezone.localdate()
    reach = form.cleaned_data.get("token_reach", "")
    notices = notices_about_server(server) + token_notices(
        token_reach=Connection.Reach.at(place, reach),
        hint=form.hint(),
        violations=reuse_violations(form.cleaned_data["token"], besides=besides),
        today=today,
    )
    notices += [_several_dates(report.date)] if report.date and report.date.reason == SEVERAL else []
    report = with_cause_of_new(report, place=place, token_reach=reach, today=today)
    return report_view(report, organization=organization, tokens_page=tokens_page, place=place, notices=notices)


def _several_dates(read: ReadDate) -> Notice:
    dates = and_join(f"{name or 'one without a name'} until {day:%-d %b %Y}" for name, day in read.candidates)
    return notice("several_dates", dates=dates)


def replacement(form: RotateForm) -> Replacement:
    """What a person entered about the new token in a valid `form`."""
    return Replacement(
        token=form.cleaned_data["token"],
        expires_on=form.cleaned_data["expires_on"],
        token_reach=form.cleaned_data.get("token_reach", ""),
        accept_limited=form.cleaned_data["accept_limited"],
        verification_key=form.cleaned_data["verification_key"],
    )


def comparison_rows(connection: Connection, comparison: Comparison, report: Report) -> list[ComparisonRow]:
    """The old token compared with the new one."""
    identity = report.identity.display_name if report.identity else ""
    place = clients.place_of(connection.server)
    good, warn = ("good", "check"), ("warn", "triangle-alert")
    who, what = ("Application", "Permissions") if report.is_principal else ("Person", "Scopes")
    return [
        ComparisonRow(who, connection.identity_name, identity, *(good if comparison.same_person else warn)),
        ComparisonRow(
            place.capitalize(),
            connection.organization,
            connection.organization if comparison.same_organization else f"Different {place}",
            *(good if comparison.same_organization else ("bad", "x")),
        ),
        ComparisonRow(f"{what} lost", "", _labels(comparison.lost), *(warn if comparison.lost else good)),
        ComparisonRow(f"{what} gained", "", _labels(comparison.gained), *good),
    ]


def _labels(capabilities: tuple[str, ...]) -> str:
    return ", ".join(CAPABILITIES[key].short_name for key in capabilities) or "None"
