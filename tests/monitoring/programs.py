"""Prometheus and Alertmanager as Debian packages them."""

import shutil

from tests.needs import need

_NAMES = {"alertmanager": ("prometheus-alertmanager", "alertmanager")}
_PACKAGES = {"alertmanager": "prometheus-alertmanager"}


def program(name: str) -> str:
    """The path of `prometheus`, `promtool` or `alertmanager`; without it the test is skipped, or fails in CI."""
    found = next(filter(None, map(shutil.which, _NAMES.get(name, (name,)))), None)
    need(found=found is not None, lacking=name, remedy=f"apt-get install {_PACKAGES.get(name, 'prometheus')}")
    return str(found)
