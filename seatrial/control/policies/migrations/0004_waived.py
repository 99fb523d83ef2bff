"""A result may be waived. The column does not change, only the values that Django accepts."""

from django.db import migrations, models

STATES = ["passed", "failed", "errored", "timed_out", "skipped", "waived"]


class Migration(migrations.Migration):

    dependencies = [("policies", "0003_retention")]

    operations = [
        migrations.AlterField(
            model_name="result",
            name="state",
            field=models.CharField(choices=[(state, state) for state in STATES], max_length=20),
        ),
    ]
