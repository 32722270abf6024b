"""The supervisor's rules, one by one; tests/product shows them at work."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest

from orchestrator.supervisor import broker, keys, lock, options, ports, process_specs
from orchestrator.supervisor.console import Console, summary
from orchestrator.supervisor.process_manager import FIRST_PAUSE, LONGEST_PAUSE, ProcessManager, how_it_ended, next_pause
from orchestrator.supervisor.process_specs import ProcessSpec
from orchestrator.supervisor.ready_pipe import Administrator, CannotStart, ReadyPipe, complain, prepared
from orchestrator.supervisor.watchdog import groups_left
from sandbox.samples import SampleToken

LEASH = Path(process_specs.__file__).parent / "parent_death.py"


class TestPauses:
    def test_the_first_failure_costs_half_a_second(self) -> None:
        assert next_pause(None, ran=0.1) == FIRST_PAUSE == 0.5

    def test_each_further_one_twice_as_long_up_to_half_a_minute(self) -> None:
        pause: float | None = None
        pauses = [pause := next_pause(pause, ran=1.0) for _ in range(8)]
        assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, LONGEST_PAUSE]

    def test_a_process_that_ran_for_a_minute_begins_anew(self) -> None:
        assert next_pause(16.0, ran=60.0) == FIRST_PAUSE


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (3, "exit code 3"), (-9, "SIGKILL"), (-200, "signal 200")]
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_the_watchdog_kills_the_groups_that_began_and_did_not_end() -> None:
    assert groups_left(["+10\n", "+11\n", "-10\n", "+12\n", "-99\n"]) == {11, 12}


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until_gone(pid: int) -> None:
    deadline = monotonic() + 10
    while not gone(pid):
        assert monotonic() < deadline, f"process {pid} lives on"
        sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the leash; elsewhere the watchdog does its work")
def test_a_process_on_the_leash_dies_with_its_parent() -> None:
    # A parent that starts a child on its leash, says the child's number, and waits to be killed.
    parent = (
        "import os, subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, {str(LEASH)!r}, str(os.getpid()), '/bin/sleep', '60']); "
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        assert not gone(child)
        process.kill()
    wait_until_gone(child)


class Listener(Console):
    """A terminal that is waited for instead of looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def text(self, text: str) -> None:
        self.lines.append(text)

    async def until(self, words: str, times: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(words in line for line in self.lines) < times:
                await asyncio.sleep(0.01)


class TestCrew:
    def live(
        self, *command: str, until: str, times: int = 1, hurry: bool = False, left_out: tuple[str, ...] = ()
    ) -> list[str]:
        """The lines of a crew of one, which is stopped once it has said `until`."""
        terminal = Listener()

        async def life() -> None:
            crew = ProcessManager(terminal)
            crew.keep(ProcessSpec("one", command, dict(os.environ), left_out=left_out))
            await terminal.until(until, times)
            for _ in range(2 if hurry else 0):
                crew.ask_to_stop()
            await crew.stop()

        # In a thread of its own: a test that drives a browser leaves a loop running in this one.
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(lambda: asyncio.run(life())).result()
        return terminal.lines

    def test_a_service_that_ends_is_said_and_started_again(self) -> None:
        said = self.live("/bin/sh", "-c", "echo alive; exit 3", until="alive", times=2)
        assert said[:3] == [
            "one      | alive",
            "up       | one ended (exit code 3); it starts again in 0.5 s",
            "one      | alive",
        ]

    def test_a_service_that_will_not_stop_is_killed_when_the_person_hurries(self) -> None:
        stubborn = "trap '' TERM; echo up; while :; do sleep 0.1; done"
        assert self.live("/bin/sh", "-c", stubborn, until="up", hurry=True) == ["one      | up"]

    def test_another_may_be_started_in_place_of_what_ended(self) -> None:
        terminal = Listener()

        async def life() -> None:
            crew = ProcessManager(terminal)
            later = ProcessSpec("one", ("/bin/sh", "-c", "echo later; sleep 60"), dict(os.environ))
            crew.keep(ProcessSpec("one", ("/bin/echo", "first"), dict(os.environ), later=later))
            assert not crew.has_ended("one")
            await terminal.until("later")
            assert crew.has_ended("one")
            await crew.stop()

        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(lambda: asyncio.run(life())).result()
        assert [line for line in terminal.lines if line.startswith("one")] == ["one      | first", "one      | later"]

    def test_a_service_that_is_just_being_started_is_stopped_too(self) -> None:
        async def life() -> float:
            crew = ProcessManager(Listener())
            crew.keep(ProcessSpec("one", ("/bin/sleep", "60"), dict(os.environ)))
            # The keeper has begun, and waits for the process to come.
            await asyncio.sleep(0)
            began = monotonic()
            await crew.stop()
            return monotonic() - began

        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(lambda: asyncio.run(life())).result(timeout=30) < 5

    def test_what_a_service_leaves_running_is_killed_and_delays_nothing(self) -> None:
        said = self.live("/bin/sh", "-c", "sleep 600 & echo left $!", until="left", times=2)
        left = [int(line.rpartition(" ")[2]) for line in said if "left" in line]
        assert len(left) == 2
        for pid in left:
            wait_until_gone(pid)

    def test_lines_that_are_advice_for_others_are_left_out(self) -> None:
        said = self.live("/bin/echo", "overcommit\nkept\nlast", until="last", left_out=("overcommit",))
        assert said[:2] == ["one      | kept", "one      | last"]

    def test_a_last_line_without_an_end_is_shown(self) -> None:
        assert self.live("/usr/bin/printf", "half a line", until="half")[0] == "one      | half a line"


class TestPorts:
    def test_a_busy_port_is_passed_over(self) -> None:
        with closing(ports.listen_near(0)) as busy, closing(ports.listen_near(ports.port_of(busy))) as mine:
            assert ports.port_of(mine) > ports.port_of(busy)

    def test_a_free_port_is_taken(self) -> None:
        wanted = ports.free_near(0)
        with closing(ports.listen_near(wanted)) as mine:
            assert ports.port_of(mine) == wanted

    def test_the_last_port_there_is_does_not_end_the_search(self) -> None:
        with socket.socket() as busy:
            busy.bind((ports.HOST, 65535))
            busy.listen()
            with closing(ports.listen_near(65535)) as mine:
                assert 0 < ports.port_of(mine) < 65535


class TestBrokersSocket:
    def test_it_lies_in_the_folder_where_it_can(self) -> None:
        assert broker.socket_path(Path("/srv/product/var/broker")) == Path("/srv/product/var/broker/broker.sock")

    @pytest.mark.parametrize("folder", ["/srv/" + "deep/" * 30, "/srv/with space", "/srv/Søren", "/srv/100%20"])
    def test_elsewhere_it_lies_in_a_short_private_folder_the_same_each_time(self, folder: str) -> None:
        path = broker.socket_path(Path(folder))
        try:
            assert len(os.fsencode(path)) <= broker.LONGEST_SOCKET_PATH
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert broker.socket_path(Path(folder)) == path
        finally:
            path.parent.rmdir()

    def test_a_folder_that_others_may_enter_is_not_trusted(self) -> None:
        path = broker.socket_path(Path("/srv/with space too"))
        path.parent.chmod(0o755)
        other = broker.socket_path(Path("/srv/with space too"))
        try:
            assert other.parent != path.parent
            assert broker.is_private(other.parent)
        finally:
            path.parent.rmdir()
            other.parent.rmdir()

    def test_a_link_is_no_private_folder(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to(tmp_path / "real")
        assert not broker.is_private(tmp_path / "link")

    def test_the_server_opens_no_port_and_forgets_nothing(self, tmp_path: Path) -> None:
        command = " ".join(broker.command(Path("/valkey"), tmp_path, tmp_path / "broker.sock"))
        assert "--port 0" in command
        assert "--appendonly yes" in command
        assert "--maxmemory-policy noeviction" in command


class TestEnvironments:
    def test_sandbox_and_broker_get_none_of_the_products_secrets(self) -> None:
        given = dict.fromkeys([*keys.MAKERS, "DATABASE_URL", "REDIS_URL", "PATH"], "x")
        assert process_specs.sandbox(given, 1).environment == {"PATH": "x"}
        assert process_specs.broker(given, ["/valkey"]).environment == {"PATH": "x"}

    def test_every_key_there_is_counts_as_a_secret(self) -> None:
        assert {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "TOKEN_FINGERPRINT_KEY"} <= set(keys.MAKERS)

    def test_the_sandbox_is_added_to_the_servers(self) -> None:
        assert (
            process_specs.with_sandbox("A=https://a", 8061) == "A=https://a,Sandbox=http://127.0.0.1:8061 kind=sandbox"
        )

    def test_a_sandbox_of_the_operators_own_is_left_alone(self) -> None:
        assert process_specs.with_sandbox("sandbox = http://127.0.0.1:9", 8061) == "sandbox = http://127.0.0.1:9"
        named_otherwise = "Practice=http://127.0.0.1:9 kind=sandbox"
        assert process_specs.with_sandbox(named_otherwise, 8061) == named_otherwise

    def test_an_operators_site_goes_before_the_one_chosen_here(self) -> None:
        made = process_specs.for_children(
            {"SITE_URL": "https://site"}, redis_url="r", servers="s", var=Path("/var"), site="http://127.0.0.1:8000"
        )
        assert made["SITE_URL"] == "https://site"
        assert "REDIS_URL_FILE" not in made
        assert (made["REDIS_URL"], made["AZURE_DEVOPS_SERVERS"], made["VAR_DIR"]) == ("r", "s", "/var")

    def test_a_broker_that_stands_in_a_file_is_left_there(self) -> None:
        made = process_specs.for_children(
            {"REDIS_URL_FILE": "/f"}, redis_url="r", servers="s", var=Path("/var"), site="x"
        )
        assert (made["REDIS_URL_FILE"], made.get("REDIS_URL")) == ("/f", None)


class TestWeb:
    def test_its_first_life_prepares_and_reports_and_later_ones_serve_at_once(self) -> None:
        first = process_specs.prepared_web({}, listener=7, report=9)
        assert first.later == process_specs.web({}, 7)
        assert first.hands_over == (7, 9)
        assert "orchestrator.supervisor.web" in first.command
        assert first.command[-2:] == first.later.command[-2:] == ("--bind", "fd://7")


class TestReport:
    @pytest.fixture
    def report(self) -> Iterator[ReadyPipe]:
        with closing(ReadyPipe()) as report:
            yield report

    def test_nothing_was_said_yet(self, report: ReadyPipe) -> None:
        assert report.administrator() is None

    @pytest.mark.parametrize("password", ["open-sesame", None])
    def test_prepared_says_who_may_sign_in(self, report: ReadyPipe, password: str | None) -> None:
        prepared(report.theirs, Administrator("admin", password))
        assert report.administrator() == Administrator("admin", password)

    def test_half_a_line_is_nothing_yet(self, report: ReadyPipe) -> None:
        os.write(report.theirs, b'{"name": "admin", "pass')
        assert report.administrator() is None
        os.write(report.theirs, b'word": null}\n')
        assert report.administrator() == Administrator("admin", None)

    def test_a_complaint_is_why_nothing_starts(self, report: ReadyPipe) -> None:
        complain(report.theirs, "The database cannot be used: it is away")
        with pytest.raises(CannotStart, match=r"^The database cannot be used: it is away$"):
            report.administrator()

    def test_the_password_is_in_no_representation(self) -> None:
        assert "open-sesame" not in repr(Administrator("admin", "open-sesame"))


class TestOptions:
    @pytest.fixture
    def nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("VAR_DIR", "REDIS_URL", "AZURE_DEVOPS_SERVERS", "WEB_PORT", "SANDBOX"):
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.usefixtures("nothing_set")
    def test_without_anything_everything_lies_in_the_checkout_and_nobody_has_a_broker(self, tmp_path: Path) -> None:
        found = options.read(tmp_path)
        assert (found.var_dir, found.redis_url, found.web_port, found.sandbox) == (tmp_path / "var", "", 8000, True)

    @pytest.mark.usefixtures("nothing_set")
    def test_the_environment_goes_before_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".env").write_text(f"WEB_PORT=8100\nSANDBOX=0\nVAR_DIR={tmp_path}/elsewhere\n")
        monkeypatch.setenv("WEB_PORT", "8200")
        found = options.read(tmp_path)
        assert (found.web_port, found.sandbox, found.var_dir) == (8200, False, tmp_path / "elsewhere")


def test_the_supervisor_loads_neither_django_nor_celery() -> None:
    # They take longer to load than everything else, and whoever waits for the first page would wait twice.
    listed = "import sys, orchestrator.supervisor.up; print({'django.db', 'celery', 'redis'} & set(sys.modules))"
    asked = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert asked.stdout == "set()\n"


class TestKeys:
    def test_they_are_made_once_and_only_their_user_can_read_them(self, tmp_path: Path) -> None:
        folder = tmp_path / "var"
        assert set(keys.make_missing_keys(folder, {})) == set(keys.MAKERS)
        first = (folder / keys.FILE_NAME).read_text()
        assert keys.make_missing_keys(folder, {}) == ()
        assert (folder / keys.FILE_NAME).read_text() == first
        assert stat.S_IMODE((folder / keys.FILE_NAME).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_what_the_environment_has_is_not_made(self, tmp_path: Path) -> None:
        assert "SECRET_KEY" not in keys.make_missing_keys(tmp_path, {"SECRET_KEY": "mine"})
        assert "SECRET_KEY" not in (tmp_path / keys.FILE_NAME).read_text()

    def test_a_key_of_a_later_version_is_added_to_those_there_are(self, tmp_path: Path) -> None:
        (tmp_path / keys.FILE_NAME).write_text("SECRET_KEY=mine")
        keys.make_missing_keys(tmp_path, {})
        lines = (tmp_path / keys.FILE_NAME).read_text().splitlines()
        assert lines[0] == "SECRET_KEY=mine"
        assert [line.partition("=")[0] for line in lines] == list(keys.MAKERS)

    def test_no_two_sets_are_alike(self) -> None:
        printed = [
            subprocess.run([sys.executable, keys.__file__], capture_output=True, text=True, check=True).stdout
            for _ in range(2)
        ]
        assert not set(printed[0].split()) & set(printed[1].split())


class TestLock:
    def test_the_second_is_told_what_the_first_left(self, tmp_path: Path) -> None:
        with lock.held(tmp_path) as file:
            lock.note(file, "http://127.0.0.1:8000/")
            with pytest.raises(lock.AlreadyRunning, match=r"http://127\.0\.0\.1:8000/"), lock.held(tmp_path):
                pass

    def test_what_an_earlier_start_left_is_forgotten(self, tmp_path: Path) -> None:
        with lock.held(tmp_path) as file:
            lock.note(file, "http://127.0.0.1:8000/")
        with lock.held(tmp_path), pytest.raises(lock.AlreadyRunning, match=r"^$"), lock.held(tmp_path):
            pass


class TestConsole:
    def test_a_first_start_shows_the_password_once(self) -> None:
        said = summary("http://127.0.0.1:8000/", Administrator("admin", "open-sesame"), ())
        assert "Open           http://127.0.0.1:8000/" in said
        assert "Password       open-sesame" in said
        assert "sandbox" not in said

    def test_a_start_with_the_sandbox_says_what_to_try(self) -> None:
        sample = SampleToken("full", "acme", "everything works", "sample-secret")
        said = summary("http://127.0.0.1:8000/", Administrator("admin", None), (sample,))
        assert "full                acme          everything works\n    sample-secret\n" in said
        assert "docs/sandbox.md" in said

    def test_a_later_one_says_how_to_set_a_new_one(self) -> None:
        said = summary("http://127.0.0.1:8000/", Administrator("admin", None), ())
        assert "Password       as set" in said
        assert "manage.py changepassword admin" in said

    def test_a_terminal_that_went_away_is_told_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise BrokenPipeError

        told: list[int] = []
        console = Console(on_gone=lambda: told.append(1))
        monkeypatch.setattr("builtins.print", broken)
        console.say("one")
        console.say("two")
        assert told == [1]
