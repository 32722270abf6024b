"""Problems with what people do through a connection: code, builds and releases."""

from connections.domain.problems.problem import Problem

PROBLEMS = (
    Problem(
        "connection_gone",
        "Connection not found",
        "This connection was disconnected or never existed. Nothing was changed.",
        "Go back to the list of connections.",
    ),
    Problem(
        "entry_gone",
        "Entry not found",
        "This entry was deleted from the register or never existed. Nothing was changed.",
        "Go back to the register.",
    ),
    Problem(
        "import_gone",
        "Import not found",
        "This import was discarded, is more than a day old, or belongs to someone else.",
        "Import the file again.",
    ),
    Problem(
        "person_gone",
        "Person not found",
        "This person was removed or never existed. Nothing was changed.",
        "Go back to the list of people.",
    ),
    Problem(
        "changed_meanwhile",
        "Changed since you opened the page",
        "Someone else changed the same thing in the meantime, so your changes were not saved.",
        "Compare both values. If yours are right, save again.",
    ),
    Problem(
        "repository_name_missing",
        "The repository has no name",
        "Nothing was sent to Azure DevOps.",
        "Enter a name for the repository.",
    ),
    Problem(
        "repository_name_invalid",
        "Name not allowed",
        "A repository name is a single line of at most 64 visible characters. Nothing was sent to Azure DevOps.",
        "Choose another name.",
    ),
    Problem(
        "branch_name_invalid",
        "Branch name not allowed",
        "Git does not allow this name: no spaces, no .. and none of ~ ^ : ? * [ \\. Nothing was sent to Azure DevOps.",
        "Enter a valid branch name.",
    ),
    Problem(
        "path_invalid",
        "Path not allowed",
        "This is not the path of a file inside the repository, or it contains an invisible character. "
        "Nothing was sent to Azure DevOps.",
        "Enter a path such as docs/README.md.",
    ),
    Problem(
        "file_too_long",
        "File too large",
        "The file exceeds the size limit for commits made here. Nothing was sent to Azure DevOps.",
        "Commit this file with Git.",
    ),
    Problem(
        "commit_message_missing",
        "No commit message",
        "Nothing was sent to Azure DevOps.",
        "Describe your change.",
    ),
    Problem(
        "comment_too_long",
        "Comment too long",
        "Comments, descriptions and commit messages have at most 2,000 characters. Nothing was sent to Azure DevOps.",
        "Shorten the text.",
    ),
    Problem(
        "text_invalid",
        "Text not allowed",
        "The text contains a character that is not allowed. Nothing was sent to Azure DevOps.",
        "Type the text instead of pasting it.",
    ),
    Problem(
        "conflict",
        "Changed in the meantime",
        "Someone else just changed the same thing in Azure DevOps.",
        "Check the current state and try again.",
    ),
    Problem(
        "failed_here",
        "Could not be processed",
        "We could not process the answer of Azure DevOps. Nothing else is affected, and we will retry.",
        "If it keeps happening, ask the site administrator to check the log.",
    ),
    Problem(
        "rejected",
        "Azure DevOps rejected the request",
        "Azure DevOps accepted the token but not the request.",
        "Try again.",
    ),
    Problem(
        "name_taken",
        "Name already taken",
        "This name is already in use in Azure DevOps.",
        "Choose another name.",
    ),
    Problem(
        "branch_not_found",
        "Branch not found",
        "The repository has no branch with this name. It may have been deleted or renamed, even if it is the default "
        "branch.",
        "Choose another branch. If the default branch is missing, ask an administrator of the repository to set "
        "another one in Azure DevOps.",
    ),
    Problem(
        "branch_protected",
        "Branch accepts changes only by pull request",
        "A policy of the repository does not allow direct pushes to this branch.",
        "Commit to a new branch, then open a pull request in Azure DevOps.",
    ),
    Problem(
        "branch_not_updated",
        "Branch not changed",
        "Azure DevOps accepted the request but did not change the branch.",
        "Check the name of the branch and the policies of the repository, then try again.",
    ),
    Problem(
        "build_not_queued",
        "Pipeline cannot run like this",
        "Azure DevOps checked the request and found something that prevents the pipeline from running.",
        "Check the branch and whether the pipeline is enabled. Its page in Azure DevOps has details.",
    ),
    Problem(
        "build_over",
        "The build is over",
        "It ended before it could be cancelled, so nothing was changed.",
        "Check its result.",
    ),
    Problem(
        "releases_disabled",
        "Classic releases are turned off",
        "The {place} or the project does not allow classic releases.",
        "Use pipelines with stages instead, or ask an administrator of the {place} to switch classic releases on.",
    ),
    Problem(
        "releases_probably_disabled",
        "Classic releases are probably turned off",
        "The release service of Azure DevOps has no page for this {place}, although its other services answer. "
        "This is usual where classic releases are turned off.",
        "Ask an administrator of the {place} whether classic releases are turned off. If you do not use them, "
        "no action is needed.",
    ),
    Problem(
        "approval_of_another",
        "Approval assigned to someone else",
        "Azure DevOps expects this approval from someone else and did not accept it from the token's owner.",
        "Ask that person to decide, either in Azure DevOps or here through a connection with their token.",
    ),
    Problem(
        "approval_decided",
        "Already decided",
        "This approval is no longer pending: someone decided, or the deployment was cancelled.",
        "Check the current state of the release.",
    ),
    Problem(
        "stage_moved_on",
        "Not possible in this state",
        "Azure DevOps does not allow this in the current state of the stage. Someone else may have acted first.",
        "Check the current state of the release.",
    ),
    Problem(
        "artifact_unavailable",
        "Version not available",
        "Azure DevOps cannot find this version of an artifact. The build may have been deleted, or there is no "
        "successful build yet.",
        "Choose another version, or run the pipeline that builds it again.",
    ),
    Problem(
        "file_changed",
        "The file was changed in the meantime",
        "The file in Azure DevOps changed after you started editing, so nothing was committed.",
        "Open the current version of the file, make your change there, and commit again.",
    ),
    Problem(
        "file_exists",
        "A file already exists at this path",
        "Nothing was committed, so that the existing file is not overwritten by accident.",
        "Choose another path, or open the existing file and edit it.",
    ),
    Problem(
        "outcome_unknown",
        "We can't confirm whether this succeeded",
        "Azure DevOps did not answer, and we could not check afterwards. We don't retry automatically, so that nothing "
        "happens twice.",
        "Check in Azure DevOps whether it succeeded before you try again.",
    ),
    Problem(
        "file_not_utf8",
        "The file has another encoding",
        "Only UTF-8 files can be edited here. Saving another encoding would damage the file.",
        "Clone the repository to change the file.",
    ),
    Problem(
        "file_mixed_line_ends",
        "The file has mixed line endings",
        "A form cannot preserve mixed line endings, so saving would change every line.",
        "Clone the repository to change the file.",
    ),
    Problem(
        "file_is_link",
        "This is a symbolic link",
        "Its content is the path that it points to, and editing it here would break it.",
        "Open the file that it points to, or clone the repository to change it.",
    ),
    Problem(
        "file_is_binary",
        "The file is binary",
        "Only text files can be edited here.",
        "Clone the repository to change the file.",
    ),
    Problem(
        "file_holds_token",
        "The file contains the token of this connection",
        "Everyone who can read the repository can use this token. It is shown as [redacted], and the file cannot be "
        "edited here.",
        "Revoke the token in Azure DevOps and update this connection with a new one. Then remove the old one from the "
        "file with Git.",
        link="tokens",
    ),
    Problem(
        "file_too_large",
        "The file is too large to show here",
        "The file exceeds the size limit of this page.",
        "Open it in Azure DevOps, or clone the repository.",
    ),
)
