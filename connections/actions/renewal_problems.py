"""Why a sign-in at Microsoft failed, or what was done in it: for the columns of a row, and in words for the person."""

from connections import clients
from connections.actions.refusals import CannotRenew
from connections.actions.token_test_rate_limit import TooManyTests
from connections.domain import renewal as rules
from connections.domain.problems import Facts, catalogue
from connections.domain.problems import renewal as words
from connections.providers.azure_devops.errors import AzureDevOpsError
from connections.providers.azure_devops.personal_tokens import TokenLifecycleRefused

Failure = AzureDevOpsError | clients.UnknownServer | TooManyTests


def problem_of(error: Failure) -> dict[str, str]:
    """The columns that say why a step failed."""
    if isinstance(error, TokenLifecycleRefused):
        return {"problem": words.code_of(error.word), "problem_word": error.word}
    code = rules.TOO_MANY_TESTS if isinstance(error, TooManyTests) else error.code
    return {"problem": code, "problem_word": ""}


def refusal_of(error: Failure, *, organization: str) -> CannotRenew:
    """The same in words, with what Azure DevOps said, or the ids for Microsoft's support."""
    columns = problem_of(error)
    wait = error.seconds if isinstance(error, TooManyTests) else getattr(error, "retry_after", None)
    facts = Facts(host=getattr(error, "host", ""), organization=organization, retry_after=wait)
    problem = catalogue.problem(columns["problem"], facts=facts)
    word, support = columns["problem_word"], getattr(error, "support", "")
    said = f" Azure DevOps said: {word}." if word else ""
    return CannotRenew(problem.code, f"{problem.full}{said}" + (f" ({support})" if support else ""))
