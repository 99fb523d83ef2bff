"""The name of a callback host: one label, the project's for ever."""

import pytest

from seatrial.control.projects import callbacks
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("slug", ["shop", "a" * 100, "a-" * 50, "pr-1-shop"])
def test_it_fits_a_label_and_leads_to_the_project(slug: str) -> None:
    project = factories.project(factories.workspace())
    project.slug, project.callbacks = slug, True
    project.save()
    label = callbacks.label(project)
    assert len(label) <= 63 and "--" not in label and label.startswith("callback-")
    assert callbacks.project_of(label) == project
    assert callbacks.url(project) == f"http://{label}.preview.localhost"
    assert callbacks.project_of(label.replace("callback-", "callback-x")) is None
    project.callbacks = False
    project.save()
    assert callbacks.project_of(label) is None and callbacks.url(project) == ""
