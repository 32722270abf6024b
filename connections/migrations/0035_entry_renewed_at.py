"""When the credential of an entry was renewed; entries that leaked before keep the date that was compared until now."""

from typing import Any

from django.db import migrations, models


def keep_what_was_compared(apps: Any, schema_editor: Any) -> None:
    """A leak counted if it was declared after the date was recorded."""
    entries = apps.get_model("connections", "RegisterEntry").objects.exclude(leaks=None).order_by()
    entries.update(renewed_at=models.F("date_set_at"))


class Migration(migrations.Migration):

    dependencies = [
        ("connections", "0034_renewals"),
    ]

    operations = [
        migrations.AddField("registerentry", "renewed_at", models.DateTimeField(null=True)),
        migrations.RunPython(keep_what_was_compared, migrations.RunPython.noop),
    ]
