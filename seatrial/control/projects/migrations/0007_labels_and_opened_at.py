"""Projects have labels and a stack, and pull requests the time at which they were opened: of those that there are, the time of the
row, which their id says, or the time of their last change, whichever is earlier.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from ulid import ULID

AT_ONCE = 500


def note_opened(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("projects", "PullRequest").objects
    batch: list[Any] = []
    for row in rows.only("changed_at").iterator(AT_ONCE):
        row.opened_at = min([row.changed_at, *_made(row.pk)])
        batch.append(row)
        if len(batch) == AT_ONCE:
            rows.bulk_update(batch, ["opened_at"])
            batch = []
    rows.bulk_update(batch, ["opened_at"])


def _made(key: str) -> Iterator[datetime]:
    try:
        yield ULID.from_str(key).datetime.astimezone(UTC)
    except ValueError:  # an id that somebody made by hand
        return


class Migration(migrations.Migration):

    dependencies = [("projects", "0006_removal")]

    operations = [
        migrations.AddField("project", "labels", models.JSONField(default=list)),
        migrations.AddField("project", "stack", models.SlugField(blank=True, default="", max_length=100)),
        migrations.AddField("pullrequest", "opened_at", models.DateTimeField(null=True)),
        migrations.RunPython(note_opened, migrations.RunPython.noop, elidable=True),
        migrations.AlterField("pullrequest", "opened_at", models.DateTimeField()),
    ]
