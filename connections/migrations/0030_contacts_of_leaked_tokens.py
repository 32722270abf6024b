from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0029_entry_channels'),
    ]

    operations = [
        migrations.AddField(
            model_name='leakedtoken',
            name='notified_contacts',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
