"""The problems themselves, by what they are about. `connections.messages` finds them."""

from connections.problems import access, network, work
from connections.problems.problem import Problem

ALL = (*access.PROBLEMS, *network.PROBLEMS, *work.PROBLEMS)

__all__ = ["ALL", "Problem"]
