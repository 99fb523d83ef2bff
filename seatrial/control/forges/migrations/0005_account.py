import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("projects", "0006_removal"),
        ("forges", "0004_hosted_forges"),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="account",
                        serialize=False,
                        to="projects.connection",
                    ),
                ),
                ("login", models.CharField(blank=True, max_length=200)),
                ("version", models.CharField(blank=True, max_length=100)),
                ("missing", models.JSONField(default=list)),
                ("rights", models.JSONField(default=list)),
                ("expires_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                ("asked_at", models.DateTimeField()),
            ],
        ),
    ]
