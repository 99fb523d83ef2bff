"""Whatever a template is given, its page shows: nothing in it moves a cursor, or turns the order of letters."""

from pathlib import Path

from django.template import engines
from django.template.loader import render_to_string
from django.test import override_settings


def test_what_others_wrote_is_written_out_wherever_a_template_puts_it() -> None:
    template = engines["django"].from_string("<p title='{{ text }}'>{{ text }}</p>")
    assert template.render({"text": "a\u202e<b>\x1b"}) == (
        r"<p title='a&lt;U+202E&gt;&lt;b&gt;\x1b'>a&lt;U+202E&gt;&lt;b&gt;\x1b</p>"
    )


def test_a_plain_text_stays_one(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("{{ text|safe }}\n")
    engine = {"BACKEND": "seatrial.control.dashboard.engine.VisibleTemplates", "DIRS": [str(tmp_path)]}
    with override_settings(TEMPLATES=[engine]):
        assert render_to_string("said.txt", {"text": "a\u202eb"}) == "a<U+202E>b\n"
