"""What a credential says about itself, and the kind of the one before."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("connections", "0031_audit_claims"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedcredential",
            name="facts",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AddField(
            model_name="storedcredential",
            name="replaced_kind",
            field=models.CharField(blank=True, editable=False, max_length=32),
        ),
    ]
