"""Create release, Deploy, Cancel, Approve, Reject: asked first, tried once, recorded, and refused in words."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connections.models import CapabilityState, Connection
from connections.providers.azure_devops.release_models import Approval, ApprovalStatus
from connections.providers.organization import Identity
from delivery.models import Project
from delivery.releases.release_changes import is_of_another
from history.models import Event
from sandbox.sample_code import NOOR
from tests.delivery.release_shop import CANARY, DEPLOY, MAC, THROUGH, WAITING, Shop, events

BringIn = Callable[[Connection], object]


def newest_build(shop: Shop) -> str:
    return str(shop.release(WAITING).artifacts["_drop"].id)


def create(pages: Client, shop: Shop, definition: int = DEPLOY, *, yes: bool = True, **data: str) -> str:
    chosen = {"version_0": newest_build(shop), "description": "By hand"} | data
    return shop.post(pages, "new-release", definition, **chosen, **({"confirmed": "1"} if yes else {}))


def test_the_form_offers_good_builds_newest_first(pages: Client, shop: Shop) -> None:
    form = pages.get(shop.url("new-release", DEPLOY)).context["form"]
    choices = form["version_0"].field.widget.choices
    assert choices[0][0] == newest_build(shop)
    assert choices[0][1].startswith(shop.release(WAITING).artifacts["_drop"].number)
    assert choices[-1] == ("", "The latest, chosen by Azure DevOps")
    assert len(choices) > 10


def test_nothing_is_created_before_the_person_says_yes(pages: Client, shop: Shop) -> None:
    before = shop.writes
    page = create(pages, shop, yes=False, by_hand_1="on")
    assert "Create this release?" in page
    assert shop.release(WAITING).artifacts["_drop"].number in page
    assert "Wait for someone to deploy it" in page
    assert 'name="by_hand_1" value="True"' in page
    assert shop.writes == before


def test_a_release_of_the_chosen_version_is_created_and_recorded(pages: Client, shop: Shop) -> None:
    offered = pages.get(shop.url("new-release", DEPLOY)).context["form"]["version_0"].field.widget.choices
    page = create(pages, shop, version_0=offered[3][0], by_hand_1="True")
    made = shop.release("Release-3")
    assert "Release-3 of Deploy Tailspin is created." in page
    assert str(made.artifacts["_drop"].id) == offered[3][0]
    assert (made.description, made.by_hand) == ("By hand", frozenset({"Test"}))
    event = Event.objects.get(kind="create_release.done")
    assert event.actor_name == "maya"
    assert event.detail["release_id"] == made.id
    assert event.detail["what"] == f"Deploy Tailspin in Tailspin with {made.artifacts['_drop'].number}"


def test_without_a_choice_azure_devops_takes_the_latest(pages: Client, shop: Shop) -> None:
    create(pages, shop, version_0="")
    assert str(shop.release("Release-3").artifacts["_drop"].id) == newest_build(shop)


def test_a_version_that_is_not_offered_is_not_sent(pages: Client, shop: Shop) -> None:
    before = shop.writes
    assert "This version is no longer available." in create(pages, shop, version_0="4711")
    assert shop.writes == before


def test_versions_that_cannot_be_listed_are_explained(pages: Client, shop: Shop) -> None:
    shop.sandbox.behaviour.add("status", status=401, path="/build/builds", headers={"WWW-Authenticate": "Basic"})
    page = pages.get(shop.url("new-release", DEPLOY)).content.decode()
    assert "The versions of _drop could not be listed: Scope missing." in page
    assert "is created" in create(pages, shop, version_0="")


def test_a_version_that_was_seen_but_cannot_be_listed_now_is_not_exchanged_for_the_latest(
    pages: Client, shop: Shop
) -> None:
    shop.sandbox.behaviour.add("status", status=500, path="/build/builds")
    before = shop.writes
    assert "This version is no longer available." in create(pages, shop)
    assert shop.writes == before


def test_without_any_good_build_the_refusal_is_in_words(pages: Client, shop: Shop) -> None:
    page = create(pages, shop, MAC, version_0="")
    assert "Version not available" in page
    assert "Azure DevOps said: <q>Latest version information could not be loaded for artifact _mac." in page
    assert events("failed")[0]["problem"] == "artifact_unavailable"


def test_where_classic_releases_are_switched_off_it_says_so(pages: Client, shop: Shop) -> None:
    shop.sandbox.state.organizations["fabrikam"].without_classic_releases = True
    assert "Classic releases are turned off" in create(pages, shop)
    assert events("failed")[0]["problem"] == "releases_disabled"


def test_a_release_that_was_created_although_the_answer_was_lost_is_found(pages: Client, shop: Shop) -> None:
    shop.sandbox.behaviour.add("reset", method="POST", path="/releases$", carried_out=True)
    before = shop.writes
    assert "Release-3 of Deploy Tailspin is created." in create(pages, shop)
    assert shop.writes == before + 1


def test_a_release_that_was_not_created_is_not_tried_again(pages: Client, shop: Shop) -> None:
    shop.sandbox.behaviour.add("reset", method="POST", path="/releases$", times=1)
    before = shop.writes
    assert "No connection to Azure DevOps" in create(pages, shop)
    assert shop.writes == before + 1
    assert [one.name for one in shop.azure.releases if one.definition.id == DEPLOY] == [THROUGH, WAITING]


def test_the_release_of_somebody_else_is_not_taken_for_ours(pages: Client, shop: Shop) -> None:
    create(pages, shop, description="Earlier, and ours")
    shop.release("Release-3").person = NOOR
    shop.sandbox.behaviour.add("reset", method="POST", path="/releases$", times=1)
    assert "No connection to Azure DevOps" in create(pages, shop, description="Earlier, and ours")


def test_where_two_releases_could_be_ours_it_says_that_it_cannot_be_told(
    pages: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from delivery.releases.release_changes import _Creation

    create(pages, shop)
    create(pages, shop)
    shop.sandbox.behaviour.add("reset", method="POST", path="/releases$", times=1)
    monkeypatch.setattr(_Creation, "may_be_ours", lambda _self, one, _newest: one.name in ("Release-3", "Release-4"))
    assert "We can&#x27;t confirm whether this succeeded" in create(pages, shop)


def stage_id(shop: Shop, release: str, stage: str, definition: int = DEPLOY) -> tuple[int, int]:
    found = shop.release(release, definition)
    return found.id, shop.stage(found, stage).id


def test_a_stage_is_deployed_after_asking_and_recorded(pages: Client, shop: Shop) -> None:
    canary = stage_id(shop, "Release-1", "Canary", CANARY)
    before = shop.writes
    question = pages.get(shop.url("deploy-stage", *canary)).content.decode()
    assert "Deploy Canary?" in question
    assert "Maya Sample" in question
    assert shop.writes == before
    assert "Canary of Release-1 is being deployed." in shop.post(pages, "deploy-stage", *canary, comment="Once more")
    assert shop.status(shop.release("Release-1", CANARY), "Canary") == "queued"
    detail = events("deploy_stage.done")[0]
    assert (detail["environment_id"], detail["attempt"], detail["comment"]) == (canary[1], 2, "Once more")


def test_a_deployment_is_cancelled(pages: Client, shop: Shop) -> None:
    production = stage_id(shop, WAITING, "Production")
    page = shop.post(pages, "cancel-deployment", *production)
    assert "The deployment of Production of Release-2 is cancelled." in page
    assert shop.status(shop.release(WAITING), "Production") == "canceled"
    assert events("cancel_deployment.done")[0]["release_id"] == production[0]


def test_what_the_state_does_not_allow_is_refused_in_words(pages: Client, shop: Shop) -> None:
    page = shop.post(pages, "cancel-deployment", *stage_id(shop, WAITING, "Test"))
    assert "Not possible in this state" in page
    assert "Azure DevOps said: <q>VS402964" in page
    assert events("failed")[0]["problem"] == "stage_moved_on"


def approval_id(shop: Shop) -> tuple[int, int]:
    release = shop.release(WAITING)
    return release.id, shop.approval(release).id


@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("approve-deployment", "Production of Release-2 is approved.", "queued"),
        ("reject-deployment", "Production of Release-2 is rejected.", "rejected"),
    ],
)
def test_an_approval_is_decided_with_a_comment(pages: Client, shop: Shop, name: str, words: str, status: str) -> None:
    number = approval_id(shop)
    assert words in shop.post(pages, name, *number, comment="Seen on staging")
    release = shop.release(WAITING)
    assert shop.approval(release).comments == "Seen on staging"
    assert shop.status(release, "Production") == status
    kind = name.replace("-", "_")
    assert events(f"{kind}.done")[0]["approval_id"] == number[1]


def test_an_approval_that_is_asked_of_somebody_else_is_refused_in_words(pages: Client, shop: Shop) -> None:
    shop.approval(shop.release(WAITING)).approver = NOOR
    number = approval_id(shop)
    assert "Azure DevOps asks Noor Sample" in pages.get(shop.url("approve-deployment", *number)).content.decode()
    page = shop.post(pages, "approve-deployment", *number)
    assert "Approval assigned to someone else" in page
    assert "Azure DevOps said: <q>Access denied: User Maya Sample is not an approver" in page
    assert events("failed")[0]["problem"] == "approval_of_another"


def test_an_approval_that_was_decided_meanwhile_is_not_decided_again(pages: Client, shop: Shop) -> None:
    number = approval_id(shop)
    shop.post(pages, "reject-deployment", *number)
    before = shop.writes
    assert "Already decided" in shop.post(pages, "approve-deployment", *number)
    assert shop.writes == before
    assert shop.approval(shop.release(WAITING)).status == "rejected"


def test_a_missing_right_of_the_person_is_told_apart_from_a_missing_scope(
    pages: Client, connected: Callable[..., Connection], bring_in: BringIn, shop: Shop
) -> None:
    bring_in(connected("Guest", token="no-rights", organization="acme"))
    guest = Shop(
        Project.objects.get(name="Storefront"), shop.sandbox.state.organizations["acme"].projects[0], shop.sandbox
    )
    page = guest.post(pages, "deploy-stage", *stage_id(guest, WAITING, "Test"))
    assert "Not permitted" in page
    assert "manage deployments" in page
    assert "Scope missing" not in page
    assert events("failed")[0]["problem"] == "access_denied"


def test_a_scope_that_was_taken_away_since_the_last_check_is_said(pages: Client, shop: Shop) -> None:
    token = shop.sandbox.state.token_named("full")
    assert token is not None
    token.scopes = ("vso.release_execute",)
    assert "Scope missing" in shop.post(pages, "approve-deployment", *approval_id(shop))


@pytest.mark.parametrize("name", ["new-release", "deploy-stage", "approve-deployment"])
def test_what_the_last_check_found_missing_is_not_even_tried(pages: Client, shop: Shop, name: str) -> None:
    CapabilityState.objects.filter(capability__startswith="release").update(verdict="missing")
    before = shop.writes
    numbers = {
        "new-release": (DEPLOY,),
        "deploy-stage": stage_id(shop, WAITING, "Test"),
        "approve-deployment": approval_id(shop),
    }
    page = shop.post(pages, name, *numbers[name], confirmed="1")
    assert "The token lacks the scope Release:" in page
    assert "disabled>" in page
    assert shop.writes == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("deploy-stage", "is being deployed."),
        ("cancel-deployment", "is cancelled."),
        ("approve-deployment", "is approved."),
        ("reject-deployment", "is rejected."),
    ],
)
@pytest.mark.parametrize("happened", [True, False])
def test_after_silence_it_looks_whether_it_happened_and_never_tries_again(
    pages: Client, shop: Shop, name: str, words: str, happened: bool
) -> None:
    numbers = {
        "deploy-stage": stage_id(shop, "Release-1", "Canary", CANARY),
        "cancel-deployment": stage_id(shop, WAITING, "Production"),
    }.get(name) or approval_id(shop)
    shop.sandbox.behaviour.add("reset", method="PATCH", carried_out=happened)
    before = shop.writes
    page = shop.post(pages, name, *numbers)
    assert (words in page) is happened
    assert ("No connection to Azure DevOps" in page) is not happened
    assert shop.writes == before + 1
    assert len(events("done")) == (1 if happened else 0)


def test_a_decision_that_was_not_even_sent_is_not_taken_for_an_earlier_one(pages: Client, shop: Shop) -> None:
    number = approval_id(shop)
    shop.post(pages, "approve-deployment", *number)
    before = shop.writes
    # The page reads the release once, and the action once more.
    shop.sandbox.behaviour.add("status", status=500, method="GET", path="/releases/", after=1, times=1)
    page = shop.post(pages, "approve-deployment", *number)
    assert "is approved." not in page
    assert shop.writes == before
    assert len(events("done")) == 1


def test_where_it_cannot_be_told_the_history_says_so(pages: Client, shop: Shop) -> None:
    number = approval_id(shop)
    shop.sandbox.behaviour.add("reset", method="PATCH")
    shop.sandbox.behaviour.add("status", status=500, method="GET", path="/releases/", after=2)
    assert "We can&#x27;t confirm whether this succeeded" in shop.post(pages, "approve-deployment", *number)
    assert events("failed")[0]["problem"] == "outcome_unknown"


def test_what_is_not_in_the_release_is_no_page(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING).id
    assert pages.get(shop.url("deploy-stage", release, 4711)).status_code == 404
    assert pages.post(shop.url("approve-deployment", release, 4711)).status_code == 404


def test_each_of_several_approvers_has_an_approval_of_their_own(pages: Client, shop: Shop) -> None:
    release = shop.release(WAITING)
    shop.stage(release, "Production").attempts[-1].approvals.append(
        replace(shop.approval(release), id=4711, approver=NOOR)
    )
    page = shop.page(pages, release)
    assert page.count('id="approve_deployment-') == 2


def test_each_act_wants_its_own_permission(client: Client, shop: Shop, person: Callable[..., User]) -> None:
    client.force_login(person("vera", "delivery.view_releasepipeline", "delivery.deploy_release"))
    assert client.get(shop.url("deploy-stage", *stage_id(shop, WAITING, "Test"))).status_code == 200
    assert client.get(shop.url("approve-deployment", *approval_id(shop))).status_code == 403
    assert client.get(shop.url("reject-deployment", *approval_id(shop))).status_code == 403
    assert client.get(shop.url("new-release", DEPLOY)).status_code == 403


def test_the_history_page_words_what_was_done(pages: Client, shop: Shop) -> None:
    shop.post(pages, "approve-deployment", *approval_id(shop), comment="Seen on staging")
    page = pages.get("/history/").content.decode()
    assert "Deployment approved" in page
    assert "Production of Release-2 in Tailspin. “Seen on staging”" in page


def test_whether_another_is_asked_cannot_be_told_of_groups_and_of_nobody() -> None:
    def asked(who: Identity | None) -> bool:
        return is_of_another(Approval(1, ApprovalStatus.PENDING, "preDeploy", approver=who), "ME")

    assert asked(Identity("you", "Noor"))
    assert not asked(Identity("me", "Maya"))
    assert not asked(Identity("crew", "Release crew", is_group=True))
    assert not asked(Identity("", "Somebody"))
    assert not asked(None)
