"""The origin of the site, and the path below which everything lies."""

import io
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestrator.script_name import without_prefix
from orchestrator.site_settings import Site, read

ORIGIN = "https://tools.example.com"


@pytest.mark.parametrize(
    ("site_url", "script_name", "prefix"),
    [
        (ORIGIN, "", ""),
        (f"{ORIGIN}/", "/", ""),
        (f"{ORIGIN}/repos", "", "/repos"),
        (f"{ORIGIN}/a/repos/", "", "/a/repos"),
        (ORIGIN, "/repos", "/repos"),
        (ORIGIN, "repos/", "/repos"),
        (f"{ORIGIN}/repos/", "/repos", "/repos"),
    ],
)
def test_the_path_comes_from_either_setting(site_url: str, script_name: str, prefix: str) -> None:
    assert read(site_url, script_name) == Site(ORIGIN, prefix)


def test_two_different_paths_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="SITE_URL has the path /other, but SCRIPT_NAME is /repos"):
        read(f"{ORIGIN}/other", "/repos")


@pytest.mark.parametrize(
    "script_name", ["https://tools.example.com/repos", "/a//b", "/re pos", "/repos?x", "/../x", "/é"]
)
def test_what_is_no_path_is_refused(script_name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is not a valid path for the site"):
        read(ORIGIN, script_name)


@pytest.mark.parametrize("site_url", ["", "tools.example.com", "https://[::1", "https://tools.example.com?x=1"])
def test_an_address_that_cannot_be_read_is_left_to_its_check(site_url: str) -> None:
    assert read(site_url, "") == Site(site_url, "")


@pytest.mark.parametrize(
    ("script_name", "path", "seen"),
    [
        ("", "/repos/builds/", "/builds/"),
        ("/repos", "/builds/", "/builds/"),
        ("", "/builds/", "/builds/"),
        ("", "/repos", "/"),
        ("", "/repositories/", "/repositories/"),
        ("", "/repos/repos/", "/repos/"),
    ],
)
def test_the_path_is_taken_off_however_the_proxy_passes_it_on(script_name: str, path: str, seen: str) -> None:
    found: list[tuple[str, str]] = []

    def application(environ: dict[str, Any], start_response: object) -> list[bytes]:
        found.append((environ["SCRIPT_NAME"], environ["PATH_INFO"]))
        return []

    environ = {"SCRIPT_NAME": script_name, "PATH_INFO": path, "wsgi.input": io.BytesIO()}
    without_prefix(application, "/repos")(environ, lambda *_: lambda _: None)
    assert found == [("/repos", seen)]
