"""A person reads their own tokens in Azure DevOps, and stored ones get their true date, scopes and organizations."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.actions import import_tokens, renew_sign_in
from connections.actions.edit import Changes, edit
from connections.actions.refusals import CannotRenew
from connections.actions.rotate import Replacement, rotate
from connections.domain.token_entries import NONE, Pick
from connections.models import Connection, KnownToken, RenewalSignIn, TokenImport
from connections.providers.azure_devops.credentials import PersonalAccessToken
from connections.token_import_reads import StoredToken, groups, imports_of, stored_tokens
from history.models import Event
from history.record import Actor
from sandbox.server import Sandbox
from tests.connections.renewals import Renewing, entry_of, sent_back

Connected = Callable[..., Connection]
pytestmark = pytest.mark.django_db
END = (timezone.now() + timedelta(days=100)).replace(hour=12, microsecond=0)
DAY = timezone.localdate(END)


@pytest.fixture
def connection(connected: Connected, sandbox: Sandbox) -> Connection:
    ends(sandbox, "full", END)
    return connected()


def ends(sandbox: Sandbox, name: str, when: datetime) -> None:
    token = sandbox.state.token_named(name)
    assert token is not None
    token.expires_at = when


def use(renewing: Renewing, *picks: Pick) -> list[Connection]:
    imports = imports_of(renewing.user, now=renewing.now())
    return import_tokens.use_picks(picks, imports, by=renewing.by, now=renewing.now())


def stored(imports: list[TokenImport]) -> list[StoredToken]:
    return stored_tokens(groups(imports))


def test_on_a_proposal_nothing_is_dated(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    (read,) = stored(renewing.read_tokens())
    connection.refresh_from_db()
    assert entry_of(sandbox, "full") in [candidate.id for candidate in read.candidates if candidate.fits]
    assert (connection.expires_on, KnownToken.objects.count()) == (None, 0)


def test_what_the_person_picks_gives_date_scopes_and_organizations(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    Connection.objects.update(token_reach="unknown")
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    connection.refresh_from_db()
    assert (connection.expires_on, connection.token_reach) == (DAY, "one")
    assert connection.is_date_read
    known = KnownToken.objects.get()
    assert (known.source, known.name, "vso.code_manage" in known.scope) == ("picked", "full", True)


def test_the_history_says_what_was_read(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    event = Event.objects.get(kind="connection.token_read")
    assert event.detail["expires_on"] == {"before": None, "after": DAY.isoformat()}
    assert (event.detail["name"], event.detail["is_picked"]) == ("full", True)


def test_a_token_for_all_organizations_is_recorded_as_such(
    connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    connection = connected(token="global")
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "global")))
    connection.refresh_from_db()
    assert connection.token_reach == "all"


def test_every_connection_with_the_token_gets_its_date(
    connection: Connection, connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    other = connected("Acme releases")
    (read,) = stored(renewing.read_tokens())
    assert [connected.pk for connected in read.connections] == [connection.pk, other.pk]
    changed = use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    other.refresh_from_db()
    assert {one.pk for one in changed} == {connection.pk, other.pk}
    assert other.expires_on == DAY


def test_a_known_token_is_matched_by_its_id_without_a_question(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    ends(sandbox, "full", END + timedelta(days=10))
    (read,) = stored(renewing.read_tokens())
    connection.refresh_from_db()
    assert connection.expires_on == DAY + timedelta(days=10)
    assert read.entry is not None


def test_a_token_that_was_created_here_is_not_asked_about(connection: Connection, renewing: Renewing) -> None:
    renewal = renewing.renew(connection, days=60)
    (made,) = renewing.made(renewal)
    assert made.expires_at is not None
    made.expires_at += timedelta(days=5)
    (read,) = stored(renewing.read_tokens())
    connection.refresh_from_db()
    assert (read.candidates, connection.is_date_read) == ((), True)
    assert connection.expires_on == timezone.localdate(made.expires_at)


def test_a_created_token_is_taken_for_no_other(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.renew(connection)
    renewing.read_tokens()
    with pytest.raises(CannotRenew) as refused:
        use(renewing, Pick(connection.pk, entry_of(sandbox, "full-again")))
    assert refused.value.code == "import_other_token"


def test_a_token_that_is_gone_is_said_to_be(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    token = sandbox.state.token_named("full")
    assert token is not None
    token.state = "revoked"
    (read,) = stored(renewing.read_tokens())
    assert (read.entry, read.known is not None) == (None, True)


def test_another_entry_can_be_picked_instead(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full-again")))
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    assert KnownToken.objects.get().authorization_id == entry_of(sandbox, "full")


def test_a_wrong_choice_can_be_taken_back(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full-again")))
    use(renewing, Pick(connection.pk, NONE))
    connection.refresh_from_db()
    assert (connection.is_date_read, KnownToken.objects.count()) == (False, 0)
    assert Event.objects.filter(kind="connection.token_pick_undone").count() == 1


def test_what_was_created_here_can_not_be_taken_back(connection: Connection, renewing: Renewing) -> None:
    renewing.renew(connection)
    renewing.read_tokens()
    assert use(renewing, Pick(connection.pk, NONE)) == []
    assert KnownToken.objects.count() == 1


def test_tokens_of_others_are_not_shown(connected: Connected, renewing: Renewing) -> None:
    connected(token="full-colleague")
    assert stored(renewing.read_tokens()) == []


def test_tokens_of_others_can_not_be_dated(connected: Connected, renewing: Renewing, sandbox: Sandbox) -> None:
    connection = connected(token="full-colleague")
    renewing.read_tokens()
    with pytest.raises(CannotRenew) as refused:
        use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    assert refused.value.code == "import_no_candidate"


def test_only_who_signed_in_sees_what_was_read(
    connection: Connection, renewing: Renewing, person: Callable[..., User]
) -> None:
    renewing.read_tokens()
    assert imports_of(person("someone", "connections.rotate_connection"), now=renewing.now()) == []


def test_what_was_read_is_deleted_after_a_day(connection: Connection, renewing: Renewing) -> None:
    renewing.read_tokens()
    renewing.ahead = timedelta(days=1, minutes=1)
    assert imports_of(renewing.user, now=renewing.now()) == []
    import_tokens.forget_old(now=renewing.now())
    assert TokenImport.objects.count() == 0


@pytest.mark.parametrize(
    ("picks", "code"),
    [
        (lambda one, other: [], "import_nothing_picked"),
        (lambda one, other: [Pick(one, "x")], "import_no_candidate"),
        (lambda one, other: [Pick(10**9, "x")], "import_no_candidate"),
        (lambda one, other: [Pick(one, "x"), Pick(other, "x")], "import_picked_twice"),
    ],
)
def test_picks_that_can_not_be_are_refused(
    connection: Connection,
    connected: Connected,
    renewing: Renewing,
    picks: Callable[[int, int], list[Pick]],
    code: str,
) -> None:
    other = connected("Acme again", token="full-again")
    renewing.read_tokens()
    with pytest.raises(CannotRenew) as refused:
        use(renewing, *picks(connection.pk, other.pk))
    assert refused.value.code == code


def test_one_impossible_pick_changes_nothing(
    connection: Connection, connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    other = connected("Acme again", token="full-again")
    renewing.read_tokens()
    with pytest.raises(CannotRenew):
        use(renewing, Pick(connection.pk, entry_of(sandbox, "full")), Pick(other.pk, "x"))
    assert KnownToken.objects.count() == 0


def test_an_entry_of_another_stored_token_can_not_be_picked(
    connection: Connection, connected: Connected, renewing: Renewing, sandbox: Sandbox
) -> None:
    other = connected("Acme again", token="full-again")
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    with pytest.raises(CannotRenew) as refused:
        use(renewing, Pick(other.pk, entry_of(sandbox, "full")))
    assert refused.value.code == "import_other_token"


def new_token(connection: Connection, token: str, renewing: Renewing, expires_on: date) -> None:
    new = Replacement(PersonalAccessToken(token), expires_on, "one", accept_limited=True)
    rotate(connection, new, person=renewing.user, by=renewing.by, now=renewing.now())


def test_a_token_that_was_updated_meanwhile_is_not_dated(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, token_of: Callable[[str], str]
) -> None:
    renewing.read_tokens()
    new_token(connection, token_of("full-again"), renewing, DAY)
    with pytest.raises(CannotRenew) as refused:
        use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    assert refused.value.code == "import_outdated"


def test_a_new_token_that_is_entered_has_an_entered_date(
    connection: Connection, renewing: Renewing, sandbox: Sandbox, token_of: Callable[[str], str]
) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    connection.refresh_from_db()
    new_token(connection, token_of("full-again"), renewing, DAY)
    connection.refresh_from_db()
    assert (connection.expires_on, connection.is_date_read) == (DAY, False)


def test_a_date_that_is_entered_later_is_not_read(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    connection.refresh_from_db()
    changes = Changes(connection.name, DAY + timedelta(days=1), "one", None)
    edit(connection, changes, by=Actor("ann"), now=timezone.now())
    connection.refresh_from_db()
    assert not connection.is_date_read


def test_several_organizations_are_read_in_one_sign_in(
    connection: Connection, connected: Connected, renewing: Renewing
) -> None:
    connected("Fabrikam", token="other-organization", organization="fabrikam")
    imports = renewing.read_tokens("acme", "fabrikam")
    assert [one.organization for one in imports] == ["acme", "fabrikam"]
    assert len(stored(imports)) == 2


def test_one_organization_that_fails_does_not_stop_the_others(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    sandbox.behaviour.add("pat_error", organization="fabrikam", method="GET", code="accessDenied")
    acme, fabrikam = renewing.read_tokens("fabrikam", "acme")
    assert (acme.problem, fabrikam.problem, fabrikam.problem_word) == ("", "pat_access_denied", "accessDenied")
    assert acme.entries
    assert not fabrikam.entries


def test_a_later_import_replaces_the_earlier_one(connection: Connection, renewing: Renewing) -> None:
    renewing.read_tokens()
    renewing.read_tokens()
    assert TokenImport.objects.count() == 1


def test_nothing_of_the_sign_in_is_kept(connection: Connection, renewing: Renewing, sandbox: Sandbox) -> None:
    renewing.read_tokens()
    kept = repr([vars(row) for row in TokenImport.objects.all()])
    assert not any(token in kept for token in [*sandbox.state.access_tokens, *sandbox.state.tokens])
    assert RenewalSignIn.objects.count() == 0


def test_an_import_works_once(connection: Connection, renewing: Renewing) -> None:
    address = renew_sign_in.begin_import("Sandbox", ["acme"], person=renewing.user, now=renewing.now())
    parameters = sent_back(address)
    renewing.return_with(parameters)
    with pytest.raises(CannotRenew) as refused:
        renewing.return_with(parameters)
    assert refused.value.code == "sign_in_too_late"


def test_what_was_picked_before_can_be_picked_again_in_a_renewal(
    connection: Connection, renewing: Renewing, sandbox: Sandbox
) -> None:
    renewing.read_tokens()
    use(renewing, Pick(connection.pk, entry_of(sandbox, "full")))
    renewal = renewing.renew(connection)
    assert (renewal.old_authorization_id, renewal.picked_name) == (entry_of(sandbox, "full"), "full")
