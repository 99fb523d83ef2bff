from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0017_baselines")]

    operations = [
        migrations.AddField(
            model_name="evaluation",
            name="python",
            field=models.CharField(blank=True, default="", max_length=40),
            preserve_default=False,
        ),
    ]
