"""Problems by area. `connections.domain.problems.catalogue` finds a problem by its code."""

from connections.domain.problems import access, delivery, entra, network, renewal, requests
from connections.domain.problems.problem import NO_FACTS, Facts, Problem

ALL = (*access.PROBLEMS, *entra.PROBLEMS, *network.PROBLEMS, *delivery.PROBLEMS, *renewal.PROBLEMS, *requests.PROBLEMS)

__all__ = ["ALL", "NO_FACTS", "Facts", "Problem"]
