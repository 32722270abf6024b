import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0040_bulk_renewals'),
    ]

    operations = [
        migrations.AddField(
            model_name='leakedtoken',
            name='candidates',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='leakedtoken',
            name='identity_id',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='leakedtoken',
            name='revoked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='renewalsignin',
            name='entry',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='renewalsignin',
            name='leak',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='connections.leakedtoken'),
        ),
        migrations.AlterField(
            model_name='renewalsignin',
            name='purpose',
            field=models.CharField(choices=[('renew', 'Renew'), ('several', 'Renew several'), ('settle', 'Finish what is pending'), ('extend', 'Extend'), ('import', "Read one's own tokens"), ('revoke', 'Revoke a leaked token')], max_length=8),
        ),
    ]
