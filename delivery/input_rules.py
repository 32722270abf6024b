"""Rules for what is sent to Azure DevOps: names of repositories and branches, paths, contents of files and comments.

Forms, actions and commands ask these. Each returns the value as it is sent, or raises
`connections.input_rules.InvalidInput`, whose code is one of the catalogue's.
"""

import re
import unicodedata

from connections.input_rules import InvalidInput, has_invisible

# https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions#azure-repos-git
REPOSITORY_NAME_LENGTH = 64
BRANCH_LENGTH = 1000
PATH_LENGTH = 1000
COMMENT_LENGTH = 2000
HEADS = "refs/heads/"
# What Git itself refuses in the name of a branch; letters and white space beyond ASCII it allows.
# https://git-scm.com/docs/git-check-ref-format
_NOT_IN_BRANCHES = re.compile(
    r"\.\.|@\{|//|[~^:?*\[\\\x00-\x20\x7f]|/\.|\.lock(?:/|\Z)|\.\Z|/\Z|\A[/.-]|\A(?:@|HEAD)\Z"
)
_ASCII_SPACE = " \t\r\n"
_NOT_IN_TEXTS = re.compile("[\x00\ud800-\udfff]")


def repository_name(text: str) -> str:
    """The name of a repository: one line that can be seen."""
    name = text.strip()
    if not name:
        raise InvalidInput("repository_name_missing", "Enter a name for the repository.", field="name")
    if len(name) > REPOSITORY_NAME_LENGTH:
        words = f"A repository name has at most {REPOSITORY_NAME_LENGTH} characters."
        raise InvalidInput("repository_name_invalid", words, field="name")
    if has_invisible(name):
        words = "This contains an invisible character."
        raise InvalidInput("repository_name_invalid", words, field="name")
    return name


def branch_name(text: str, *, field: str = "branch") -> str:
    """A branch's short name, as Git allows it, without the white space that comes along when it is pasted."""
    # Branches exist already whose names hold what cannot be seen, such as the joiners of emoji.
    name = text.strip(_ASCII_SPACE).removeprefix(HEADS)
    if not name:
        raise InvalidInput("branch_name_invalid", "Enter a name for the branch.", field=field)
    if len(name) > BRANCH_LENGTH or _NOT_IN_BRANCHES.search(name) or _NOT_IN_TEXTS.search(name):
        words = "Git does not allow this name: no space, no .. and none of ~ ^ : ? * [ \\"
        raise InvalidInput("branch_name_invalid", words, field=field)
    return name


def file_path(text: str, *, is_new: bool) -> str:
    """The path of a file from the top of the repository, with one slash before it.

    The path of a file that is there is taken as it is and may hold whatever Git allows; only what no line can hold is
    a mistake.
    """
    path = text.strip(_ASCII_SPACE) if is_new else text
    if len(path) > PATH_LENGTH:
        raise InvalidInput("path_invalid", f"A path has at most {PATH_LENGTH} characters.", field="path")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in path):
        raise InvalidInput("path_invalid", "This contains a character that is not allowed in a path.", field="path")
    if is_new and has_invisible(path):
        raise InvalidInput("path_invalid", "This contains an invisible character.", field="path")
    parts = path.strip("/").split("/")
    if any(part.strip() in ("", ".", "..") or part == ".git" for part in parts):
        raise InvalidInput("path_invalid", "This is not a path of a file inside the repository.", field="path")
    return "/" + "/".join(parts)


def file_content(text: str, *, longest: int) -> str:
    """The text of a file, its lines ended by a line feed. `longest` is in bytes."""
    content = text.replace("\r\n", "\n")
    if _NOT_IN_TEXTS.search(content):
        raise InvalidInput("text_invalid", "This contains an invalid character.", field="content")
    if len(content.encode()) > longest:
        words = f"A file committed from here has at most {longest} bytes."
        raise InvalidInput("file_too_long", words, field="content")
    return content


def commit_message(text: str) -> str:
    """What is said of a commit; never nothing."""
    message = comment(text)
    if not message:
        raise InvalidInput("commit_message_missing", "Describe your change.", field="comment")
    return message


def comment(text: str, *, field: str = "comment") -> str:
    """A few lines that Azure DevOps keeps beside what was done; they may be empty."""
    words = text.strip().replace("\r\n", "\n")
    if len(words) > COMMENT_LENGTH:
        raise InvalidInput("comment_too_long", f"A comment has at most {COMMENT_LENGTH} characters.", field=field)
    if _NOT_IN_TEXTS.search(words):
        raise InvalidInput("text_invalid", "This contains an invalid character.", field=field)
    return words
