import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("forges", "0004_hosted_forges"),
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
    ]
