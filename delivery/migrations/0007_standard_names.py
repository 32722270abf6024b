from django.db import migrations, models


class Migration(migrations.Migration):
    """Classes and columns have the field's names; tables keep theirs."""

    dependencies = [("delivery", "0006_read_generations"), ("connections", "0017_standard_names")]

    operations = [
        migrations.RenameModel("Inventory", "SyncState"),
        migrations.AlterModelOptions("SyncState", options={"default_permissions": ()}),
        migrations.AlterModelTable("SyncState", "delivery_inventory"),
        migrations.RenameField("SyncState", "troubles_in_a_row", "consecutive_failures"),
        migrations.AlterField(
            "SyncState",
            "connection",
            models.OneToOneField(
                on_delete=models.deletion.CASCADE,
                primary_key=True,
                related_name="sync_state",
                serialize=False,
                to="connections.connection",
            ),
        ),
        migrations.RenameModel("Watch", "PollSubscription"),
        migrations.AlterModelTable("PollSubscription", "delivery_watch"),
        migrations.RenameField("PollSubscription", "troubles_in_a_row", "consecutive_failures"),
    ]
