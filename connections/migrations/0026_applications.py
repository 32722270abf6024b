"""The application of Microsoft Entra behind a credential."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("connections", "0025_register_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="storedcredential",
            name="principal",
            field=models.CharField(blank=True, db_index=True, editable=False, max_length=80),
        ),
    ]
