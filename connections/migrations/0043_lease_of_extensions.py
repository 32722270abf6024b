from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0042_read_dates'),
    ]

    operations = [
        migrations.AddField(
            model_name='tokenextension',
            name='lease',
            field=models.CharField(blank=True, default='', max_length=36),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='tokenextension',
            name='leased_until',
            field=models.DateTimeField(null=True),
        ),
    ]
