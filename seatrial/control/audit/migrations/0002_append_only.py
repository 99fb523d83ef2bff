"""The audit log is append-only for everybody, the application included."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
"""
ALLOW = """
DROP TRIGGER audit_log_rows ON audit_log;
DROP TRIGGER audit_log_whole ON audit_log;
DROP FUNCTION audit_log_is_append_only();
"""


class Migration(migrations.Migration):
    """Triggers, because rules and permissions do not bind the owner of the table."""

    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
