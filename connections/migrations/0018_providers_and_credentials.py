from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    """Connections say which provider they belong to, stored credentials of which kind they are.

    The table of credentials keeps its name, which older backups have too.
    """

    dependencies = [("connections", "0017_standard_names")]

    operations = [
        # Named before the model is renamed, so that no table is.
        migrations.AlterModelTable("StoredToken", "connections_storedtoken"),
        migrations.RenameModel("StoredToken", "StoredCredential"),
        migrations.AlterField(
            "StoredCredential",
            "connection",
            models.OneToOneField(
                on_delete=models.CASCADE,
                primary_key=True,
                related_name="stored_credential",
                serialize=False,
                to="connections.connection",
            ),
        ),
        migrations.AddField(
            "StoredCredential",
            "kind",
            models.CharField(default="personal_access_token", editable=False, max_length=32),
        ),
        migrations.AddField("Connection", "provider", models.CharField(default="azure_devops", max_length=32)),
        migrations.AddIndex("Connection", models.Index("provider", Lower("name"), name="connection_by_provider")),
    ]
