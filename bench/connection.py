"""Makes a connection of the local forge, whose deliveries have GitHub's form, with a known webhook secret. Runs inside the
platform's own environment.

Prints the connection's id. The first argument is the secret, which protects nothing but this measurement.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
django.setup()

from seatrial.control.accounts.models import Workspace  # noqa: E402
from seatrial.control.forges.local import KIND  # noqa: E402
from seatrial.control.projects.models import Connection  # noqa: E402

workspace = Workspace.objects.get(slug="default")
connection, _ = Connection.objects.update_or_create(
    workspace=workspace, forge=KIND, name="bench", defaults={"webhook_secret": sys.argv[1]}
)
print(connection.pk)
