
import datetime
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0007_lists_read_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='connection',
            name='connection_by_next_check',
        ),
        migrations.RemoveIndex(
            model_name='connection',
            name='connection_at_a_glance',
        ),
        migrations.RemoveIndex(
            model_name='connection',
            name='connection_by_check',
        ),
        migrations.RemoveIndex(
            model_name='connection',
            name='connection_by_words',
        ),
        migrations.AddField(
            model_name='connection',
            name='last_checked',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('checked_at', models.Value(datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), output_field=models.DateTimeField()),
        ),
        migrations.AddField(
            model_name='connection',
            name='needs_person_by',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(health__in=['rejected', 'unreachable', 'limited'], then=models.Value(datetime.date(1, 1, 1))), default=django.db.models.functions.comparison.Coalesce('expires_on', models.Value(datetime.date(1, 1, 1)))), output_field=models.DateField()),
        ),
        migrations.AddField(
            model_name='connection',
            name='words',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.text.Upper(django.db.models.functions.text.Concat('name', models.Value(' '), 'organization', models.Value(' '), 'identity_name')), output_field=models.TextField()),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['needs_person_by', 'disabled'], name='connection_needs_person'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['expires_on', 'disabled', 'name'], name='connection_by_end'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['last_checked'], name='connection_by_check'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(django.db.models.functions.text.Lower('name'), condition=models.Q(('disabled', True)), name='connection_disabled'),
        ),
        migrations.AddIndex(
            model_name='connection',
            index=models.Index(fields=['next_check_at', 'disabled'], name='connection_by_next_check'),
        ),
    ]
