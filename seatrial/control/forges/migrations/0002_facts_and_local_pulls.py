import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds a table of facts. Moves the local forge's pull requests, with their rows, to an app of their own."""

    dependencies = [
        ("forges", "0001_initial"),
        ("projects", "0002_secrets_and_bases"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactsSnapshot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("commit", models.CharField(max_length=64)),
                ("facts", models.JSONField()),
                ("etags", models.JSONField(default=dict)),
                ("taken_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="facts_snapshots",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "-taken_at"], name="facts_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "commit"), name="one_facts_snapshot_per_commit")
                ],
            },
        ),
        # `local_forge.0001_initial` takes it over under its new name.
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("LocalPullRequest", "local_forge_localpullrequest")],
            state_operations=[migrations.DeleteModel("LocalPullRequest")],
        ),
    ]
