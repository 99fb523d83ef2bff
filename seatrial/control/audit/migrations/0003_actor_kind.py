"""Stores the kind of each entry's actor, beside the actor's name.

Entries cannot be updated, so the kind of those that exist is worked out by the database while it adds the column: a
username has neither a colon nor a space.
"""

from django.db import migrations, models

KINDS = ["person", "token", "agent", "system", "forge", "anonymous"]
ADD = """
ALTER TABLE audit_log ADD COLUMN actor_kind varchar(10) NOT NULL GENERATED ALWAYS AS (
    CASE
        WHEN actor IN ('system', 'anonymous') THEN actor::varchar(10)
        WHEN actor LIKE 'agent:%' THEN 'agent'
        WHEN actor LIKE '% (token:%' THEN 'token'
        ELSE 'person'
    END
) STORED;
ALTER TABLE audit_log ALTER COLUMN actor_kind DROP EXPRESSION;
"""
DROP = "ALTER TABLE audit_log DROP COLUMN actor_kind;"


class Migration(migrations.Migration):

    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            ADD,
            DROP,
            state_operations=[
                migrations.AddField(
                    model_name="auditentry",
                    name="actor_kind",
                    field=models.CharField(choices=[(kind, kind) for kind in KINDS], max_length=10),
                    preserve_default=False,
                )
            ],
            elidable=True,
        ),
        migrations.AddField(
            model_name="auditentry",
            name="actor_key",
            field=models.CharField(blank=True, default="", max_length=26),
        ),
    ]
