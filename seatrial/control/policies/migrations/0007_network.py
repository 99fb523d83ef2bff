"""Policies may ask for the network. Those that there are do not, and no workspace permits it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("accounts", "0003_invitations"), ("policies", "0006_waivers")]

    operations = [
        migrations.AddField("policyversion", "network", models.BooleanField(default=False)),
        migrations.AddField("result", "network", models.CharField(blank=True, default="", max_length=128), False),
        migrations.CreateModel(
            "NetworkPermission",
            [
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="network_permission",
                        serialize=False,
                        to="accounts.workspace",
                    ),
                ),
                ("by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
