from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_candidates(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Delete those of which it is not known when they were read. A sign-in reads them again."""
    apps.get_model("connections", "LeakedToken").objects.exclude(candidates=[]).update(candidates=[])


class Migration(migrations.Migration):

    dependencies = [
        ('connections', '0043_lease_of_extensions'),
    ]

    operations = [
        migrations.AddField(
            model_name='leakedtoken',
            name='candidates_read_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(forget_candidates, migrations.RunPython.noop),
    ]
