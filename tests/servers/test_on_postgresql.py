"""Without a PostgreSQL the repetition says what is missing, and starts nothing."""

from pathlib import Path

import pytest

from tests.servers import on_postgresql

SENTENCE = "PostgreSQL is missing: apt-get install postgresql"


@pytest.fixture(autouse=True)
def no_postgresql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSTGRESQL_BIN", str(tmp_path))
    monkeypatch.delenv("REQUIRE_ALL", raising=False)


def test_it_is_skipped_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert on_postgresql.main([]) == 0
    assert capsys.readouterr().out.startswith(f"Skipped: {SENTENCE}")


def test_it_fails_where_nothing_may_be_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "1")
    assert on_postgresql.main([]) == 1
    assert SENTENCE in capsys.readouterr().out
