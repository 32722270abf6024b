"""One folder's life: a first start with everything in its way, parts that die, later starts, and every end."""

import os
import re
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import pytest
import requests

from orchestrator.free_ports import listen_near, port_of
from tests.product.running import Start, copy_checkout, eventually, finished, is_ready, persons_environment

pytestmark = [pytest.mark.product, pytest.mark.xdist_group("product")]
RELOADS = 30
PARTS = ("web", "worker", "beat", "broker", "sandbox")
# Deep enough for no socket, with what shells, URLs and careless programs trip over.
DEEP = Path("Søren's work & play %20", "folder of 60 letters that leads to another folder of 60 lett", "checkout")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("product") / DEEP)


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[Start]:
    """The first start, with both ports taken by somebody else."""
    with closing(listen_near(0)) as web, closing(listen_near(0)) as sandbox:
        start = Start(folder, WEB_PORT=str(port_of(web)), SANDBOX_PORT=str(port_of(sandbox)))
        try:
            yield start.up()
        finally:
            start.close()


class Person:
    """A browser without JavaScript."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self.path = "/"

    def hang_up_after_each(self) -> None:
        """A new connection for each request from now on."""
        self._session.headers["Connection"] = "close"

    def get(self, path: str) -> str:
        answer = self._session.get(self._url + path, timeout=20)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def post(self, path: str, /, **fields: str) -> str:
        fields["csrfmiddlewaretoken"] = self._session.cookies["csrftoken"]
        answer = self._session.post(self._url + path, fields, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        self.path = urlsplit(answer.url).path
        return answer.text


@pytest.fixture(scope="module")
def person(first: Start) -> Person:
    """Signed in with what the terminal printed."""
    somebody = Person(first.url)
    somebody.get("/sign-in/")
    password = first.said(r"^Password +(\S{12,})$")
    page = somebody.post("/sign-in/", username=first.said(r"^Sign in as +(\S+)$"), password=password)
    assert "Sign out" in page
    return somebody


def test_busy_ports_are_passed_over_and_said(first: Start) -> None:
    assert first.said(r"port \d+ is busy; web takes (\d+)$") == str(urlsplit(first.url).port)
    sandbox = first.said(r"port \d+ is busy; sandbox takes (\d+)$")
    log = first.folder / "var" / "log" / "run.log"
    eventually(lambda: f"Sandbox on http://127.0.0.1:{sandbox}" in log.read_text(), "The log does not name the sandbox")


def test_the_sign_in_page_comes_with_its_stylesheet(first: Start) -> None:
    page = Person(first.url).get("/sign-in/")
    sheet = re.search(r'href="(/static/css/app\.\w+\.css)"', page)
    assert sheet
    assert "immutable" in requests.get(first.url + sheet[1], timeout=20).headers["Cache-Control"]


def test_clock_and_worker_really_work(first: Start) -> None:
    eventually(lambda: is_ready(first), "clock or worker left no sign of life")


def test_a_printed_sample_token_connects(first: Start, person: Person) -> None:
    token = first.said(r"^full +acme .*\n +(\w{84})$")
    person.get("/code-repositories/add/azure-devops/")
    page = person.post(
        "/code-repositories/add/azure-devops/",
        server="Sandbox",
        name="Acme",
        organization="acme",
        token=token,
        expires="90",
        token_reach="one",
        projects_mode="all",
    )
    assert "<h1" in page
    assert "Healthy" in page


def test_what_a_connection_is_for_works_by_itself(person: Person) -> None:
    """Repositories, builds and releases come in, a file is committed, a pipeline runs, a release is deployed."""
    repository = _found(person, "/repositories/?q=storefront", r'href="(/repositories/\d+/)">Storefront<')
    pipeline = _found(person, "/builds/?q=storefront", r'href="(/builds/\d+/)">Storefront CI<')
    releases = _found(person, "/releases/?q=storefront", r'href="(/releases/\d+/pipelines/\d+/)">Deploy Storefront<')

    text = {"branch": "main", "path": "notes.txt", "content": "Written here", "comment": "A note"}
    assert "is committed to main" in person.post(f"{repository}commit/", **text, confirmed="1")
    person.post(f"{pipeline}run/", branch="main", confirmed="1")
    build = person.path
    person.post(f"{releases}new/", confirmed="1")
    release = person.path

    approve = _found(person, release, rf'href="({release}approvals/\d+/approve/)"')
    assert "is approved." in person.post(approve, comment="Seen")
    _found(person, build, r"<h1>[^<]+</h1>\s*<span class=\"chip tone-good\">.*?(Succeeded)")
    _found(person, release, r"(Production succeeded)")


def test_a_commit_through_one_web_process_is_shown_by_all(person: Person) -> None:
    repository = _found(person, "/repositories/?q=storefront", r'href="(/repositories/\d+/)">Storefront<')
    page, form = f"{repository}files/?branch=main&path=/shared.txt", f"{repository}commit/"
    # Each request is a connection of its own, which any of the web processes takes.
    person.hang_up_after_each()
    text = {"branch": "main", "path": "shared.txt", "comment": "A note", "confirmed": "1"}
    assert "is committed to main" in person.post(form, **text, content="The first text")
    assert all("The first text" in person.get(page) for _ in range(RELOADS))
    seen = re.findall(r'name="seen" value="(\w+)"', person.get(f"{form}?branch=main&path=/shared.txt"))
    assert "is committed to main" in person.post(form, **text, content="The second text", seen=seen[0])
    assert [number for number in range(RELOADS) if "The second text" not in person.get(page)] == []


def _found(person: Person, path: str, pattern: str) -> str:
    """What the pattern finds on a page, as soon as it does."""
    found: list[str] = []

    def look() -> list[str]:
        sleep(1)
        found.extend(re.findall(pattern, person.get(path), re.DOTALL))
        return found

    eventually(look, f"{path} never showed {pattern}", within=90)
    return found[0]


def test_commands_beside_it_find_broker_sandbox_and_pages(first: Start, folder: Path) -> None:
    python = str(folder / ".venv/bin/python")
    code, said = finished(folder, [python, "manage.py", "ready"], persons_environment())
    assert code == 0, said
    assert "ok  broker" in said
    token = first.said(r"^full-again +acme .*\n +(\w{84})$")
    words = ["Beside", "acme", "--owner", "admin", "--server", "Sandbox", "--one-organization"]
    add = [python, "manage.py", "connections", "add", *words, "--json"]
    code, said = finished(folder, add, persons_environment(LOG_LEVEL="ERROR"), given=token)
    assert code == 0, said
    assert "Beside" in said


def test_a_second_start_in_the_folder_says_where_the_first_one_runs(first: Start) -> None:
    code, said = finished(first.folder, ["make", "run"], persons_environment())
    assert code != 0
    assert f"It already runs from this folder at {first.url}/. Stop that one first, or use it." in said
    assert "Traceback" not in said


def test_what_it_wrote_is_nobody_elses_to_read(first: Start) -> None:
    var = first.folder / "var"
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    assert stat.S_IMODE((var / "keys.env").stat().st_mode) == 0o600
    socket = Path(re.findall(r"unixsocket[: ](/\S+)", " ".join(first.processes().values()))[0])
    assert len(os.fsencode(socket)) < 100
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_killed_parts_are_started_again_and_work(first: Start, person: Person) -> None:
    before = {part: first.pids_of(part) for part in PARTS}
    for pids in before.values():
        os.kill(pids[0], signal.SIGKILL)
    for part in PARTS:
        first.wait_for(f"{part} ended (SIGKILL); it starts again in 0.5 s")
    with closing(sqlite3.connect(first.folder / "var" / "db.sqlite3", timeout=20)) as database, database:
        database.execute("DELETE FROM orchestrator_heartbeat")
    eventually(lambda: set(PARTS) <= _running(first), "not every part came back")
    eventually(lambda: is_ready(first), "clock or worker did not work again")
    person.post("/code-repositories/audits/start/")
    eventually(lambda: "Finished" in person.get(person.path), "the audit did not finish")


def _running(start: Start) -> set[str]:
    return {part for part in PARTS if start.pids_of(part)}


def test_ctrl_c_leaves_nothing_behind(first: Start) -> None:
    first.ctrl_c()
    assert first.processes() == {}
    assert "Traceback" not in first.text


ENDS: dict[str, Callable[[Start], None]] = {
    "SIGTERM to the supervisor": lambda start: os.kill(start.pids_of("supervisor")[0], signal.SIGTERM),
    "SIGHUP, as a closed terminal sends it": lambda start: os.killpg(start.pid, signal.SIGHUP),
    "kill -9 of the supervisor": lambda start: os.kill(start.pids_of("supervisor")[0], signal.SIGKILL),
    "kill -9 of make": lambda start: os.kill(start.pid, signal.SIGKILL),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_later_start_takes_no_set_up_and_every_end_leaves_nothing_behind(
    folder: Path, first: Start, end: Callable[[Start], None]
) -> None:
    if first.processes():
        first.ctrl_c()
    start = Start(folder, SANDBOX="0")
    try:
        start.up()
        assert "Password       as set; it was shown at the first start only" in start.lines
        assert "Installing" not in start.text
        assert start.pids_of("sandbox") == []
        end(start)
        # The supervisor itself gives its processes 10 s, and then the broker 10 s more.
        eventually(lambda: start.processes() == {}, f"left behind: {start.processes()}", within=45)
    finally:
        start.close()
