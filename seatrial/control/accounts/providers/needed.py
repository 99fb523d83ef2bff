"""What the settings make it necessary to ask a provider, so that nothing else is asked."""

from django.conf import settings

from seatrial.control.listed import RANKS, Listed, Source


def needs(source: Source) -> bool:
    """Whether anything of this kind is listed or has a role."""
    configuration = settings.CONFIGURATION
    places = [*configuration.allowed, *(rule.listed for rule in configuration.role_rules)]
    return any(place.source is source for place in places)


def ranks_asked(listed: Listed) -> bool:
    """Whether a role depends on what somebody is there."""
    least = RANKS[listed.source][0]
    rules = settings.CONFIGURATION.role_rules
    return any(rule.listed.covers(listed) and rule.rank != least for rule in rules)
