"""The shop window shows a price as people write it. Run: python3 -m unittest"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))

import app


class Card(unittest.TestCase):
    """One thing on the shelf."""

    def test_names_are_shown_as_they_are_written(self):
        shown = app.card({"id": 1, "name": "Rope & tar <20 m>", "text": "", "cents": 2900})
        self.assertIn("Rope &amp; tar &lt;20 m&gt;", shown)


if __name__ == "__main__":
    unittest.main()
