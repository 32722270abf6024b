"""The words of events about the product as a whole."""

from history.words import SubjectKind, Words

KINDS = {
    "backup.made": Words("Backup made", "database-backup", "info", lambda detail: f"{detail['bytes']} bytes"),
    "backup.restored": Words(
        "Backup restored",
        "history",
        "warn",
        lambda detail: f"What happened after {detail['until']} is lost" if detail["until"] else "",
    ),
}
PRODUCT = SubjectKind("Product")
