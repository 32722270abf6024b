"""`manage.py releases`: what scripts read and do, and the codes it ends with."""

import pytest

from connections.models import CapabilityState
from delivery.live import polling
from delivery.live.readers import READERS
from delivery.models import ReleasePipeline
from history.models import Event
from sandbox.sample_code import NOOR
from tests.delivery.conftest import Clock
from tests.delivery.release_shop import CANARY, THROUGH, WAITING, Shop
from tests.delivery.terminal import run

NAME = "Deploy Tailspin"
PRODUCTION = (NAME, WAITING, "Production")


@pytest.fixture(autouse=True)
def _release_pipelines(shop: Shop, clock: Clock) -> None:
    for batch in polling.claim_due(now=clock()):
        polling.poll(batch, READERS, clock=clock)


def test_pipelines_are_listed_with_their_newest_release(shop: Shop) -> None:
    code, value = run("releases", "list", "--json")
    assert (code, [one["state"] for one in value]) == (0, ["failed", "waiting", "none"])
    assert (value[1]["release"], value[1]["pending"]) == (WAITING, 1)
    assert value[1]["stages"][2] == {"name": "Production", "state": "waiting"}


def test_what_waits_for_approval_is_listed_alone() -> None:
    code, text = run("releases", "list", "--state", "waiting")
    assert (code, text.split()[:2]) == (0, ["waiting", WAITING])
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("words", [("--connection", "Nowhere"), ("--project", "Wiki")])
def test_a_list_is_limited_to_connection_and_project(words: tuple[str, str]) -> None:
    assert run("releases", "list", *words)[1].strip() == "No release pipelines."


def test_the_newest_release_is_shown_with_who_is_asked() -> None:
    code, value = run("releases", "show", NAME, "--json")
    assert (code, value["name"], value["state"]) == (3, WAITING, "waiting")
    assert value["asked"] == [{"stage": "Production", "who": "Maya Sample"}]


def test_a_release_is_found_by_name_and_by_number(shop: Shop) -> None:
    by_name = run("releases", "show", NAME, THROUGH.lower(), "--json")
    by_number = run("releases", "show", NAME, str(shop.release(THROUGH).id), "--json")
    assert by_name == by_number
    assert by_name[0] == 0


def test_a_release_that_failed_ends_with_one() -> None:
    assert run("releases", "show", "Canary Tailspin")[0] == 1


def test_a_release_of_another_pipeline_is_refused(shop: Shop) -> None:
    other = shop.release("Release-1", CANARY)
    assert run("releases", "show", NAME, str(other.id))[0] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "Nothing"), 1),
        (("show", NAME, "Release-99"), 1),
        (("show", "Mac Tailspin"), 1),
        (("deploy", NAME, WAITING, "Nowhere"), 1),
        (("approve", NAME, THROUGH, "Production"), 1),
        (("create", NAME, "--by-hand", "Nowhere"), 2),
        (("create", NAME, "--artifact", "19700101.1"), 1),
    ],
)
def test_what_is_not_there_is_said(shop: Shop, words: tuple[str, ...], code: int) -> None:
    before = shop.writes
    assert run("releases", *words)[0] == code
    assert shop.writes == before


def test_where_the_name_is_not_enough_the_command_asks_for_more() -> None:
    ReleasePipeline.objects.update(name=NAME)
    assert run("releases", "show", NAME)[0] == 2


def test_a_release_is_created_with_the_version_that_was_chosen(shop: Shop) -> None:
    ci = shop.release(WAITING).artifacts["_drop"].definition
    older = next(one for one in shop.azure.builds if one.definition is ci and one.outcome == "succeeded")
    words = ("--artifact", f"_drop={older.number}", "--description", "From a script", "--by-hand", "Test")
    code, value = run("releases", "create", NAME, *words, "--json")
    assert (code, value["name"], value["state"]) == (0, "Release-3", "not_started")
    assert (value["versions"], value["description"]) == ({"_drop": older.number}, "From a script")
    event = Event.objects.get(kind="create_release.done")
    assert (event.actor_name, event.detail["release_id"]) == ("command line", value["id"])


def test_a_release_that_is_followed_stands_still_where_a_person_is_asked(quick: None) -> None:
    code, value = run("releases", "create", NAME, "--wait", "--json")
    assert (code, value["state"]) == (3, "waiting")
    assert [one["state"] for one in value["stages"]] == ["succeeded", "succeeded", "waiting"]


def test_a_release_that_does_not_stand_still_in_time_could_not_be_told() -> None:
    assert run("releases", "create", NAME, "--wait", "--timeout", "0")[0] == 4


def test_an_approval_is_given_and_the_stage_followed_to_its_end(shop: Shop, quick: None) -> None:
    code, value = run("releases", "approve", *PRODUCTION, "--comment", "Seen", "--wait", "--json")
    assert (code, value["stages"][2]["state"]) == (0, "succeeded")
    assert (shop.approval(shop.release(WAITING)).comments, value["asked"]) == ("Seen", [])


def test_an_approval_is_given_without_waiting(shop: Shop) -> None:
    code, text = run("releases", "approve", *PRODUCTION)
    assert (code, text) == (0, "Production of Release-2 was approved.\n")
    assert Event.objects.get(kind="approve_deployment.done").actor_name == "command line"


def test_a_rejection_is_told_to_azure_devops(shop: Shop) -> None:
    assert run("releases", "reject", *PRODUCTION, "--comment", "Not today")[0] == 0
    assert shop.status(shop.release(WAITING), "Production") == "rejected"


def test_an_approval_of_somebody_else_is_refused_in_words(shop: Shop) -> None:
    shop.approval(shop.release(WAITING)).approver = NOOR
    code, value = run("releases", "approve", *PRODUCTION, "--json")
    assert (code, value["problem"]) == (1, "approval_of_another")


def test_a_deployment_that_fails_ends_with_one(shop: Shop, quick: None) -> None:
    words = ("Canary Tailspin", "Release-1", "canary", "--wait", "--json")
    code, value = run("releases", "deploy", *words)
    assert (code, value["stages"][0]["state"]) == (1, "failed")


def test_a_deployment_is_cancelled(shop: Shop) -> None:
    assert run("releases", "cancel", *PRODUCTION) == (0, "Production of Release-2 was cancelled.\n")
    assert shop.status(shop.release(WAITING), "Production") == "canceled"


def test_what_is_refused_says_why_in_the_catalogues_words(shop: Shop) -> None:
    CapabilityState.objects.filter(capability="release_manage").update(verdict="missing")
    before = shop.writes
    code, value = run("releases", "approve", *PRODUCTION, "--json")
    assert (code, value["problem"]) == (1, "scope_missing")
    assert shop.writes == before


def test_what_nobody_could_tell_ends_with_four(shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=500)
    code, value = run("releases", "show", NAME, "--json")
    assert (code, value["problem"]) == (4, "server_error")


def test_versions_that_cannot_be_listed_are_not_guessed(shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=401, path="/build/builds", headers={"WWW-Authenticate": "Basic"})
    code, value = run("releases", "create", NAME, "--artifact", "1", "--json")
    assert (code, value["problem"]) == (1, "scope_missing")
