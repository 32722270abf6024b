from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0041_revoke_leaked_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedcredential",
            name="date_asked_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="storedcredential",
            name="date_candidates",
            field=models.JSONField(blank=True, default=list, editable=False),
        ),
        migrations.AddField(
            model_name="storedcredential",
            name="date_reason",
            field=models.CharField(blank=True, editable=False, max_length=16),
        ),
    ]
