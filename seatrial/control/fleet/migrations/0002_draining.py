"""An agent that was asked to drain stays draining while it is offline."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fleet", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="agent", name="draining_since", field=models.DateTimeField(null=True)
        ),
    ]
