"""How settings are read: lists without blanks, values as they are, secrets from files."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestrator import environment, generate_keys
from orchestrator.environment import SECRETS, Environment
from orchestrator.supervisor import process_specs
from tests.loaded_settings import ENTRA, KEYS, MODULES, ROOT, loaded_settings, names_read

BOM = "\ufeff"


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The whole environment, empty at first."""
    made: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", made)
    monkeypatch.setattr("environ.Env.ENVIRON", made)
    return made


def variables_set(variables: dict[str, str]) -> dict[str, str]:
    """Without pytest's own."""
    return {name: value for name, value in variables.items() if not name.startswith("PYTEST_")}


class TestLists:
    @pytest.mark.parametrize("name", sorted(names_read("list", "secret_list")))
    @pytest.mark.parametrize("written", ["7, 14", "7 ,14,", " 7,\r\n14\r\n", ",7,, 14 "])
    def test_blanks_line_ends_and_commas_too_many_are_no_part_of_an_item(self, name: str, written: str) -> None:
        found = loaded_settings(KEYS | {name: written})[name]
        assert [str(item) for item in found] == ["7", "14"]

    def test_no_setting_makes_a_list_by_itself(self) -> None:
        sources = [(ROOT / "orchestrator" / module).read_text() for module in MODULES]
        assert not [source for source in sources if ".split(" in source]

    def test_an_item_that_is_no_number_is_named(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="REMINDER_DAYS contains “two”, which is not a number"):
            loaded_settings(KEYS | {"REMINDER_DAYS": "7, two"})


class TestValues:
    @pytest.mark.parametrize("method", ["str", "secret", "secret_line", "secret_list"])
    def test_a_dollar_at_the_start_is_a_letter_like_others(self, method: str, variables: dict[str, str]) -> None:
        variables |= {"NAME": "$OTHER", "OTHER": "wrong"}
        assert getattr(Environment(), method)("NAME") in ("$OTHER", ["$OTHER"])

    @pytest.mark.parametrize("key", ["$ecret-key-with-a-dollar", "$SECRET_KEY", "$"])
    def test_a_secret_key_may_begin_with_a_dollar(self, key: str) -> None:
        assert loaded_settings(KEYS | {"SECRET_KEY": key})["SECRET_KEY"] == key

    @pytest.mark.parametrize(
        ("written", "meant"), [("1", True), ("0", False), (" true ", True), ("No", False), ("on", True), ("", False)]
    )
    def test_a_yes_or_no(self, written: str, meant: bool) -> None:
        assert loaded_settings(KEYS | {"HTTPS": written})["HTTPS"] is meant

    def test_a_yes_or_no_that_is_neither_is_refused(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="HTTPS is “ture”"):
            loaded_settings(KEYS | {"HTTPS": "ture"})

    def test_a_number_that_is_none_is_refused_and_an_empty_one_is_the_default(self) -> None:
        for name, value in [("WEB_WORKERS", "many"), ("AUDIT_EVERY_HOURS", "6h"), ("AUDIT_EVERY_HOURS", "nan")]:
            with pytest.raises(ImproperlyConfigured, match=f"{name} contains “{value}”"):
                loaded_settings(KEYS | {name: value})
        assert loaded_settings(KEYS | {"WEB_WORKERS": ""})["WEB_WORKERS"] == 2


@pytest.mark.parametrize("words", [["ready"], ["check"], ["backup", "file"], ["migrate"]])
@pytest.mark.parametrize(
    ("setting", "said"),
    [("HTTPS=ture", "HTTPS is “ture”."), ("REDIS_URL=http://:sesame@x", "REDIS_URL names no broker.")],
)
def test_a_command_ends_with_a_sentence_too(words: list[str], setting: str, said: str, tmp_path: Path) -> None:
    given = KEYS | dict([setting.split("=", 1)]) | {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def environment_with(name: str) -> dict[str, str]:
    """Everything that the settings need, but for the secret `name`."""
    more = ENTRA | {"ENTRA_CLIENT_SECRET": "sesame"} if name.startswith("ENTRA") else {}
    return {variable: value for variable, value in (KEYS | more).items() if variable != name}


VALUES = {
    "DATABASE_URL": "postgres://user:$esame@db.example.com/name",
    "REDIS_URL": "redis://:$esame@broker.example.com:6379/0",
    "EMAIL_URL": "smtp+tls://user:$esame@mail.example.com:587",
    "AZURE_DEVOPS_PROXIES": "Azure DevOps Services=http://user:$esame@proxy.example.com:3128",
}
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "as on Linux": lambda value: f"{value}\n".encode(),
    "without a line end": lambda value: value.encode(),
    "as by Notepad": lambda value: f"{BOM}{value}\r\n".encode(),
    "as by PowerShell 5": lambda value: f"{value}\r\n".encode("utf-16"),
}


class TestSecrets:
    def test_every_variable_that_sounds_like_a_secret_is_one(self) -> None:
        telling = re.compile(r"SECRET|KEY|PASSWORD|_TOKEN$|_URL$|PROXIES|PROXY$|HEADER$")
        # Where people are led, whose X-Forwarded-For is believed, and a number.
        harmless = {"SITE_URL", "SUPPORT_URL", "TRUSTED_PROXIES", "BEHIND_TLS_PROXY", "PASSWORD_LINK_HOURS"}
        assert {name for name in names_read() if telling.search(name)} - harmless == set(SECRETS)
        assert names_read("secret", "secret_line", "secret_list") == set(SECRETS)
        assert set(generate_keys.MAKERS) < set(SECRETS)

    @pytest.mark.parametrize("name", SECRETS)
    @pytest.mark.parametrize("form", WRITTEN)
    def test_each_may_stand_in_a_file(self, name: str, form: str, tmp_path: Path) -> None:
        value = VALUES.get(name, "$esame")
        (tmp_path / "secret").write_bytes(WRITTEN[form](value))
        by_file = loaded_settings(environment_with(name) | {f"{name}_FILE": str(tmp_path / "secret")})
        by_value = loaded_settings(environment_with(name) | {name: value})
        assert comparable(by_file) == comparable(by_value)
        assert "esame" in str(comparable(by_file))

    @pytest.mark.parametrize("name", SECRETS)
    def test_both_ways_at_once_are_refused(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("sesame")
        both = {name: VALUES.get(name, "sesame"), f"{name}_FILE": str(tmp_path / "secret")}
        with pytest.raises(ImproperlyConfigured, match=f"^{name} and {name}_FILE are both set"):
            loaded_settings(environment_with(name) | both)

    @pytest.mark.parametrize("name", SECRETS)
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "cannot be read: No such file or directory"),
            (b"", "is empty"),
            (b"\r\n", "is empty"),
            (b"sesame \xff", "is not a text file in UTF-8"),
            (b"sesame" * 20_000, "is longer than"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_named_by_its_setting_alone(
        self, name: str, content: bytes | None, said: str, tmp_path: Path
    ) -> None:
        # Somebody may have set the secret where its file belongs.
        path = tmp_path / "open-sesame"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ImproperlyConfigured, match=f"^The file that {name}_FILE names {said}") as refused:
            loaded_settings(environment_with(name) | {f"{name}_FILE": str(path)})
        assert "sesame" not in str(refused.value)

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY_FILE names cannot be read: Is a directory"):
            loaded_settings(environment_with("SECRET_KEY") | {"SECRET_KEY_FILE": str(tmp_path)})

    def test_a_key_of_two_lines_is_refused_and_a_list_may_have_one_in_each(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("one\ntwo\n")
        file = str(tmp_path / "secret")
        with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must have only one line"):
            loaded_settings(environment_with("SECRET_KEY") | {"SECRET_KEY_FILE": file})
        found = loaded_settings(environment_with("EVENT_SEAL_KEYS") | {"EVENT_SEAL_KEYS_FILE": file})
        assert found["EVENT_SEAL_KEYS"] == ["one", "two"]

    def test_a_key_that_stands_in_a_file_is_not_made(self, tmp_path: Path) -> None:
        made = generate_keys.make_missing_keys(tmp_path, {"SECRET_KEY_FILE": "/run/secrets/key"})
        assert set(made) == set(generate_keys.MAKERS) - {"SECRET_KEY"}

    def test_the_environments_file_goes_before_a_key_that_was_made_earlier(self, tmp_path: Path) -> None:
        (tmp_path / "keys.env").write_text("SECRET_KEY=made\n")
        (tmp_path / "secret").write_text("mine\n")
        given = environment_with("SECRET_KEY") | {"SECRET_KEY_FILE": str(tmp_path / "secret")}
        assert loaded_settings(given | {"VAR_DIR": str(tmp_path)})["SECRET_KEY"] == "mine"

    def test_no_other_process_gets_a_secret_or_learns_where_one_is(self) -> None:
        given = dict.fromkeys([*SECRETS, *(f"{name}_FILE" for name in SECRETS), "PATH"], "x")
        assert process_specs.sandbox(given, 1).environment == {"PATH": "x"}


def comparable(settings: dict[str, object]) -> dict[str, object]:
    """What can be compared of settings that were loaded twice."""
    return {name: value for name, value in settings.items() if name.isupper() and name != "LOGGING"}


class TestFiles:
    def test_a_file_of_windows_is_read(self, variables: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(f"{BOM}SECRET_KEY=$ecret#1\r\nALLOWED_HOSTS=a, b\r\n".encode())
        environment.read_file(tmp_path / ".env")
        assert variables_set(variables) == {"SECRET_KEY": "$ecret#1", "ALLOWED_HOSTS": "a, b"}

    def test_the_environment_goes_before_it_in_both_ways(self, variables: dict[str, str], tmp_path: Path) -> None:
        variables |= {"SECRET_KEY_FILE": "/run/secrets/key", "EMAIL_URL": "smtp://mail", "DATABASE_URL": ""}
        lines = ["SECRET_KEY=x", "EMAIL_URL_FILE=x", "DATABASE_URL=sqlite:///x", "REDIS_URL_FILE=y"]
        (tmp_path / ".env").write_text("\n".join(lines))
        environment.read_file(tmp_path / ".env")
        assert variables_set(variables) == {
            "SECRET_KEY_FILE": "/run/secrets/key",
            "EMAIL_URL": "smtp://mail",
            "DATABASE_URL": "sqlite:///x",
            "REDIS_URL_FILE": "y",
        }

    def test_a_line_that_is_no_assignment_is_named_by_its_number_and_never_shown(
        self, variables: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / ".env").write_text("# keys\n\nSECRET_KEY = sesame\n")
        environment.read_file(tmp_path / ".env")
        assert "Line 3 of" in caplog.text
        assert "sesame" not in caplog.text
