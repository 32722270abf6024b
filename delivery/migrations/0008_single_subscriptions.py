from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def remove_single(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Several single builds of one project are one row too many for the constraint of before."""
    apps.get_model("delivery", "PollSubscription").objects.filter(number__gt=0).delete()


class Migration(migrations.Migration):
    """A subscription may be to one build, release or pipeline, of which it holds the last answer."""

    dependencies = [("delivery", "0007_standard_names")]

    operations = [
        migrations.RemoveConstraint("PollSubscription", "watched_once"),
        migrations.AddField("PollSubscription", "number", models.PositiveIntegerField(default=0)),
        migrations.AddField("PollSubscription", "snapshot", models.JSONField(null=True)),
        migrations.AlterField("PollSubscription", "kind", models.CharField(max_length=32)),
        migrations.AddConstraint(
            "PollSubscription",
            models.UniqueConstraint(fields=("project", "kind", "number"), name="watched_once"),
        ),
        migrations.RunPython(migrations.RunPython.noop, remove_single),
    ]
