"""The permissions that an API token can have: those that operations of the API require."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission as `app.codename`, and what it allows through the API."""

    permission: str
    label: str


SCOPES = (
    # Responses contain what was changed, so a change needs the permission to read it too.
    Scope("connections.view_connection", "Read connections, capabilities and health"),
    Scope("connections.test_connection", "Test connections"),
    Scope("connections.add_connection", "Connect organizations"),
    Scope("connections.change_connection", "Edit connections"),
    Scope("connections.rotate_connection", "Update tokens of connections"),
    Scope("connections.disable_connection", "Disable and enable connections"),
    Scope("connections.delete_connection", "Disconnect"),
    Scope("connections.view_registerentry", "Read the register"),
    Scope("connections.add_registerentry", "Add entries to the register"),
    Scope("connections.change_registerentry", "Edit, close and reopen entries of the register"),
    Scope("connections.delete_registerentry", "Delete entries of the register"),
    Scope("connections.declare_leak", "Find leaked credentials and declare them leaked"),
    Scope("connections.view_auditrun", "Follow audits"),
    Scope("connections.audit_connection", "Start and cancel audits"),
    Scope("delivery.view_repository", "Read repositories"),
    Scope("delivery.refresh_repository", "Sync repositories"),
    Scope("delivery.view_pipeline", "Read pipelines, builds and logs"),
    Scope("delivery.run_pipeline", "Run pipelines"),
    Scope("delivery.cancel_build", "Cancel builds"),
    Scope("delivery.view_releasepipeline", "Read releases"),
    Scope("delivery.create_release", "Create releases"),
    Scope("delivery.deploy_release", "Deploy stages and cancel deployments"),
    Scope("delivery.approve_deployment", "Approve and reject deployments"),
    Scope("connections.view_mail", "Read the outbox"),
    Scope("connections.resend_mail", "Retry mails"),
    Scope("history.view_event", "Read the history of connections"),
    Scope("history.view_all_events", "Read the whole history"),
)
LABELS = {scope.permission: scope.label for scope in SCOPES}
