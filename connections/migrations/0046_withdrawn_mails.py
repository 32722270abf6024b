"""Reminders that are no longer true are withdrawn before they are sent."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0045_due_groups")]

    operations = [
        migrations.AddField(
            model_name="mail",
            name="basis",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="mail",
            name="withdrawn_at",
            field=models.DateTimeField(null=True),
        ),
    ]
