"""What somebody who asks for a waiver enters."""

from typing import Any

from django import forms

from seatrial.control.policies.waivers.scope import Scope
from seatrial.control.policies.waivers.services import MOST_DAYS, MOST_REASON, USUAL_DAYS


class RequestForm(forms.Form):
    """`scopes` are those that can be chosen, in words for people; `fingerprint` is of the finding that is chosen at first."""

    explains = True

    covers = forms.ChoiceField(
        label="Covers",
        help_text="As little as does: a waiver also covers what is found there later.",
    )
    days = forms.IntegerField(
        label="Days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=USUAL_DAYS,
        help_text=f"From now on, at most {MOST_DAYS}. Then it fails again.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why this does not matter for now. It is shown wherever the result is.",
    )

    def __init__(self, scopes: dict[Scope, str], data: Any = None, *, fingerprint: str = "") -> None:
        super().__init__(data)
        self._scopes = {str(index): scope for index, scope in enumerate(scopes)}
        field = self.fields["covers"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(zip(self._scopes, scopes.values(), strict=True))
        chosen = [key for key, scope in self._scopes.items() if scope.fingerprint == fingerprint]
        field.initial = next(iter(chosen), None) if fingerprint else None

    @property
    def scope(self) -> Scope:
        """What was chosen."""
        return self._scopes[self.cleaned_data["covers"]]
