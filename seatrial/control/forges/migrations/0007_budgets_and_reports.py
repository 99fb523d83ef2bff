import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("forges", "0006_deliveries"),
        ("projects", "0004_hosted_forges"),
    ]

    operations = [
        migrations.CreateModel(
            name="StoredBudget",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="budget",
                        serialize=False,
                        to="projects.connection",
                    ),
                ),
                ("left", models.PositiveIntegerField(null=True)),
                ("most", models.PositiveIntegerField(null=True)),
                ("resets_at", models.DateTimeField(null=True)),
                ("paused_until", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PostedReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=100)),
                ("digest", models.CharField(max_length=64)),
                ("posted_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="posted_reports",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["posted_at"], name="posted_report_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "about"), name="one_posted_report"),
                ],
            },
        ),
    ]
