"""`manage.py up`: prepare, start the parts in order, wait, stop them. Without Django, which takes long to load."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import FrameType
from typing import Any, TextIO

from django.core.exceptions import ImproperlyConfigured

from orchestrator import broker_url, embedded_broker, start_settings
from orchestrator.free_ports import HOST, free_near, listen_near, port_of
from orchestrator.generate_keys import make_missing_keys
from orchestrator.parent_death import die_with_parent
from orchestrator.private_files import NOT_SHOWN_NOTE, close_to_others, explain
from orchestrator.running_product import AlreadyRunning, RunningProduct, note, only_start
from orchestrator.supervisor import process_specs
from orchestrator.supervisor.console import (
    SUPERVISOR,
    Console,
    sample_identity,
    sample_renewal_json,
    sample_tokens_json,
    summary,
)
from orchestrator.supervisor.process_manager import ProcessManager, exit_reason

_READY_WITHIN = 60.0


def up(checkout: Path) -> None:
    """Run the product until Ctrl-C, SIGTERM or the end of the terminal. Raises `SystemExit` with why nothing runs."""
    if os.environ.get("MAKELEVEL"):
        # A killed `make` must not leave the product running behind the prompt.
        die_with_parent(os.getppid(), signal.SIGTERM)
    # Nobody else on the machine may read what any of the processes writes.
    os.umask(0o077)
    try:
        folder, console = start_settings.var_dir(checkout), Console()
        make_missing_keys(folder, os.environ)
        settings = start_settings.read(checkout)
        if close_to_others(folder):
            console.line(SUPERVISOR, f"{folder} was open to other users of this machine; it is closed now")
        with only_start(folder) as lock_file, console.log_to(folder):
            Product(settings, console).run(lock_file)
    except (ImproperlyConfigured, AlreadyRunning) as problem:
        sys.exit(str(problem))
    except OSError as problem:
        sys.exit(explain(problem))
    except KeyboardInterrupt:
        sys.exit(130)


class Product:
    """One start of the product, with the ports and the broker that it uses."""

    def __init__(self, settings: start_settings.StartSettings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._listener = listen_near(settings.web_port)
        self._port = port_of(self._listener)
        self._sandbox_port = free_near(settings.sandbox_port) if settings.sandbox else None
        entra_port = free_near(self._sandbox_port + 1) if self._sandbox_port else None
        identity = sample_identity() if entra_port else ""
        self._running = RunningProduct(f"http://{HOST}:{self._port}", self._sandbox_port, entra_port, identity)
        self._url = self._running.site_url
        self._broker_command = [] if settings.redis_url else embedded_broker.command(settings.var_dir)
        self._broker_url = settings.redis_url or embedded_broker.url(settings.var_dir)
        self._manager = ProcessManager(console)

    def run(self, lock_file: TextIO) -> None:
        """Start the product, and return when someone has stopped it. Leaves no process behind."""
        _raise_on_signals()
        try:
            # The parts find the sandbox, the broker and the address of the pages by VAR_DIR, as other commands do.
            note(lock_file, self._running)
            self._say_if_moved("web", self._settings.web_port, self._port)
            self._say_if_moved("sandbox", self._settings.sandbox_port, self._sandbox_port)
            self._start()
            while True:
                # Not `signal.pause`: a signal just before it would be noticed only at the next signal.
                sleep(1.0)
        except KeyboardInterrupt:
            self._console.line(SUPERVISOR, "stopping")
            self._console.is_stopping = True
        finally:
            _ignore_signals()
            # A second Ctrl-C ends the waiting.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._manager.stop(last="broker")
            self._listener.close()

    def _start(self) -> None:
        """Start the web before the rest, so that the first page comes as early as it can."""
        environment = {**os.environ, "VAR_DIR": str(self._settings.var_dir), "PYTHONUNBUFFERED": "1"}
        administrator = self._prepare_while_web_loads(environment)
        self._wait_until(self._web_answers, "The web did not answer")
        self._start_broker()
        if self._sandbox_port:
            entra = self._running.sandbox_entra(self._settings.var_dir)
            self._manager.keep_running(process_specs.sandbox(environment, self._sandbox_port, entra))
        worker = process_specs.worker(environment, self._settings.worker_threads, renewal=self._renewal())
        self._manager.keep_running(worker)
        self._manager.keep_running(process_specs.beat(environment))
        sandbox, log = self._settings.sandbox, self._console.log_path
        self._console.text(summary(f"{self._url}/", with_sandbox=sandbox, log=log, **administrator))
        if not self._console.gone:
            (self._settings.var_dir / NOT_SHOWN_NOTE).unlink(missing_ok=True)

    def _prepare_while_web_loads(self, environment: dict[str, str]) -> dict[str, Any]:
        """Bring the database and the static files up to date before the web serves. Return who may sign in."""
        self._console.line(SUPERVISOR, "preparing the database and the static files")
        # The web loads, then waits at the gate until its other end is closed. A restart of the web passes it at once.
        gate, other_end = os.pipe()
        samples = sample_tokens_json() if self._sandbox_port else ""
        web = process_specs.web(environment, self._listener.fileno(), gate, samples=samples, renewal=self._renewal())
        self._manager.keep_running(web)
        code, output = self._manager.run(process_specs.preparation(environment))
        if code:
            sys.exit(
                output.strip()
                or f"The preparation failed ({exit_reason(code)}). Its lines above and log/run.log in VAR_DIR say why."
            )
        os.close(other_end)
        return dict(json.loads(output))

    def _renewal(self) -> str:
        """The sandbox's application for renewing tokens; empty without a sandbox."""
        return sample_renewal_json(self._sandbox_port) if self._sandbox_port else ""

    def _web_answers(self) -> bool:
        """Return whether gunicorn answers: that the socket accepts connections proves nothing."""
        with suppress(OSError), socket.create_connection((HOST, self._port), timeout=5.0) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/")
        return False

    def _start_broker(self) -> None:
        """Start the embedded broker, or check that the operator's answers."""
        if self._broker_command:
            self._manager.keep_running(process_specs.broker(os.environ, self._broker_command))
            var_dir = self._settings.var_dir
            self._wait_until(lambda: embedded_broker.answers_at(var_dir), "The broker did not answer")
        elif not embedded_broker.answers(self._broker_url):
            sys.exit(f"No broker answers at {broker_url.without_password(self._broker_url)} (REDIS_URL).")

    def _say_if_moved(self, name: str, wanted: int, port: int | None) -> None:
        if port not in (None, wanted):
            self._console.line(SUPERVISOR, f"port {wanted} is busy; {name} takes {port}")

    def _wait_until(self, is_ready: Callable[[], bool], problem: str) -> None:
        deadline = monotonic() + _READY_WITHIN
        while not is_ready():
            if monotonic() > deadline:
                sys.exit(f"{problem} within {_READY_WITHIN:g} s. Its lines above and log/run.log in VAR_DIR say why.")
            sleep(0.05)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise_on_signals() -> None:
    """Let SIGTERM and the end of the terminal raise KeyboardInterrupt, as Ctrl-C does."""
    for number in _SIGNALS:
        # Under nohup the product outlives the terminal.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise_once)


def _raise_once(number: int, frame: FrameType | None) -> None:
    # A closed terminal sends SIGHUP, and the death of make SIGTERM: the second would interrupt the stopping.
    _ignore_signals()
    signal.default_int_handler(number, frame)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
