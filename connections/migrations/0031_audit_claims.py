"""Claims of audits read what is due and what is under way by an index; runs count what still waits."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0030_contacts_of_leaked_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="connection",
            name="connection_by_next_check",
        ),
        migrations.AddIndex(
            model_name="auditedconnection",
            index=models.Index(fields=["run", "state"], name="audited_by_run"),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("disabled", False)), fields=["next_check_at", "id"], name="connection_by_next_audit"
            ),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("leased_until__isnull", False)), fields=["leased_until"], name="connection_leased"
            ),
        ),
    ]
