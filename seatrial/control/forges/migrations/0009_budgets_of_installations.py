import django.db.models.deletion
from django.db import migrations, models

CARRIED = """
    INSERT INTO forges_storedbudget
        (connection_id, installation, name, "left", most, resets_at, paused_until, heard_at)
    SELECT connection_id, '', '', "left", most, resets_at, paused_until, heard_at FROM forges_formerbudget
"""


class Migration(migrations.Migration):
    dependencies = [("forges", "0008_reports_of_commits")]

    operations = [
        migrations.RenameModel("StoredBudget", "FormerBudget"),
        migrations.CreateModel(
            name="StoredBudget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="budgets",
                        to="projects.connection",
                    ),
                ),
                ("installation", models.CharField(blank=True, default="", max_length=20)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("left", models.PositiveIntegerField(null=True)),
                ("most", models.PositiveIntegerField(null=True)),
                ("resets_at", models.DateTimeField(null=True)),
                ("paused_until", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("points_until", models.DateTimeField(null=True)),
                ("changes_until", models.DateTimeField(null=True)),
                ("content_until", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ("installation",),
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "installation"), name="one_budget"),
                ],
            },
        ),
        migrations.RunSQL(CARRIED, migrations.RunSQL.noop, elidable=True),
        migrations.DeleteModel("FormerBudget"),
    ]
