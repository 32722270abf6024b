"""Whatever comes, only our own errors leave the client, nothing leaks, nothing is granted by accident."""

import base64
import contextlib
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from hypothesis import example, given
from hypothesis import strategies as st

from connections.providers.azure_devops import capabilities
from connections.providers.azure_devops.capabilities import read_answer
from connections.providers.azure_devops.classification import classify
from connections.providers.azure_devops.errors import AzureDevOpsError, UnexpectedAnswer
from connections.providers.azure_devops.identifiers import (
    InvalidOrganizationName,
    InvalidToken,
    parse_organization,
    read_token,
)
from connections.providers.azure_devops.models import SERVICES_URL, Server
from connections.providers.azure_devops.parsing import parse_datetime
from connections.providers.azure_devops.responses import Response
from connections.providers.azure_devops.servers import InvalidServers, parse_servers
from connections.providers.capability import Verdict
from core.redaction import redact
from tests.connections.providers.azure_devops.conftest import SECRET, MakeTransport
from tests.connections.providers.azure_devops.loopback import Loopback, Seen, Wire

SERVICES = Server("Services", SERVICES_URL)
OWN = Server("Own", "https://devops.example.com/tfs")
ME = "22157d54-1821-6536-a446-928b06348385"
BASE64 = base64.b64encode(b":" + SECRET.encode()).decode()
PLANTED = (SECRET, BASE64, f"Basic {BASE64}", f"user {SECRET}")

texts = st.text(max_size=60) | st.sampled_from(PLANTED)
words = texts | st.sampled_from(
    [
        "Access Denied: The Personal Access Token used has expired.",
        "TF400813: The user '' is not authorized",
        "TF24668: stopped",
        "TF400733",
        "GitRepositoryNotFoundException",
        "ArgumentNullException",
        "ProjectDoesNotExistException",
        "AccessDeniedException",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
envelopes = st.fixed_dictionaries({}, optional={"typeKey": words | values, "message": words | values, "value": values})
bodies = (
    st.binary(max_size=80)
    | envelopes.map(lambda value: json.dumps(value).encode())
    | values.map(lambda value: json.dumps(value).encode())
    | words.map(lambda text: text.encode(errors="replace"))
    | words.map(lambda text: b"<html>" + text.encode(errors="replace"))
    | st.just(b"[" * 100_000)
    | st.just(b'{"a":' + b"9" * 5000 + b"}")
)
types = st.sampled_from(["application/json", "application/json; charset=utf-8", "text/html", "text/plain"])
headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": types | words,
        "x-vss-userdata": st.sampled_from([f"{ME}:me@example.com", ":", "a:b"]) | words,
        "x-tfs-serviceerror": words,
        "activityid": words,
        "x-vss-e2eid": words,
        "retry-after": words | st.integers().map(str) | st.floats().map(str) | st.datetimes().map(str),
        "x-ms-continuationtoken": words,
        "www-authenticate": words,
    },
)
statuses = st.integers(100, 599) | st.sampled_from([200, 203, 204, 302, 400, 401, 403, 404, 409, 429, 500, 503])
answers = st.builds(Response, statuses, headers, bodies)


def shown(trouble: AzureDevOpsError) -> str:
    return f"{trouble} {trouble!r} {vars(trouble)}"


@given(answers)
def test_the_classifier_makes_one_of_our_errors_or_nothing_of_any_answer(answer: Response) -> None:
    trouble = classify(answer)
    assert trouble is None or isinstance(trouble, AzureDevOpsError)
    if trouble is None:
        assert 200 <= answer.status < 300


@given(answers)
def test_the_classifier_never_repeats_a_token(answer: Response) -> None:
    trouble = classify(answer)
    if trouble is not None:
        assert SECRET not in shown(trouble)
        assert BASE64 not in shown(trouble)
    assert SECRET not in (answer.activity_id or "") + (answer.type_key or "")


@given(answers)
def test_reading_a_list_gives_objects_or_one_of_our_errors(answer: Response) -> None:
    try:
        items = answer.json_list()
    except UnexpectedAnswer:
        return
    assert all(isinstance(item, dict) for item in items)


@given(answers)
def test_nothing_is_granted_that_does_not_name_the_person_and_itself(answer: Response) -> None:
    for probe in capabilities.PROBES:
        verdict, reason = read_answer(answer, proofs=probe.proofs, identity=ME)
        if verdict is Verdict.GRANTED:
            named = answer.headers.get("x-vss-userdata", "").startswith(ME)
            proof = probe.proofs.match(answer.type_key or "") is not None and answer.status in (400, 404, 409, 500)
            success = 200 <= answer.status < 300 and answer.status != 203
            assert named
            assert success or proof
        assert SECRET not in reason


@given(answers)
def test_missing_is_an_unsigned_401_without_a_word_and_nothing_else(answer: Response) -> None:
    verdict, _ = read_answer(answer, proofs=capabilities.PROBES[0].proofs, identity=ME)
    if verdict is Verdict.MISSING:
        assert answer.status == 401
        assert answer.body.strip() == b""
        assert answer.user_id is None


names = st.text(max_size=80) | st.text(alphabet="acme./\\%2eE@:-_\r\n\0аК", max_size=20)
addresses = st.sampled_from(["https://dev.azure.com/", "https://", "git@ssh.dev.azure.com:v3/", "dev.azure.com/"])
typed = names | st.builds("{}{}".format, addresses, names) | st.builds("{}.visualstudio.com".format, names)


@given(typed)
@example("acme/../x")
@example("https://dev.azure.com/%2e%2e")
@example("https://acm\u212a.visualstudio.com")
@example("https://[")
@example("https://dev.azure.com:99999999999/acme")
@example("http://\ud800/")
def test_an_organization_is_a_plain_name_or_refused(text: str) -> None:
    try:
        name = parse_organization(text, SERVICES, others=(OWN,)).name
    except InvalidOrganizationName:
        return
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", name, re.ASCII)


@given(typed | st.text(max_size=80) | st.builds("https://devops.example.com/tfs/{}".format, typed))
@example("%2e%2e")
@example("%252e%252e")
@example("https://devops.example.com/tfs/%2e%2e/x")
@example("a\u202eb")
def test_a_collection_stays_one_segment_of_the_path_or_is_refused(text: str) -> None:
    try:
        name = parse_organization(text, OWN, others=(SERVICES,)).name
    except InvalidOrganizationName:
        return
    assert 0 < len(name) <= 64
    page = OWN.home_page(name)
    assert re.fullmatch(r"https://devops\.example\.com/tfs/[!-~]+", page, re.ASCII)
    assert unquote(page).removeprefix(f"{OWN.url}/") == name
    assert not re.search(r"[/\\%\x00-\x1f]|\.\.", name)


@given(st.text(max_size=250) | st.text(alphabet="ab \t\r\n\0\"'é", max_size=20))
def test_a_token_is_printable_ascii_or_refused(text: str) -> None:
    try:
        secret = read_token(text).reveal()
    except InvalidToken:
        return
    assert re.fullmatch(r"[!-~]{1,200}", secret, re.ASCII)


@given(st.text(max_size=60) | st.builds("A={}".format, typed))
def test_the_operators_servers_are_read_or_refused(text: str) -> None:
    try:
        servers = parse_servers(text)
    except InvalidServers:
        return
    assert all(server.url.lower().startswith("https://") or server.is_loopback for server in servers)


@given(typed | st.text(max_size=60) | st.builds("http://user:{}@proxy:3128".format, typed))
def test_what_is_said_of_a_servers_settings_never_holds_a_password(text: str) -> None:
    planted = f"Own=http://user:Sesame{text}@proxy"
    for setting in ("servers", "ca_bundles", "proxies", "plain_http"):
        try:
            parse_servers(**{"servers": "Own=https://devops.example.com", setting: planted})
        except InvalidServers as wrong:
            assert "Sesame" not in str(wrong)  # noqa: PT017  (nothing need be raised)


@given(st.text(max_size=40), st.sampled_from(PLANTED[:3]), st.text(max_size=40))
def test_a_token_is_blacked_out_in_any_text(before: str, planted: str, after: str) -> None:
    clean = redact(f"{before}{planted}{after}")
    assert planted not in clean
    assert SECRET not in clean


@given(st.text())
def test_what_is_blacked_out_stays_so(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30)),  # noqa: DTZ001  (the zone is added below)
    st.integers(0, 7),
    st.sampled_from(["Z", "+00:00", "", "+05:30", "-08:00"]),
)
def test_an_instant_is_read_with_up_to_seven_digits(moment: datetime, digits: int, zone: str) -> None:
    fraction = f"{moment.microsecond:06d}0"[:digits]
    text = f"{moment:%Y-%m-%dT%H:%M:%S}" if moment.year >= 1000 else moment.replace(microsecond=0).isoformat()
    found = parse_datetime(text + (f".{fraction}" if digits else "") + zone)
    offset = {"+05:30": timedelta(hours=5, minutes=30), "-08:00": timedelta(hours=-8)}.get(zone, timedelta())
    expected = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]), tzinfo=UTC) - offset
    assert found == expected
    assert found.utcoffset() == timedelta()


@given(st.text(max_size=40) | values)
@example("9999-12-31T23:59:59-08:00")
@example("0001-01-02T00:00:00+14:00")
@example("2026-01-01T00:00:00.")
@example("٢٠٢٦-01-01T00:00:00Z")
def test_what_is_no_instant_is_none(value: object) -> None:
    found = parse_datetime(value)
    assert found is None or found.utcoffset() == timedelta()


lines = st.lists(st.binary(max_size=30), max_size=6).map(b"\r\n".join)
wires = st.binary(max_size=200) | st.builds(
    lambda status, head, body: b"HTTP/1.1 %d OK\r\n%b\r\n\r\n%b" % (status, head, body),
    st.integers(0, 999),
    lines,
    bodies,
)


def test_whatever_comes_over_the_wire_ends_in_an_answer_or_in_one_of_our_errors(transport: MakeTransport) -> None:
    said = b""

    def say(_seen: Seen, wire: Wire) -> None:
        wire.send(said)
        wire.keep = False

    with Loopback(say) as server:
        asking = transport(server.url, deadline=2.0, max_bytes=50_000)

        @given(wires)
        def ask(content: bytes) -> None:
            nonlocal said
            said = content
            with contextlib.suppress(AzureDevOpsError):
                assert asking.get(("_apis", "projects")).status // 100 == 2

        ask()
