"""What every answer tells the browser, with and without TLS."""

import json
import os
import shutil
import subprocess
import sys
from gzip import decompress
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
ASK = """
import json
from django.test import Client
browser = Client()
plain = browser.get("/sign-in/", headers={"host": "localhost"})
answer = browser.get("/sign-in/", headers={"host": "localhost"}, secure=True)
cookies = {name: cookie.OutputString() for name, cookie in browser.cookies.items()}
led = [plain.status_code, plain.headers["Location"]]
print(json.dumps({"plain": led, "headers": dict(answer.headers), "cookies": cookies}))
"""


@pytest.mark.parametrize("address", ["/sign-in/", "/nowhere/", "/admin/"])
def test_every_answer_has_the_headers(client: Client, db: None, address: str) -> None:
    headers = client.get(address).headers
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for device in ("camera", "geolocation", "microphone", "payment", "usb"):
        assert f"{device}=()" in headers["Permissions-Policy"]


def test_pages_of_a_person_are_kept_by_no_cache(pages: Client) -> None:
    for name in ("connections:list", "history:all", "people:account", "delivery:repositories"):
        assert "no-store" in pages.get(reverse(name)).headers["Cache-Control"], name


def test_behind_tls_cookies_are_secure_and_plain_http_is_led_there(migrated_file: Path, tmp_path: Path) -> None:
    ours = {
        "HTTPS": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'db.sqlite3')}",
    }
    command = [sys.executable, "-W", "ignore", "manage.py", "shell", "--verbosity", "0", "--command", ASK]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | ours, capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    assert found["plain"] == [301, "https://localhost/sign-in/"]
    headers, cookie = found["headers"], found["cookies"]["__Host-csrftoken"]
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert "upgrade-insecure-requests" in headers["Content-Security-Policy"]
    for trait in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert trait in cookie
    assert "Domain" not in cookie


def test_pages_are_compressed_and_padded_by_chance(pages: Client) -> None:
    """https://docs.djangoproject.com/en/5.2/ref/middleware/#module-django.middleware.gzip"""
    answers = [pages.get("/code-repositories/", headers={"Accept-Encoding": "gzip"}) for _ in range(8)]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({len(answer.content) for answer in answers}) > 1
    assert b"Code Repositories" in decompress(answers[0].content)
