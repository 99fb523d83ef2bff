"""What an agent detected of a commit without a recipe is kept, answered and shown."""

import pytest
from django.test import Client

from seatrial.control.previews import answers as module
from seatrial.control.previews.models import Environment
from seatrial.wire.deployments import Because, Detected, RecipeRead
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

FOUND = Detected(
    title="Python with Flask",
    reasons=[
        Because(file="app.py", says="makes <b>app</b>"),
        Because(file="requirements.txt", says="installed by pip"),
    ],
    dockerfile='FROM python:3.13-slim\nCMD ["</pre><script>"]\n',
)


def told(scene: Scenario) -> module.DetectedAnswer | None:
    [answer] = module.answers(Environment.objects.all())
    assert answer.deployment is not None
    return answer.deployment.detected


def test_it_is_answered_and_the_last_word_counts() -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    assert told(scene) is None
    scene.reads(scene.candidate(), 128, detected=FOUND)
    answer = told(scene)
    assert answer is not None and answer.model_dump() == FOUND.model_dump()
    scene.reads(scene.candidate(), 128)
    assert told(scene) is None


def test_a_commit_with_a_recipe_has_none_of_the_one_before() -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    scene.reads(scene.candidate(), 128, detected=FOUND)
    scene.push("b" * 40, at=1)
    scene.reads(scene.candidate(), 128)
    assert told(scene) is None


def test_the_page_says_what_was_detected_and_why_and_how_to_own_it(admin_client: Client) -> None:
    scene = Scenario.make()
    scene.push("a" * 40)
    path = f"/environments/{scene.environment.pk}"
    assert b'id="detected"' not in admin_client.get(path).content
    scene.reads(scene.candidate(), 128, detected=FOUND)
    page = admin_client.get(path).content.decode()
    assert "Python with Flask" in page and "makes &lt;b&gt;app&lt;/b&gt;" in page
    assert "FROM python:3.13-slim" in page and "seatrial recipe --write" in page
    assert "</pre><script>" not in page


def test_an_agent_that_detects_nothing_is_understood() -> None:
    older = {"environment": "01E", "deployment": "01D", "cpus": 1, "memory_mb": 1}
    assert RecipeRead.model_validate(older).detected is None
