"""The chain of hashes over the audit log, and the one way in which its oldest entries go.

The database lets an entry or its seal go only where an anchor covers it, and an anchor come only where the chain has that
hash. It notes each new entry as unsealed itself, so that none is missed whichever program wrote it.
"""

from django.db import migrations, models

GUARD = """
CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION audit_log_note_unsealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_unsealed (entry) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE FUNCTION audit_log_delete_only_covered() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    covered bigint := (SELECT max(number) FROM audit_anchors);
    its bigint;
BEGIN
    IF TG_TABLE_NAME = 'audit_chain' THEN
        its := OLD.number;
    ELSE
        its := (SELECT number FROM audit_chain WHERE entry = OLD.id);
    END IF;
    IF its IS NULL OR covered IS NULL OR its > covered THEN
        RAISE EXCEPTION '% is append-only: DELETE refused, no anchor covers it', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;
CREATE FUNCTION audit_log_anchor_only_a_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM audit_chain WHERE number = NEW.number AND hash = NEW.hash) THEN
        RAISE EXCEPTION 'audit_anchors: the chain has no seal % with this hash', NEW.number
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER audit_log_rows ON audit_log;
CREATE TRIGGER audit_log_rows BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_covered BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_delete_only_covered();
CREATE TRIGGER audit_log_unsealed AFTER INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_note_unsealed();
CREATE TRIGGER audit_chain_rows BEFORE UPDATE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_chain_covered BEFORE DELETE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_log_delete_only_covered();
CREATE TRIGGER audit_chain_whole BEFORE TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_anchors_seal BEFORE INSERT ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION audit_log_anchor_only_a_seal();
CREATE TRIGGER audit_anchors_rows BEFORE UPDATE OR DELETE ON audit_anchors
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_anchors_whole BEFORE TRUNCATE ON audit_anchors
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
"""
UNGUARD = """
DROP TRIGGER audit_log_unsealed ON audit_log;
DROP TRIGGER audit_log_covered ON audit_log;
DROP TRIGGER audit_log_rows ON audit_log;
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
DROP TRIGGER audit_chain_rows ON audit_chain;
DROP TRIGGER audit_chain_covered ON audit_chain;
DROP TRIGGER audit_chain_whole ON audit_chain;
DROP TRIGGER audit_anchors_seal ON audit_anchors;
DROP TRIGGER audit_anchors_rows ON audit_anchors;
DROP TRIGGER audit_anchors_whole ON audit_anchors;
DROP FUNCTION audit_log_note_unsealed();
DROP FUNCTION audit_log_delete_only_covered();
DROP FUNCTION audit_log_anchor_only_a_seal();
"""
NOTE_ALL = "INSERT INTO audit_unsealed (entry) SELECT id FROM audit_log"


class Migration(migrations.Migration):
    """Entries that were there before are sealed by the worker, in the order in which they were written."""

    dependencies = [("audit", "0003_actor_kind")]

    operations = [
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("entry", models.CharField(max_length=26, unique=True)),
                ("content", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={"db_table": "audit_chain", "ordering": ["number"]},
        ),
        migrations.CreateModel(
            name="UnsealedEntry",
            fields=[("entry", models.CharField(max_length=26, primary_key=True, serialize=False))],
            options={"db_table": "audit_unsealed"},
        ),
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
                ("entries", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "audit_anchors", "ordering": ["number"]},
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("number", models.BigIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("fault", models.CharField(blank=True, max_length=20)),
                ("says", models.TextField(blank=True)),
            ],
            options={"db_table": "audit_verification"},
        ),
        migrations.RunSQL(NOTE_ALL, migrations.RunSQL.noop, elidable=True),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
