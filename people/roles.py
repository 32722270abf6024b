"""The roles and their permissions, in one table.

A role is a Django group. Each `migrate` sets the permissions of these groups to those of the table, and removes any
others. For other permissions, create a group of your own.
"""

from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

# Administrators get every permission of these apps, also those that are added later.
APPS = ("connections", "delivery", "history", "people")


@dataclass(frozen=True, slots=True)
class Role:
    """A role. `adds` lists the permissions it has in addition to the role before it; None means all permissions."""

    name: str
    sentence: str
    adds: tuple[str, ...] | None


ROLES = (
    Role(
        "Viewer",
        "Read-only access to connections, their history, the register of credentials, repositories, pipelines, builds "
        "and releases.",
        (
            "connections.view_connection",
            "connections.view_auditrun",
            "connections.view_guardrails",
            "connections.view_registerentry",
            "history.view_event",
            "delivery.view_repository",
            "delivery.view_releasepipeline",
            "delivery.view_pipeline",
        ),
    ),
    Role(
        "Operator",
        "Also tests connections, starts and cancels audits, syncs repositories, runs pipelines and cancels builds.",
        (
            "connections.test_connection",
            "connections.audit_connection",
            "delivery.refresh_repository",
            "delivery.run_pipeline",
            "delivery.cancel_build",
        ),
    ),
    Role(
        "Maintainer",
        "Also connects, edits, disables and disconnects, updates tokens and declares them leaked, keeps the register, "
        "creates repositories, creates branches and commits files, creates, deploys and cancels releases, approves and "
        "rejects deployments.",
        (
            "connections.add_connection",
            "connections.change_connection",
            "connections.rotate_connection",
            "connections.disable_connection",
            "connections.delete_connection",
            "connections.declare_leak",
            "connections.add_registerentry",
            "connections.change_registerentry",
            "connections.delete_registerentry",
            "delivery.create_repository",
            "delivery.write_code",
            "delivery.create_release",
            "delivery.deploy_release",
            "delivery.approve_deployment",
        ),
    ),
    Role(
        "Administrator",
        "Can do everything: also manages people, sets the token policy, calibrates, reads the whole history and the "
        "mails, and uses Django's admin.",
        None,
    ),
)
BY_NAME = {role.name: role for role in ROLES}
ADMINISTRATOR = ROLES[-1].name


def permissions_of(role: Role) -> frozenset[str] | None:
    """All permissions of a role, as `app.codename`; None means all permissions."""
    if role.adds is None:
        return None
    return frozenset(name for lower in ROLES[: ROLES.index(role) + 1] for name in lower.adds or ())


def sync() -> None:
    """Create the groups and set their permissions to those of the table. Permissions that don't exist are skipped."""
    for label in APPS:
        create_permissions(apps.get_app_config(label), verbosity=0)
    rows = Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    existing = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    with transaction.atomic():
        for role in ROLES:
            names = permissions_of(role)
            _set_permissions(role, [row for name, row in existing.items() if names is None or name in names])


def _set_permissions(role: Role, permissions: list[Permission]) -> None:
    group, is_new = Group.objects.get_or_create(name=role.name)
    if is_new:
        # Written without signals: only later changes of a role are events.
        through = Group.permissions.through
        through.objects.bulk_create(
            through(group_id=group.pk, permission_id=permission.pk) for permission in permissions
        )
    else:
        group.permissions.set(permissions)


def role_of(user: User) -> str:
    """The name of a person's highest role, or "". One query, or none when the groups are prefetched."""
    if user.is_superuser:
        return ADMINISTRATOR
    names = {group.name for group in user.groups.all()}
    return next((role.name for role in reversed(ROLES) if role.name in names), "")


def administrators() -> set[int]:
    """Ids of the active administrators and superusers."""
    superusers = User.objects.filter(is_active=True, is_superuser=True)
    others = User.objects.filter(is_active=True, groups__name=ADMINISTRATOR)
    return {*superusers.values_list("pk", flat=True), *others.values_list("pk", flat=True)}
