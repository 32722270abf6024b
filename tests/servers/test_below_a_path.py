"""Below a path of a host that other applications share, behind nginx as docs/operating.md configures it."""

import re
from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from sandbox.samples import SAMPLES
from sandbox.server import Sandbox
from tests.servers.proxy import Site, site, web_process
from tests.sign_in import provider

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]
PREFIX = "/repos"
PASSWORD = "a-long-enough-password-4-tests"
# One connection with projects, repositories, builds and releases; a reminder, written in a thread as a worker does.
FILL = """
import json
from datetime import UTC, datetime, timedelta
from threading import Thread
from connections import tasks
from connections.models import Connection, Mail
from delivery.live import polling
from delivery.models import PollSubscription, SyncState
from delivery.sync import sync
from delivery.live.readers import READERS
from tests.factories import connect_for_real, make_person
clock = lambda: datetime.now(UTC)
root = make_person("root", staff=True, email="root@example.com")
root.set_password({password!r})
root.save()
ends = (clock() + timedelta(days=7)).date()
connect_for_real(root, name="Acme", organization="acme", secret={secret!r}, expires_on=ends)
Connection.objects.update(token_set_at=clock() - timedelta(days=60))
SyncState.objects.update(next_at=clock())
for claim in sync.claim_due(now=clock()):
    sync.sync(claim, clock=clock)
PollSubscription.objects.update(once=True, next_at=clock())
for batch in polling.claim_due(now=clock()):
    polling.poll(batch, READERS, clock=clock)
worker = Thread(target=tasks.remind_due.apply)
worker.start()
worker.join()
print(json.dumps([[mail.text, mail.html] for mail in Mail.objects.all()]))
"""
# Everything by which a page leads somewhere.
LEADING = {"href", "src", "action", "formaction", "hx-get", "hx-post", "poster", "data"}
# Left out of the crawl: each of many alike, and what ends it.
ENOUGH_OF_ONE_KIND = 3
ENDS_THE_SESSION = "/sign-out/"


class Links(HTMLParser):
    """The addresses in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses |= {value for name, value in attrs if name in LEADING and value}


class Person:
    """A signed-in browser that follows no redirect by itself."""

    def __init__(self, found: Site) -> None:
        self.site = found
        self.origin = found.url.removesuffix(PREFIX)
        self._session = requests.Session()
        # Else the environment's own bundle goes before the one of this test.
        self._session.trust_env = False
        self._session.verify = found.bundle

    def get(self, path: str) -> requests.Response:
        return self._session.get(self.origin + path, timeout=30, allow_redirects=False)

    def post(self, path: str, **fields: str) -> requests.Response:
        fields["csrfmiddlewaretoken"] = self._session.cookies["__Secure-csrftoken"]
        headers = {"Referer": self.site.url + "/"}
        return self._session.post(self.origin + path, fields, headers=headers, timeout=30, allow_redirects=False)

    @property
    def cookies(self) -> requests.cookies.RequestsCookieJar:
        return self._session.cookies


@pytest.fixture(scope="module")
def azure() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, azure: Sandbox, migrated_file: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    entra = provider.Entra()
    server = provider.serve(entra)
    optional = {"SECOND_FACTOR": "1", "ENTRA_TENANT_ID": provider.TENANT, "ENTRA_CLIENT_ID": provider.CLIENT}
    optional |= {"ENTRA_CLIENT_SECRET": provider.SECRET, "ENTRA_AUTHORITY": f"http://127.0.0.1:{entra.port}"}
    try:
        optional["AZURE_DEVOPS_SERVERS"] = f"Sandbox={azure.url} kind=sandbox"
        with site("nginx, below a path", PREFIX, folder, migrated_file, **optional) as found:
            yield found
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def mails(product: Site) -> list[list[str]]:
    secret = next(sample.secret for sample in SAMPLES if sample.name == "full")
    written: list[list[str]] = product.shell(FILL.format(password=PASSWORD, secret=secret))
    return written


@pytest.fixture(scope="module")
def person(product: Site, mails: list[list[str]]) -> Person:
    somebody = Person(product)
    assert somebody.get(f"{PREFIX}/sign-in/").status_code == 200
    answer = somebody.post(f"{PREFIX}/sign-in/", username="root", password=PASSWORD)
    assert answer.headers["Location"] == f"{PREFIX}/code-repositories/"
    return somebody


def kind(path: str) -> str:
    return re.sub(r"\d+|[0-9a-f-]{32,}", "N", path)


def leads_outside(address: str, origin: str) -> bool:
    """Whether it is of this host and not below the path."""
    path = urlsplit(address).path
    return address.startswith(f"{origin}/") and path != PREFIX and not path.startswith(f"{PREFIX}/")


def crawl(person: Person) -> tuple[set[str], list[str]]:
    """The kinds of pages that links lead to, and what is wrong with each."""
    waiting, seen, kinds, wrong = deque([f"{PREFIX}/", f"{PREFIX}/admin/"]), set(), dict[str, int](), []
    while waiting:
        path = waiting.popleft()
        kinds[kind(path)] = kinds.get(kind(path), 0) + 1
        if path in seen or ENDS_THE_SESSION in path or kinds[kind(path)] > ENOUGH_OF_ONE_KIND:
            continue
        seen.add(path)
        answer = person.get(path)
        led_to = [answer.headers["Location"]] if answer.is_redirect else []
        if answer.headers["Content-Type"].startswith("text/html"):
            led_to += sorted(Links(answer.text).addresses)
        if answer.headers["Content-Type"].startswith("text/css"):
            led_to += re.findall(r"url\([\"']?([^)\"']+)", answer.text)
        if answer.status_code not in (200, 301, 302, 405):
            wrong.append(f"{path}: {answer.status_code}")
        for address in (urljoin(person.origin + path, led) for led in led_to):
            if leads_outside(address, person.origin):
                wrong.append(f"{path} leads to {address}")
            elif address.startswith(f"{person.origin}/"):
                waiting.append(urlsplit(address).path)
    return set(kinds), wrong


def test_every_link_form_redirect_and_file_stays_below_the_path(person: Person) -> None:
    kinds, wrong = crawl(person)
    assert wrong == []
    expected = {"builds/N/", "releases/", "repositories/N/", "people/", "history/", "outbox/", "code-repositories/N/"}
    assert {f"{PREFIX}/{page}" for page in expected} <= kinds
    assert any(re.fullmatch(rf"{PREFIX}/static/css/app\.\w+\.css", path) for path in kinds)


def test_the_path_without_its_slash_leads_there(person: Person) -> None:
    assert person.get(PREFIX).headers["Location"] == f"{person.site.url}/"


def test_links_in_mails_begin_with_the_path(person: Person, mails: list[list[str]]) -> None:
    links = re.findall(rf"{re.escape(person.origin)}[^\s\"<>)]*", " ".join(text for mail in mails for text in mail))
    assert links
    assert [link for link in links if leads_outside(link, person.origin)] == []
    assert {person.get(urlsplit(link).path).status_code for link in links} <= {200, 302, 405}


def test_links_of_commands_begin_with_the_path(product: Site, mails: list[list[str]]) -> None:
    said = product.run("create_administrator", "second", "--link").out
    assert f"{product.url}/password/choose/" in said


def test_the_calendar_and_its_links_begin_with_the_path(person: Person) -> None:
    page = person.post(f"{PREFIX}/code-repositories/calendar/make/").text
    address = re.search(rf"{re.escape(person.site.url)}/calendar/[^\"<\s]+\.ics", page)
    assert address
    feed = person.get(urlsplit(address[0]).path)
    assert feed.status_code == 200
    lines = feed.text.replace("\r\n ", "")
    assert re.search(rf"URL[^:]*:{re.escape(person.site.url)}/code-repositories/\d+/", lines)


def test_microsoft_entra_id_sends_people_back_below_the_path(product: Site) -> None:
    begun = Person(product).get(f"{PREFIX}/sign-in/entra/")
    asked = parse_qs(urlsplit(begun.headers["Location"]).query)
    assert asked["redirect_uri"] == [f"{product.url}/sign-in/entra/back/"]


def test_cookies_are_for_the_path_alone(person: Person) -> None:
    person.post(f"{PREFIX}/code-repositories/calendar/revoke/")
    found = {cookie.name: cookie.path for cookie in person.cookies}
    assert found == dict.fromkeys(
        ["__Secure-sessionid", "__Secure-csrftoken", "__Secure-known_browser", "messages"], PREFIX
    )
    person.get(f"{PREFIX}/code-repositories/calendar/")
    assert "messages" not in person.cookies


def test_error_pages_lead_below_the_path(person: Person) -> None:
    for path in (f"{PREFIX}/nothing-here/", f"{PREFIX}/static/nothing.css"):
        answer = person.get(path)
        assert answer.status_code == 404
        addresses = {urljoin(person.origin + path, address) for address in Links(answer.text).addresses}
        assert [address for address in addresses if leads_outside(address, person.origin)] == []


def test_a_part_of_a_page_without_a_session_comes_back_to_its_page(product: Site) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{product.url}/builds/"}
    stranger = requests.get(f"{product.url}/builds/", headers=headers, verify=product.bundle, timeout=30)
    assert stranger.headers["HX-Redirect"] == f"{PREFIX}/sign-in/?next=%2Frepos%2Fbuilds%2F"


@pytest.mark.parametrize("path", ["/healthz", f"{PREFIX}/healthz"])
def test_monitors_ask_the_web_process_with_and_without_the_path(product: Site, path: str) -> None:
    assert requests.get(product.web + path, timeout=30).status_code == 200


@pytest.mark.parametrize("passed_on", ["", PREFIX], ids=["the proxy takes the path off", "the proxy leaves the path"])
def test_script_name_alone_says_the_path_too(product: Site, passed_on: str) -> None:
    with web_process(product, SITE_URL=product.url.removesuffix(PREFIX), SCRIPT_NAME=PREFIX) as web:
        headers = {"X-Forwarded-Proto": "https"}
        page = requests.get(f"{web}{passed_on}/sign-in/", headers=headers, timeout=30)
        sheet = re.search(rf'href="{PREFIX}(/static/css/app\.\w+\.css)"', page.text)
        assert sheet
        assert requests.get(f"{web}{passed_on}{sheet[1]}", headers=headers, timeout=30).status_code == 200


def test_the_navigation_shows_where_one_is(person: Person) -> None:
    page = person.get(f"{PREFIX}/builds/").text
    assert re.search(rf'href="{PREFIX}/builds/" aria-current="page"', page)
