import pytest
from django.core.management import call_command

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_the_migrations_make_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=3)
