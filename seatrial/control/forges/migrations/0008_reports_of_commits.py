from django.db import migrations, models

WHAT = [("verdict", "Verdict"), ("preview", "Preview"), ("deployment", "Deployment")]
# What was told about the previews of two pull requests at one commit is one thing now.
CARRIED = """
    UPDATE forges_postedreport SET what = 'verdict', about = substr(about, 12) WHERE about LIKE 'verdict on %';
    DELETE FROM forges_postedreport older USING forges_postedreport newer
        WHERE older.about LIKE 'preview of % at %' AND newer.about LIKE 'preview of % at %'
        AND older.project_id = newer.project_id
        AND split_part(older.about, ' at ', 2) = split_part(newer.about, ' at ', 2)
        AND (older.posted_at, older.id) < (newer.posted_at, newer.id);
    UPDATE forges_postedreport SET what = 'preview', about = split_part(about, ' at ', 2)
        WHERE about LIKE 'preview of % at %';
"""


class Migration(migrations.Migration):
    dependencies = [("forges", "0007_budgets_and_reports")]

    operations = [
        migrations.RemoveConstraint("postedreport", "one_posted_report"),
        migrations.AddField(
            "postedreport", "what", models.CharField(max_length=20, choices=WHAT, default="preview"), preserve_default=False
        ),
        migrations.RunSQL(CARRIED, migrations.RunSQL.noop, elidable=True),
        migrations.AlterField("postedreport", "about", models.CharField(max_length=64)),
        migrations.AlterField("postedreport", "digest", models.CharField(max_length=64, blank=True)),
        migrations.AddField("postedreport", "sending", models.BooleanField(default=False)),
        migrations.AddField("postedreport", "unfinished", models.BooleanField(default=False)),
        migrations.AddConstraint(
            "postedreport",
            models.UniqueConstraint(fields=["project", "what", "about"], name="one_posted_report"),
        ),
        migrations.AddIndex(
            "postedreport",
            models.Index(
                fields=["project", "what"],
                name="posted_report_unfinished",
                condition=models.Q(unfinished=True),
            ),
        ),
    ]
