"""The product behind a real nginx, with exactly the configuration that docs/operating.md prints."""

import json
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.free_ports import HOST, free_near
from tests.connections.providers.azure_devops.authority import Authority
from tests.needs import need
from tests.orchestrator.installation import ROOT, Ended, Installation
from tests.servers.running import Server, running

DOCUMENTED = ROOT / "docs" / "operating.md"
# What belongs to nginx.conf, around the file that the document shows. Nothing is written outside of `folder`.
_MAIN = """{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{site}
}}
"""


def documented(heading: str) -> str:
    """The nginx configuration below a heading of the document."""
    below = DOCUMENTED.read_text(encoding="utf-8").partition(f"### {heading}\n")[2]
    found = re.search(r"```nginx\n(.*?)```", below, re.DOTALL)
    assert found, f"docs/operating.md has no nginx configuration below {heading}"
    return found[1]


@dataclass(frozen=True)
class Site:
    """Where the product is reached: through nginx at `url`, and its own web process at `web`."""

    url: str
    web: str
    bundle: str
    product: Installation
    environment: Mapping[str, str]

    def run(self, *words: str) -> Ended:
        """`manage.py` with the settings of the site."""
        return self.product.run(*words, **self.environment)

    def shell(self, code: str) -> Any:
        """The JSON that `code` prints, run with the settings of the site."""
        ended = self.run("shell", "--verbosity", "0", "--command", code)
        assert ended.code == 0, ended.err
        return json.loads(ended.out.splitlines()[-1])


@contextmanager
def site(heading: str, path: str, folder: Path, tables: Path, **more: str) -> Iterator[Site]:
    """The web process and nginx in front of it. `path` is where the product lies, such as `/repos`, or empty.

    `tables` is the file of a database that holds nothing else.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    need(found=bool(program), lacking="nginx", remedy="apt-get install nginx-light")
    authority = Authority(folder)
    authority.server(HOST)
    port, web_port = free_near(0), free_near(0)
    environment = {
        "HTTPS": "1",
        "BEHIND_TLS_PROXY": "1",
        "TRUSTED_PROXIES": HOST,
        "ALLOWED_HOSTS": HOST,
        "SITE_URL": f"https://{HOST}:{port}{path}",
        "STATIC_MANIFEST": "1",
        "VAR_DIR": str(folder),
        **more,
    }
    product = Installation(f"sqlite:///{shutil.copy(tables, folder / 'db.sqlite3')}")
    found = Site(f"https://{HOST}:{port}{path}", f"http://{HOST}:{web_port}", authority.bundle, product, environment)
    for words in (("migrate", "--verbosity", "0"), ("collectstatic", "--noinput", "--verbosity", "0")):
        ended = found.run(*words)
        assert ended.code == 0, ended.err
    with ExitStack() as servers:
        servers.enter_context(running(_web(found, web_port)))
        configuration = _for_this_machine(documented(heading), port, web_port, folder / f"{HOST}10.pem")
        servers.enter_context(running(_nginx(str(program), configuration, port, servers)))
        yield found


def _for_this_machine(configuration: str, port: int, web_port: int, certificate: Path) -> str:
    """Its own ports and certificate; everything else stays as it is printed."""
    changes = {
        r"listen [^;]+ ssl;": f"listen {HOST}:{port} ssl;",
        r"(ssl_certificate(?:_key)?) [^;]+;": rf"\1 {certificate};",
        r"127\.0\.0\.1:8000": f"{HOST}:{web_port}",
    }
    for pattern, replacement in changes.items():
        configuration, count = re.subn(pattern, replacement, configuration)
        assert count, f"the documented configuration has no {pattern}"
    return configuration


@contextmanager
def web_process(site: Site, **more: str) -> Iterator[str]:
    """The web process once more with other settings: its address."""
    port = free_near(0)
    with running(_web(replace(site, environment={**site.environment, **more}), port)):
        yield f"http://{HOST}:{port}"


def _web(site: Site, port: int) -> Server:
    ours = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": site.product.url, **site.environment}
    settings = [f"{name}={value}" for name, value in ours.items()]
    gunicorn = [sys.executable, "-W", "ignore", "-m", "gunicorn", "orchestrator.wsgi"]
    command = ["env", *settings, *gunicorn, "--config", "python:orchestrator.gunicorn", "--bind", f"{HOST}:{port}"]
    return Server(site.web, command, lambda: _listens(port), cwd=str(ROOT))


def _nginx(program: str, configuration: str, port: int, servers: ExitStack) -> Server:
    folder = servers.enter_context(tempfile.TemporaryDirectory(prefix="nginx-"))
    file = Path(folder, "nginx.conf")
    # Where root starts it, its workers are root too: they have to read what the test wrote.
    user = "user root; " if os.getuid() == 0 else ""
    file.write_text(_MAIN.format(user=user, folder=folder, site=configuration), encoding="utf-8")
    command = [program, "-p", folder, "-c", str(file), "-e", f"{folder}/error.log"]
    return Server(f"https://{HOST}:{port}", command, lambda: _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex((HOST, port)) == 0
