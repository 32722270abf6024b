"""The part of the control API about Microsoft Entra, below /_sandbox/entra."""

from dataclasses import asdict
from typing import Any

from sandbox.entra import samples
from sandbox.entra.directory import Application
from sandbox.entra.issuer import Issuer
from sandbox.entra.managed_identity import IDENTITY_HEADER


def answer(issuer: Issuer, method: str, path: list[str], body: Any) -> tuple[int, Any]:
    """The status and the value of an answer. Raises `ValueError`, `TypeError` or `KeyError` for a wrong request."""
    if path == ["behaviour"] and method == "POST":
        rules = body if isinstance(body, list) else [body]
        return 201, [asdict(rule) for rule in issuer.behaviour.add_sequence(rules)]
    if path == ["behaviour"] and method == "DELETE":
        issuer.behaviour.clear()
        return 200, {}
    if path == [] and method in ("GET", "POST"):
        if method == "POST":
            issuer.lifetime = None if body["lifetime"] is None else float(body["lifetime"])
        return 200, _overview(issuer)
    if path == ["requests"] and method == "GET":
        return 200, [asdict(seen) for seen in issuer.requests]
    if path == ["applications"] and method == "POST":
        return 201, _shown(issuer, issuer.create_application(body["name"]))
    if path[:1] == ["applications"] and len(path) == 2 and method in ("GET", "POST"):
        application = issuer.directory.named(path[1])
        _change(issuer, application, body or {})
        return 200, _shown(issuer, application)
    return 404, {"message": "There is no such endpoint. GET /_sandbox/entra shows the applications."}


def _overview(issuer: Issuer) -> dict[str, Any]:
    return {
        "authority": issuer.url,
        "ca_file": str(issuer.ca_file),
        "lifetime": issuer.lifetime,
        "identity_header": IDENTITY_HEADER,
        "applications": {application.name: _shown(issuer, application) for application in issuer.directory},
        "behaviour": [asdict(rule) for rule in issuer.behaviour.rules()],
    }


def _shown(issuer: Issuer, application: Application) -> dict[str, Any]:
    principal = application.principal
    return {
        "summary": samples.SAMPLES.get(application.name, ""),
        "tenant": application.tenant,
        "client_id": application.client_id,
        "registration_object_id": application.object_id,
        "object_id": principal.object_id,
        "secrets": [{"value": secret.value, "expires_at": secret.expires_at} for secret in application.secrets],
        "certificates": len(application.certificates),
        "workload_token": issuer.workload_token(application.name) if application.federated else "",
        "federated": [asdict(credential) for credential in application.federated],
        "enabled": application.is_enabled,
        "may_read_applications": application.may_read_applications,
        "organizations": {
            organization.name: organization.licence_of(principal)
            for organization in issuer.state.organizations.values()
            if principal.id in organization.members
        },
    }


def _change(issuer: Issuer, application: Application, body: dict[str, Any]) -> None:
    """Carry out what the body names, in this order."""
    known = {"enabled", "may_read_applications", "expire_secrets", "new_secret", "certificate"}
    known |= {"organization", "licence", "member", "after"}
    if unknown := set(body) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(sorted(known))}")
    application.is_enabled = bool(body.get("enabled", application.is_enabled))
    may_read = body.get("may_read_applications", application.may_read_applications)
    application.may_read_applications = bool(may_read)
    if body.get("expire_secrets"):
        issuer.expire_secrets(application.name)
    if body.get("new_secret"):
        issuer.add_secret(application.name)
    if body.get("certificate"):
        issuer.certificate_file(application.name)
    if "organization" in body:
        issuer.set_member(
            application.name,
            body["organization"],
            licence=body.get("licence", "basic"),
            member=bool(body.get("member", True)),
            after=float(body.get("after", 0)),
        )
