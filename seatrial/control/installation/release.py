"""This release, and the note of it in the database."""

from collections.abc import Iterable

from django.conf import settings
from django.db import Error, transaction

from seatrial import __version__
from seatrial.control.installation.models import Release


def this_release() -> Release:
    """This release, not saved: as its image is stamped, else by its version."""
    configuration = settings.CONFIGURATION
    return Release(name=(configuration.tag or __version__)[:100], commit=configuration.git_sha[:64])


def last() -> str:
    """The release that prepared the database last; empty where none has noted itself."""
    try:
        with transaction.atomic():
            return str(Release.objects.order_by("-pk").first() or "")
    except Error:  # the notes are among the missing migrations
        return ""


def note(applied: Iterable[str]) -> None:
    """Note this release, with the migrations that no earlier release has noted. Idempotent."""
    release = this_release()
    release.migrations = sorted(unnoted(applied))
    last = Release.objects.order_by("-pk").first()
    if release.migrations or last is None or (last.name, last.commit) != (release.name, release.commit):
        release.save()


def unnoted(applied: Iterable[str]) -> set[str]:
    """The migrations among `applied` whose release did not live to note them."""
    noted = {name for names in Release.objects.values_list("migrations", flat=True) for name in names}
    return set(applied) - noted


def writer_of(migrations: Iterable[str]) -> Release | None:
    """The last release that applied one of these migrations, if it noted that."""
    wanted = set(migrations)
    return next((one for one in Release.objects.order_by("-pk") if wanted & set(one.migrations)), None)
