"""The words of every mail: text and HTML, what to do, who and why; and markup in names is shown as text."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from connections.domain.expiry import DEAD_TOKEN
from connections.domain.health import StatusChange
from connections.models import CapabilityState, Connection, Mail
from connections.notifications import anchor_mail, emails, notify, outbox
from connections.notifications.reminders import remind_due
from history.record import Actor, record
from history.sealing import seal_waiting
from tests.factories import ConnectionFactory

TODAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NASTY = '<script>alert("x")</script> & Söhne'
TOKENS_PAGE = "https://dev.azure.com/acme/_usersSettings/tokens"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def services(settings: Settings) -> None:
    settings.AZURE_DEVOPS_SERVERS = "Azure DevOps Services=https://dev.azure.com"


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    return person("olga", email="olga@example.com", first_name="Olga", last_name="<Owner>")


@pytest.fixture
def connection(owner: User) -> Connection:
    made = ConnectionFactory.create(
        name=NASTY,
        owner=owner,
        server="Azure DevOps Services",
        token_reach="one",
        problem="token_refused",
        expires_on=date(2026, 12, 1),
    )
    CapabilityState.objects.create(connection=made, capability="build_read", verdict="missing", checked_at=NOON)
    return made


def expiring(connection: Connection) -> Mail:
    remind_due(now=NOON)
    return Mail.objects.get()


def undated(connection: Connection) -> Mail:
    Connection.objects.update(expires_on=None)
    return expiring(connection)


def for_all_organizations(connection: Connection) -> Mail:
    Connection.objects.update(expires_on=date(2027, 6, 1), token_reach="all")
    return expiring(connection)


def reach_unknown(connection: Connection) -> Mail:
    Connection.objects.update(expires_on=date(2027, 6, 1), token_reach="unknown")
    return expiring(connection)


def digest(connection: Connection) -> Mail:
    for number in range(3):
        ConnectionFactory.create(
            name=f"{NASTY} {number}",
            owner=connection.owner,
            server="Azure DevOps Services",
            organization="fabrikam",
            token_reach="one",
            expires_on=TODAY + timedelta(days=number),
        )
    return expiring(connection)


def told(what: StatusChange) -> Callable[[Connection], Mail]:
    def write(connection: Connection) -> Mail:
        notify.notify_status_change(connection, what, now=NOON)
        return Mail.objects.get()

    return write


def anchor(connection: Connection) -> Mail:
    User.objects.filter(pk=connection.owner.pk).update(is_superuser=True)
    record("connection.tested", connection, by=Actor("x"), at=NOON)
    seal_waiting(now=NOON)
    anchor_mail.mail_weekly_anchor(now=NOON)
    return Mail.objects.get()


REMINDERS = {
    "expiring": expiring,
    "undated": undated,
    "global_tokens_end": for_all_organizations,
    "reach_unknown": reach_unknown,
    "digest": digest,
}
NEWS = {str(what): told(what) for what in StatusChange}
EVERY_KIND: dict[str, Callable[[Connection], Mail]] = {
    **REMINDERS,
    **NEWS,
    "test": lambda connection: outbox.send_test(connection.owner.email, now=NOON),
    anchor_mail.KIND: anchor,
}
OF_NO_CONNECTION = {"test", anchor_mail.KIND}


class _Page(HTMLParser):
    """The text and the links of an HTML mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_has_subject_text_and_html_that_say_the_same(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    page = _Page(mail.html)
    assert mail.kind == kind
    assert mail.subject.startswith("[MFE Orchestrator] ")
    assert "\n" not in mail.subject
    headline = mail.text.splitlines()[0]
    assert headline
    assert headline in " ".join(page.text.split())
    assert set(page.links) == set(re.findall(r"https?://\S+", mail.text)) | ({*page.links} & {_detail(connection)})


def _detail(connection: Connection) -> str:
    return f"http://127.0.0.1:8000{connection.get_absolute_url()}"


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_markup_in_names_is_text(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    assert "script" not in _Page(mail.html).tags
    assert "&lt;script&gt;" not in mail.text + mail.subject
    if kind not in OF_NO_CONNECTION:
        assert NASTY in mail.text
        assert NASTY in _Page(mail.html).text


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_says_why_it_came(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    assert "You get this because you " in mail.text
    assert "You get this because you " in _Page(mail.html).text


@pytest.mark.parametrize("kind", [kind for kind in EVERY_KIND if kind not in OF_NO_CONNECTION])
def test_whoever_owns_it_is_named(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    assert "Olga <Owner>" in mail.text
    assert "Olga <Owner>" in _Page(mail.html).text


SCOPES = ("Code: Read, write, & manage", "Build: Read & execute", "Release: Read, write, execute, & manage")


@pytest.mark.parametrize("kind", ["expiring", "global_tokens_end", "digest", "rejected", "limited"])
def test_what_asks_for_a_token_says_which_scopes_to_tick_and_where(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    for text in (mail.text, _Page(mail.html).text):
        assert all(scope in text for scope in SCOPES)
    assert TOKENS_PAGE in mail.text
    assert TOKENS_PAGE in _Page(mail.html).links


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("expiring", "token/"),
        ("global_tokens_end", "token/"),
        ("rejected", "token/"),
        ("digest", "token/"),
        ("undated", "edit/"),
        ("reach_unknown", "edit/#id_token_reach"),
        ("limited", ""),
        ("unreachable", ""),
        ("recovered", ""),
    ],
)
def test_every_kind_leads_to_the_page_that_mends_it(kind: str, page: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    assert _detail(connection) + page in mail.text.split()
    assert _detail(connection) + page in _Page(mail.html).links


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_reminders_and_nothing_else_can_be_stopped(kind: str, connection: Connection) -> None:
    mail = EVERY_KIND[kind](connection)
    assert ("List-Unsubscribe" in mail.headers) is (kind in REMINDERS)
    assert ("/reminders/stop/" in mail.text) is (kind in REMINDERS)


@pytest.mark.parametrize(
    ("left", "subject", "words"),
    [
        (7, "expires in 7 days (1 Dec 2026)", "The day before is the last safe day."),
        (1, "expires tomorrow (25 Nov 2026)", "Today is the last safe day."),
        (0, "expires today (24 Nov 2026)", "The token may stop working at any time today."),
        (-1, "expired yesterday (23 Nov 2026)", "have stopped"),
        (-3, "expired 3 days ago (21 Nov 2026)", "have stopped"),
    ],
)
def test_the_end_is_said_in_days_and_as_a_date(left: int, subject: str, words: str, connection: Connection) -> None:
    Connection.objects.update(name="Acme main", expires_on=TODAY + timedelta(days=left))
    mail = expiring(connection)
    urgency = "Urgent" if left <= 1 else "Action needed"
    assert mail.subject == f'[MFE Orchestrator] {urgency}: Azure DevOps token for "Acme main" {subject}'
    assert "border-top:4px solid #b3232b" in mail.html
    assert words in mail.text
    assert "Since 31 March 2026" in mail.text or "since 31 March 2026" in mail.text


@pytest.mark.parametrize("left", [-1, -3])
def test_what_has_expired_is_only_replaced(left: int, connection: Connection) -> None:
    Connection.objects.update(expires_on=TODAY + timedelta(days=left))
    mail = expiring(connection)
    for words in (mail.text, _Page(mail.html).text):
        assert "extended or regenerated in Azure DevOps. Create a new token" in words
        assert "Create a new token in Azure DevOps" in words
        assert not re.search(r"(?i)\bextend the|or extend|regenerate this", words)


@pytest.mark.parametrize("problem", sorted(DEAD_TOKEN))
def test_a_token_that_is_not_accepted_is_not_to_be_extended(problem: str, connection: Connection) -> None:
    Connection.objects.update(expires_on=TODAY + timedelta(days=7), health="rejected", problem=problem)
    connection.refresh_from_db()
    remind_due(now=NOON)
    notify.notify_status_change(connection, StatusChange.REJECTED, now=NOON)
    assert Mail.objects.count() == 2
    for mail in Mail.objects.all():
        for words in (mail.text, _Page(mail.html).text):
            assert "Create a new token in Azure DevOps" in words
            assert not re.search(r"(?i)\bextend the|or extend|regenerate this", words)


def test_a_token_that_is_valid_may_be_extended(connection: Connection) -> None:
    mail = expiring(connection)
    assert "Create or extend the token in Azure DevOps" in mail.text
    assert "Create or extend the token in Azure DevOps" in _Page(mail.html).text


def test_a_token_for_all_organizations_is_only_replaced(connection: Connection) -> None:
    mail = for_all_organizations(connection)
    for words in (mail.text, _Page(mail.html).text):
        assert "Create a new token in Azure DevOps" in words
        assert "or extend" not in words


def test_a_digest_says_of_each_dead_token_to_create_a_new_one(connection: Connection) -> None:
    text = digest(connection).text
    assert "Extend or replace each token before then" in text
    assert "create a new one" not in text
    Mail.objects.all().delete()
    Connection.objects.update(expires_on=TODAY - timedelta(days=1))
    mail = expiring(connection)
    text = mail.text
    assert mail.subject == "[MFE Orchestrator] Urgent: 4 Azure DevOps tokens need your attention (4 expired)"
    assert "The repositories, builds and releases of these connections have stopped working." in text
    assert "when its token expires" not in text
    assert "Create new tokens for acme in Azure DevOps" in text
    assert text.count("expired yesterday, 23 November 2026: create a new one") == 4
    assert "Extend or" not in text


@pytest.mark.parametrize(
    ("now", "rule"),
    [
        (NOON, "From 1 December 2026, Azure DevOps will no longer accept tokens for all"),
        (
            datetime(2026, 12, 1, tzinfo=UTC),
            "Since 1 December 2026, Azure DevOps no longer accepts tokens for all",
        ),
    ],
)
def test_who_is_asked_reads_how_to_find_out_and_where_to_say_it(
    now: datetime, rule: str, connection: Connection
) -> None:
    Connection.objects.update(expires_on=date(2027, 6, 1), token_reach="unknown")
    remind_due(now=now)
    mail = Mail.objects.get()
    for words in (mail.text, _Page(mail.html).text):
        assert rule in words
        assert "If “Organization” says “All accessible organizations”, create a new token" in words
    for link in (TOKENS_PAGE, "http://127.0.0.1:8000/code-repositories/?status=reach_unknown"):
        assert link in mail.text.split()
        assert link in _Page(mail.html).links


def test_a_digest_of_questions_says_how_to_find_out_and_nothing_of_ends(connection: Connection) -> None:
    digest(connection)
    Mail.objects.all().delete()
    Connection.objects.update(expires_on=date(2027, 6, 1), token_reach="unknown")
    mail = expiring(connection)
    assert mail.kind == "digest"
    for words in (mail.text, _Page(mail.html).text):
        assert words.count("not recorded for which organizations it is valid") == 4
        assert "if “Organization” says “All accessible organizations”" in words
        assert "From 1 December 2026, Azure DevOps will no longer accept tokens for all" in words
        assert "stop working when its token expires" not in words
        assert "one by one" not in words
    assert _detail(connection) + "edit/#id_token_reach" in mail.text.split()
    assert "http://127.0.0.1:8000/code-repositories/?status=reach_unknown" in mail.text.split()


def test_a_digest_of_expired_and_other_tokens_tells_them_apart(connection: Connection) -> None:
    digest(connection)
    Mail.objects.all().delete()
    Connection.objects.update(expires_on=TODAY + timedelta(days=3))
    Connection.objects.filter(pk=connection.pk).update(expires_on=TODAY - timedelta(days=1))
    mail = expiring(connection)
    assert "need your attention (1 expired)" in mail.subject
    for words in (mail.text, _Page(mail.html).text):
        assert "Where the token has expired, the repositories" in words
        assert "Extend or replace the others before they expire" in words
        assert "Create new tokens for acme in Azure DevOps" in words
        assert "Create or extend tokens for fabrikam in Azure DevOps" in words


@pytest.mark.parametrize(
    ("left", "urgency", "colour"), [(30, "", "#d08700"), (14, "", "#d08700"), (3, "Action needed: ", "#b3232b")]
)
def test_urgency_and_colour_follow_the_days_left(left: int, urgency: str, colour: str, connection: Connection) -> None:
    Connection.objects.update(expires_on=TODAY + timedelta(days=left))
    mail = expiring(connection)
    assert mail.subject.startswith(f"[MFE Orchestrator] {urgency}Azure DevOps token for")
    assert f"border-top:4px solid {colour}" in mail.html


def test_a_digest_of_both_says_both_and_counts_each_token_once(connection: Connection) -> None:
    Connection.objects.update(token_reach="unknown")
    mail = digest(connection)
    assert mail.subject == "[MFE Orchestrator] Urgent: 4 Azure DevOps tokens need your attention"
    for words in ("Extend or replace each token before then", "For some of these tokens, we have no record"):
        assert words in mail.text


def test_what_azure_devops_calls_expired_is_not_announced_as_expiring(connection: Connection) -> None:
    Connection.objects.update(expires_on=TODAY, problem="token_expired")
    assert "has expired (24 Nov 2026)" in expiring(connection).subject


@pytest.mark.parametrize(
    ("active", "urgent", "why"),
    [
        (False, False, "the owner of this connection is no longer active"),
        (True, True, "you administer MFE Orchestrator and this is urgent"),
    ],
)
def test_administrators_are_told_why_they_of_all_people(
    connection: Connection, person: Callable[..., User], active: bool, urgent: bool, why: str
) -> None:
    person("root", staff=True, email="root@example.com")
    User.objects.filter(username="olga").update(is_active=active)
    told = notify.recipients(Connection.objects.get(), urgent=urgent)
    assert [one.address for one in told][-1] == "root@example.com"
    assert why in told[-1].why


def test_somebody_named_is_told_that_the_connection_names_them(connection: Connection) -> None:
    Connection.objects.update(extra_recipients="team@example.com")
    told = notify.recipients(Connection.objects.get())
    assert told[-1] == notify.Recipient("team@example.com", "you are listed to be notified about this connection")


def test_a_very_long_name_fits_the_subject(connection: Connection) -> None:
    Connection.objects.update(name="W" * 64)
    assert len(expiring(connection).subject) <= emails.LONGEST_SUBJECT


def test_what_still_works_with_limits_is_not_called_whole(connection: Connection) -> None:
    assert "still missing" in told(StatusChange.RECOVERED)(connection).text
    CapabilityState.objects.all().delete()
    Mail.objects.all().delete()
    assert "No action needed" in told(StatusChange.RECOVERED)(connection).text
