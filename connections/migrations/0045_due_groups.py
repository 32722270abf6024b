"""Claims of audits find what is due by person and by organization."""

from django.conf import settings
from django.db import migrations, models

import core.ten_minutes


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0044_date_of_candidates"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                core.ten_minutes.TenMinutes("next_check_at"),
                models.F("identity_id"),
                models.F("next_check_at"),
                models.F("id"),
                condition=models.Q(("disabled", False)),
                name="connection_due_by_person",
            ),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                core.ten_minutes.TenMinutes("next_check_at"),
                models.F("server"),
                models.F("organization"),
                models.F("next_check_at"),
                models.F("id"),
                condition=models.Q(("disabled", False)),
                name="connection_due_by_org",
            ),
        ),
    ]
