"""How many examples Hypothesis tries."""

from hypothesis import settings

USUAL = 100  # what a profile says that leaves it alone


def examples(number: int) -> int:
    """This many in continuous integration, as many times more in a campaign as its profile says."""
    return number * settings.default.max_examples // USUAL
