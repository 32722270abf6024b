"""Why an action was refused, by code, where the reason is none of the problems: the message at the field or command."""

REFUSALS = {
    "channel_name_taken": "Another channel already has this name. Choose another name.",
    "closed_note_missing": "Say why in the note.",
    "closed_reason_missing": "Choose why you close it.",
    "date_is_read": "The expiry date of this credential is read from it or from where it was created, so it can't be "
    "entered.",
    "entry_name_taken": "Another entry already has this name. Choose another name.",
    "import_not_ready": "The lines are still being checked. Wait until the preview is complete.",
    "extend_left_as_it_was": "Azure DevOps left the expiry date as it was. A policy of the organization may limit it: "
    "renew the token instead.",
    "extend_not_later": "The token is valid at least that long already, as Azure DevOps says. Choose more days.",
    "extend_running": "An extension of this token is in progress. Try again in two minutes: if it was interrupted, we "
    "then read what became of it.",
    "extend_unknown_token": "It is not known which token in Azure DevOps is stored here. Import tokens first.",
    "import_no_candidate": "This is not among your tokens that were read. Choose again, or read your tokens again.",
    "import_nothing_picked": "Choose at least one token.",
    "import_other_token": "Another stored token is known to be this one. Choose another.",
    "import_outdated": "The token of a connection was updated after your tokens were read. Read them again.",
    "import_picked_twice": "The same token was chosen for two different stored tokens. Choose each only once.",
    "import_running": "The import has started and can no longer be discarded.",
    "leak_unknown": "No connection stores this token any more, so there is nothing to stop. Revoke it in Azure DevOps.",
    "limited_not_accepted": "The token works, but not every scope was confirmed. Tick the box to use it as Limited, or "
    "fix the token first.",
    "name_not_confirmed": "This is not the connection's name. Type it as shown.",
    "name_taken": "Another connection already has this name. Choose another name.",
    "no_project_chosen": "Choose at least one project, or all projects.",
    "no_such_state": "A token of Azure DevOps Server is valid for every collection.",
    "owner_gone": "The owner was removed or deactivated in the meantime. Choose someone else.",
    "project_not_visible": "This token cannot see one of the chosen projects. Choose again.",
    "renewal_days": "Choose a number of days that the token policy allows.",
    "leak_no_candidate": "Choose one of the listed tokens. If none is listed, sign in first: we read them again.",
    "renewal_no_candidate": "Choose the token that this connection used before.",
    "renewal_of_several_people": "These connections use tokens of several people. Renew those of one person at a time.",
    "renewal_policy_changed": "The token policy was changed meanwhile and no longer allows so many days. Nothing was "
    "changed in Azure DevOps. Start again, for fewer days.",
    "replaced_meanwhile": "Someone else just updated this token. Check the connection before you try again.",
    "same_token": "This token is already in use. If you extended it in Azure DevOps, record its new date under “I "
    "extended the same token”.",
}
STORED_AND_REFUSED = "This token is already stored, and Azure DevOps no longer accepts it. Create a new one there."
