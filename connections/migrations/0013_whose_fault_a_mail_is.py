from typing import Any

from django.conf import settings
from django.db import migrations, models


def mark_what_reached_nobody(apps: Any, schema_editor: Any) -> None:
    """Mails of a site without a mail server were marked as sent, and lie in a folder."""
    if settings.EMAIL_BACKEND != "django.core.mail.backends.smtp.EmailBackend":
        apps.get_model("connections", "Mail").objects.exclude(sent_at=None).update(is_only_written=True)


class Migration(migrations.Migration):

    dependencies = [
        ("connections", "0012_calibrate_permission"),
    ]

    operations = [
        migrations.AddField("mail", "is_only_written", models.BooleanField(default=False)),
        migrations.AddField("mail", "refused_at", models.DateTimeField(null=True)),
        migrations.AddField("mail", "refused_on", models.JSONField(default=list)),
        migrations.AddField("mail", "refused_since", models.DateTimeField(null=True)),
        migrations.RunPython(mark_what_reached_nobody, migrations.RunPython.noop),
    ]
