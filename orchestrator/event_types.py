"""Types of events about the product as a whole, with their labels."""

from history.event_types import EventType, SubjectKind

KINDS = {
    "backup.made": EventType("Backup made", "database-backup", "info", lambda detail: f"{detail['bytes']} bytes"),
    "backup.restored": EventType(
        "Backup restored",
        "history",
        "warn",
        lambda detail: f"Everything after {detail['until']} is lost" if detail["until"] else "",
    ),
}
PRODUCT = SubjectKind("Product")
