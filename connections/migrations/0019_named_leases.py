from django.db import migrations, models


class Migration(migrations.Migration):
    """Leases of connections and mails have names, as those of syncs and subscriptions have."""

    dependencies = [("connections", "0018_providers_and_credentials")]

    operations = [
        migrations.AddField(
            "Connection", "lease", models.CharField(blank=True, default="", max_length=36), preserve_default=False
        ),
        migrations.AddField(
            "Mail", "lease", models.CharField(blank=True, default="", max_length=36), preserve_default=False
        ),
    ]
