from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0002_policies_broken")]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(
                choices=[
                    ("evaluation_finished", "Evaluation Finished"),
                    ("score_fell", "Score Fell"),
                    ("policies_broken", "Policies Broken"),
                    ("weekly_digest", "Weekly Digest"),
                    ("test", "Test"),
                ],
                max_length=30,
            ),
        ),
    ]
