from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0036_tokens_created_here'),
    ]

    operations = [
        migrations.AddField(
            model_name='importbatch',
            name='renewed',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='registerimport',
            name='notified_to',
            field=models.TextField(blank=True),
        ),
    ]
