"""Entries of the register have channels of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0028_leaked_entries"),
    ]

    operations = [
        migrations.AddField(
            model_name="notificationchannel",
            name="entries",
            field=models.ManyToManyField(related_name="channels", to="connections.registerentry"),
        ),
    ]
