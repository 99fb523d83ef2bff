"""What a pull request is beside open and closed, which ones get a preview, repositories that are gone, commands."""

import django.db.models.deletion
from django.db import migrations, models

import seatrial.control.ids
import seatrial.wire.envelope


class Migration(migrations.Migration):
    dependencies = [("projects", "0004_hosted_forges")]

    operations = [
        migrations.AddField("project", "previews_of_drafts", models.BooleanField(default=True)),
        migrations.AddField("project", "previews_need_label", models.BooleanField(default=False)),
        migrations.AddField("project", "previews_of_forks", models.BooleanField(default=False)),
        migrations.AddField(
            "project",
            "gone",
            models.CharField(
                blank=True,
                choices=[("archived", "archived"), ("deleted", "deleted")],
                default="",
                max_length=20,
            ),
        ),
        migrations.AddField(
            "pullrequest", "approved_sha", models.CharField(blank=True, default="", max_length=64)
        ),
        migrations.AddField(
            "pullrequest", "approved_by", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddField("pullrequest", "draft", models.BooleanField(default=False)),
        migrations.AddField("pullrequest", "merged", models.BooleanField(default=False)),
        migrations.AddField("pullrequest", "labels", models.JSONField(default=list)),
        migrations.CreateModel(
            name="CommandComment",
            fields=[
                (
                    "id",
                    seatrial.control.ids.UlidField(
                        default=seatrial.wire.envelope.new_id,
                        editable=False,
                        max_length=26,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("comment", models.CharField(max_length=100)),
                ("author", models.CharField(max_length=200)),
                ("commands", models.JSONField()),
                ("head_sha", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("allowed", models.BooleanField(null=True)),
                ("obeyed", models.BooleanField(default=False)),
                ("reply", models.TextField(blank=True)),
                (
                    "pull_request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="command_comments",
                        to="projects.pullrequest",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("pull_request", "comment"), name="one_row_per_comment")
                ],
                "indexes": [models.Index(fields=["created_at"], name="command_comment_age")],
            },
        ),
    ]
