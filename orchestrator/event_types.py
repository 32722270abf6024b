"""The words of events about the product as a whole."""

from history.event_types import EventType, SubjectKind

KINDS = {
    "backup.made": EventType("Backup made", "database-backup", "info", lambda detail: f"{detail['bytes']} bytes"),
    "backup.restored": EventType(
        "Backup restored",
        "history",
        "warn",
        lambda detail: f"What happened after {detail['until']} is lost" if detail["until"] else "",
    ),
}
PRODUCT = SubjectKind("Product")
