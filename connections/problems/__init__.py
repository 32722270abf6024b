"""The problems themselves, by what they are about. `connections.messages` finds them."""

from connections.problems import access, network, work
from connections.problems.problem import NO_FACTS, Facts, Problem

ALL = (*access.PROBLEMS, *network.PROBLEMS, *work.PROBLEMS)

__all__ = ["ALL", "NO_FACTS", "Facts", "Problem"]
