"""The settings that `make run` reads too, before Django is loaded."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator import broker_url
from orchestrator.environment import Environment, read_file


@dataclass(frozen=True, slots=True)
class StartSettings:
    """What the operator set. `redis_url` (of `broker_url.read`) is empty without a broker of the operator's own."""

    var_dir: Path
    redis_url: str
    azure_devops_servers: str
    web_port: int
    worker_threads: int
    sandbox: bool
    sandbox_port: int


def read(checkout: Path) -> StartSettings:
    """Read the environment, and `checkout`'s `.env` for what it lacks. Raises `ImproperlyConfigured`."""
    env = Environment()
    folder = var_dir(checkout)
    redis_url = env.secret_line("REDIS_URL")
    return StartSettings(
        var_dir=folder,
        redis_url=broker_url.read(redis_url) if redis_url else "",
        azure_devops_servers=env.str("AZURE_DEVOPS_SERVERS", default="Azure DevOps Services=https://dev.azure.com"),
        web_port=env.int("WEB_PORT", default=8000),
        worker_threads=env.int("WORKER_THREADS", default=8),
        sandbox=env.bool("SANDBOX", default=True),
        sandbox_port=env.int("SANDBOX_PORT", default=8061),
    )


def var_dir(checkout: Path) -> Path:
    """Return the folder of everything that is stored."""
    read_file(checkout / ".env")
    return Path(Environment().str("VAR_DIR", default="") or checkout / "var").resolve()
