"""Each process gets the environment and the files that it needs, and no more."""

from pathlib import Path

from orchestrator import generate_keys
from orchestrator.running_product import SandboxEntra
from orchestrator.supervisor import process_specs


def test_sandbox_and_broker_get_none_of_the_products_secrets() -> None:
    given = dict.fromkeys([*generate_keys.MAKERS, "DATABASE_URL", "REDIS_URL", "PATH"], "x")
    assert process_specs.sandbox(given, 1).environment == {"PATH": "x"}
    assert process_specs.broker(given, ["/valkey"]).environment == {"PATH": "x"}


def test_the_sandbox_is_told_where_microsoft_entra_listens(tmp_path: Path) -> None:
    command = process_specs.sandbox({}, 8061, SandboxEntra(8062, tmp_path)).command
    assert command[-6:] == ("--port", "8061", "--entra", str(tmp_path), "--entra-port", "8062")


def test_every_key_there_is_counts_as_a_secret() -> None:
    assert {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "TOKEN_FINGERPRINT_KEY"} <= set(generate_keys.MAKERS)


def test_the_web_inherits_its_socket_and_waits_at_a_gate_when_there_is_one() -> None:
    alone, waiting = process_specs.web({}, 7), process_specs.web({}, 7, 9)
    assert alone.command == waiting.command
    assert alone.command[-2:] == ("--bind", "fd://7")
    assert (alone.open_files, alone.environment) == ((7,), {})
    assert (waiting.open_files, waiting.environment) == ((7, 9), {process_specs.PREPARATION_GATE: "9"})


def test_only_the_web_gets_the_sample_tokens() -> None:
    assert process_specs.web({}, 7, samples="[]").environment == {"SAMPLE_TOKENS": "[]"}
    others = (process_specs.worker({}, 1), process_specs.beat({}), process_specs.sandbox({}, 1))
    assert [spec.name for spec in others if "SAMPLE_TOKENS" in spec.environment] == []
