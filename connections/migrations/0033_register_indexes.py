"""Indexes of the register by `closed_at`, which is no generated column: SQLite reads them alone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0032_certificates'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='registerentry',
            name='register_by_end',
        ),
        migrations.AlterField(
            model_name='registerentry',
            name='owner',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='register_entries', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='registerentry',
            index=models.Index(fields=['expires_on', 'closed_at', 'name'], name='register_by_end'),
        ),
        migrations.AddIndex(
            model_name='registerentry',
            index=models.Index(fields=['owner', 'closed_at'], name='register_by_owner'),
        ),
        migrations.AddIndex(
            model_name='registerentry',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['closed_at'], name='register_closed'),
        ),
    ]
