import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The table exists already: `forges.0002` renamed it to this app's name."""

    initial = True

    dependencies = [
        ("forges", "0002_facts_and_local_pulls"),
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="LocalPullRequest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.PositiveIntegerField()),
                        ("branch", models.CharField(max_length=250)),
                        (
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=10
                            ),
                        ),
                        ("head_sha", models.CharField(blank=True, max_length=64)),
                        ("announced_sha", models.CharField(blank=True, max_length=64)),
                        ("announced_state", models.CharField(blank=True, max_length=10)),
                        ("announcements", models.PositiveIntegerField(default=0)),
                        ("changed_at", models.DateTimeField()),
                        (
                            "project",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="local_pull_requests",
                                to="projects.project",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("project", "number"), name="one_local_number"),
                            models.UniqueConstraint(fields=("project", "branch"), name="one_local_branch"),
                        ],
                    },
                ),
            ],
        ),
    ]
