"""How far a policy is rolled out, for its page."""

from typing import Any

from django import template

from seatrial.control.accounts.access import Action, allowed
from seatrial.control.policies.models import Policy
from seatrial.control.policies.rollout.attaching import attachments_of
from seatrial.control.policies.rollout.words import MEANING, why_demoted
from seatrial.wire.states import Level

register = template.Library()


@register.simple_tag(takes_context=True)
def rollout_of(context: template.Context, policy: Policy) -> dict[str, Any]:
    """What the part of the page shows."""
    return {
        "attachments": list(attachments_of(policy)),
        "demoted": why_demoted(policy),
        "meaning": MEANING[Level(policy.level)],
        "may_write": allowed(context["request"].user, Action.MANAGE_POLICIES, policy),
    }
