from django.db import migrations, models


class Migration(migrations.Migration):
    """Classes and columns have the field's names; tables and permissions keep theirs."""

    # A renamed model renames its content type, in the form that content types have today, on the way back too.
    dependencies = [
        ("connections", "0016_rate_limit_pauses"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("GuardRails", "StoredTokenPolicy"),
        migrations.AlterModelOptions(
            "StoredTokenPolicy",
            options={
                "default_permissions": (),
                "permissions": (
                    ("view_guardrails", "Can view the token policy"),
                    ("change_guardrails", "Can change the token policy"),
                ),
            },
        ),
        migrations.AlterModelTable("StoredTokenPolicy", "connections_guardrails"),
        migrations.RenameField("Connection", "troubles_in_a_row", "consecutive_failures"),
        migrations.RenameField("Connection", "told_health", "notified_health"),
        migrations.RenameField("Connection", "told_lacking", "notified_lacking"),
        migrations.RenameField("Connection", "looks_at_news", "confirmations"),
        migrations.RemoveIndex("Connection", "connection_needs_person"),
        migrations.RenameField("Connection", "needs_person_by", "attention_due_on"),
        migrations.AddIndex(
            "Connection", models.Index(fields=["attention_due_on", "disabled"], name="connection_needs_person")
        ),
        migrations.RenameField("Connection", "words", "search_text"),
    ]
