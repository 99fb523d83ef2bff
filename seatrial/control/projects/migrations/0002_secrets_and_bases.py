from django.db import migrations, models

import seatrial.control.vault.fields


class Migration(migrations.Migration):
    """Lets `forge` be any registered kind; adds the previous webhook secret, a credential, and a branch's base."""

    dependencies = [
        ("projects", "0001_initial"),
    ]

    operations = [
        migrations.AlterField("connection", "forge", models.CharField(max_length=20)),
        migrations.AddField(
            "connection", "credential", seatrial.control.vault.fields.EncryptedTextField(blank=True, default=""), False
        ),
        migrations.AddField(
            "connection",
            "previous_webhook_secret",
            seatrial.control.vault.fields.EncryptedTextField(blank=True, default=""),
            False,
        ),
        migrations.AddField("connection", "previous_valid_until", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("connection", "updated_at", models.DateTimeField(auto_now=True)),
        migrations.AddField("pullrequest", "base_sha", models.CharField(blank=True, default="", max_length=64), False),
    ]
