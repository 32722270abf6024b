"""The problems themselves, by what they are about. `connections.domain.problems.catalogue` finds them."""

from connections.domain.problems import access, delivery, network
from connections.domain.problems.problem import NO_FACTS, Facts, Problem

ALL = (*access.PROBLEMS, *network.PROBLEMS, *delivery.PROBLEMS)

__all__ = ["ALL", "NO_FACTS", "Facts", "Problem"]
