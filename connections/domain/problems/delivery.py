"""Problems of what is done with a connection: code, builds and releases."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "connection_gone",
        "Connection not found",
        "This connection was disconnected, or never existed. Nothing was changed.",
        "Begin at the list of connections.",
    ),
    Problem(
        "person_gone",
        "Person not found",
        "This person was removed, or never existed. Nothing was changed.",
        "Begin at the list of people.",
    ),
    Problem(
        "changed_meanwhile",
        "Changed since you opened the page",
        "Somebody changed the same thing meanwhile, and nothing of yours was saved.",
        "Compare both values, then save again if yours are right.",
    ),
    Problem(
        "repository_name_missing",
        "The repository has no name",
        "Nothing was sent to Azure DevOps.",
        "Give the repository a name.",
    ),
    Problem(
        "repository_name_invalid",
        "Name not allowed",
        "A repository's name is one line of at most 64 characters that can be seen. Nothing was sent to Azure DevOps.",
        "Choose another name.",
    ),
    Problem(
        "branch_name_invalid",
        "Branch name not allowed",
        "Git does not allow this name: no blank, no .. and none of ~ ^ : ? * [ \\. Nothing was sent to Azure DevOps.",
        "Enter the name of a branch.",
    ),
    Problem(
        "path_invalid",
        "Path not allowed",
        "This is not the path of a file inside the repository, or it holds a character that cannot be seen. "
        "Nothing was sent to Azure DevOps.",
        "Enter a path such as docs/README.md.",
    ),
    Problem(
        "file_too_long",
        "File too long",
        "Files that are committed from here have a limit. Nothing was sent to Azure DevOps.",
        "Commit this file with Git.",
    ),
    Problem(
        "commit_message_missing",
        "No commit message",
        "Nothing was sent to Azure DevOps.",
        "Say what you changed.",
    ),
    Problem(
        "comment_too_long",
        "Comment too long",
        "A comment, description or commit message has at most 2,000 characters. Nothing was sent to Azure DevOps.",
        "Shorten it.",
    ),
    Problem(
        "text_invalid",
        "Text not allowed",
        "The text holds a character that no text has. Nothing was sent to Azure DevOps.",
        "Type it instead of pasting it.",
    ),
    Problem(
        "conflict",
        "Changed meanwhile",
        "Somebody else changed the same thing at Azure DevOps just before.",
        "Look at the present state and try again.",
    ),
    Problem(
        "failed_here",
        "Could not be processed",
        "What Azure DevOps answered could not be processed here. Everything else goes on, and this is tried again.",
        "If it keeps happening, ask the operator of this product to look into its log.",
    ),
    Problem(
        "rejected",
        "Azure DevOps rejected the request",
        "Azure DevOps understood who asked but not what was asked.",
        "Try again.",
    ),
    Problem(
        "name_taken",
        "Name already taken",
        "There is already something of this name at Azure DevOps.",
        "Choose another name.",
    ),
    Problem(
        "branch_not_found",
        "Branch not found",
        "The repository has no branch of this name. It may have been deleted or renamed, also where it is the default "
        "branch.",
        "Choose another branch. If the default branch is missing, an administrator of the repository sets another one "
        "at Azure DevOps.",
    ),
    Problem(
        "branch_protected",
        "Branch takes changes only by pull request",
        "A policy of the repository lets nobody push to this branch directly.",
        "Commit to a new branch, then open a pull request at Azure DevOps.",
    ),
    Problem(
        "branch_not_updated",
        "Branch not changed",
        "Azure DevOps took the request, but did not change the branch.",
        "Check the name of the branch and the policies of the repository, then try again.",
    ),
    Problem(
        "build_not_queued",
        "Pipeline cannot run like this",
        "Azure DevOps checked the request and found something that keeps the pipeline from running.",
        "Check the branch and whether the pipeline is enabled. Its page at Azure DevOps says more.",
    ),
    Problem(
        "releases_disabled",
        "Classic releases are switched off",
        "The {place} or the project does not allow classic releases.",
        "Use pipelines with stages instead, or ask an administrator of the {place} to switch classic releases on.",
    ),
    Problem(
        "releases_probably_disabled",
        "Classic releases are probably switched off",
        "The release service of Azure DevOps has no page for this {place}, although its other services answer. "
        "That is usual where classic releases are switched off.",
        "Ask an administrator of the {place} whether classic releases are switched off. If you do not use them, "
        "no action is needed.",
    ),
    Problem(
        "approval_of_another",
        "Somebody else is asked",
        "Azure DevOps asks somebody else for this approval, and did not take it from the person behind the token.",
        "Ask that person to decide, at Azure DevOps or here by a connection with their token.",
    ),
    Problem(
        "approval_decided",
        "Already decided",
        "This approval does not wait any more: somebody decided, or the deployment was cancelled.",
        "Look at the release as it is now.",
    ),
    Problem(
        "stage_moved_on",
        "Not possible in this state",
        "Azure DevOps does not allow this for the stage as it is now. Somebody may have been faster.",
        "Look at the release as it is now.",
    ),
    Problem(
        "artifact_unavailable",
        "Version not to be had",
        "Azure DevOps cannot find the version of an artifact. The build may be gone, or there is no good one yet.",
        "Choose another version, or let the pipeline that makes it run once more.",
    ),
    Problem(
        "file_changed",
        "Somebody changed the file meanwhile",
        "The file at Azure DevOps is no longer the one that you began to edit, so nothing was committed.",
        "Look at the file as it is now, bring your change into it, and commit again.",
    ),
    Problem(
        "file_exists",
        "There is already a file at this path",
        "Nothing was committed, so that the file there is not replaced by accident.",
        "Choose another path, or open that file and edit it.",
    ),
    Problem(
        "outcome_unknown",
        "Could not tell whether it happened",
        "Azure DevOps did not answer, and could not be asked afterwards either. We do not try again by ourselves, so "
        "that nothing happens twice.",
        "Look at Azure DevOps whether it happened before you try again.",
    ),
    Problem(
        "file_not_utf8",
        "The file is in another encoding",
        "Only files in UTF-8 can be edited here; another encoding would not survive.",
        "Clone the repository to change it.",
    ),
    Problem(
        "file_mixed_line_ends",
        "The file's lines end in different ways",
        "A form cannot keep them apart, so every line would change.",
        "Clone the repository to change it.",
    ),
    Problem(
        "file_is_link",
        "This is a symbolic link",
        "Its content is the path that it leads to, and editing it here would break it.",
        "Open the file that it leads to, or clone the repository to change it.",
    ),
    Problem(
        "file_is_binary",
        "The file is binary",
        "Only text files can be edited here.",
        "Clone the repository to change it.",
    ),
    Problem(
        "file_holds_token",
        "The file contains the token of this connection",
        "The token that this connection uses stands in this file, so everybody who may read the repository may use it. "
        "It is shown as [redacted], and the file cannot be edited here.",
        "Revoke the token at Azure DevOps and update this connection with a new one. Then remove the old one from the "
        "file with Git.",
        link="tokens",
    ),
    Problem(
        "file_too_large",
        "The file is too large to show here",
        "Files up to a limit are read into the page, and this one is longer.",
        "Open it at Azure DevOps, or clone the repository.",
    ),
)
