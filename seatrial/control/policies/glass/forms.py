"""What somebody who breaks glass enters."""

from django import forms

from seatrial.control.policies.glass.services import MOST_HOURS, MOST_REASON, USUAL_HOURS


class BreakForm(forms.Form):
    """For how long, and why."""

    explains = True

    hours = forms.IntegerField(
        min_value=1,
        max_value=MOST_HOURS,
        initial=USUAL_HOURS,
        help_text=f"At most {MOST_HOURS}. Then the check fails again.",
    )
    reason = forms.CharField(
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the emergency is. It stands beside the check, in the comment and in the audit log.",
    )
