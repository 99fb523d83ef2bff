"""Previews that nobody visits sleep: paused first, then stopped. Who visits one wakes it. `docs/hibernation.md` tells it to people.

`services`: falling asleep and waking, for people and visitors. `idle`: which ones are due. `visits`: what the ingress says of
visitors. `callers`: who does not count as one.
"""
