"""What an admin decides about who gets in, and what somebody enters who invites guests."""

from typing import Any, TypedDict

from django import forms

from seatrial.control.entrance import guests, rules
from seatrial.control.projects.gates import newest
from seatrial.control.projects.models import Mode, Project

MODES = {
    Mode.PUBLIC: "Public: everybody who has the address and reaches this server",
    Mode.BASIC: "Basic auth: one user name and password for all previews of the project",
    Mode.ADDRESSES: "IP allowlist: only from certain addresses and networks",
    Mode.MEMBERS: "Members: who may see the project here, or read its repository at the code host, once signed in",
}


class Decision(TypedDict):
    """What `rules.decide` is told."""

    mode: str
    username: str
    password: str
    addresses: list[str]


class AccessForm(forms.Form):
    """Who gets into the previews of a project."""

    explains = True

    mode = forms.ChoiceField(
        label="Who gets in",
        choices=list(MODES.items()),
        widget=forms.Select,
        help_text="Counts for every service of a preview, for pages, downloads and websockets alike.",
    )
    username = forms.CharField(
        required=False, max_length=rules.MOST_NAME, label="User name", help_text="For basic auth."
    )
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=f"For basic auth: at least {rules.SHORTEST_PASSWORD} characters. Nobody can read it again. Empty: it stays as it is.",
    )
    addresses = forms.CharField(
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        label="Addresses and networks",
        help_text="For the IP allowlist: one a line, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32.",
    )

    def decision(self) -> Decision:
        """What was entered."""
        entered = self.cleaned_data
        return Decision(
            mode=entered["mode"],
            username=entered["username"],
            password=entered["password"],
            addresses=entered["addresses"].replace(",", " ").split(),
        )


def form_of(project: Project, data: Any = None) -> AccessForm:
    """The form, filled with what is set, or with what somebody entered."""
    gate = newest(project)
    if gate is None:
        return AccessForm(data, initial={"mode": Mode.PUBLIC})
    addresses = "\n".join(gate.addresses)
    return AccessForm(data, initial={"mode": gate.mode, "username": gate.username, "addresses": addresses})


class GuestForm(forms.Form):
    """A guest link."""

    explains = True

    note = forms.CharField(
        required=False,
        max_length=guests.MOST_NOTE,
        label="For whom",
        help_text="Such as the designer. Only you and your team see it.",
    )
    hours = forms.IntegerField(
        min_value=1,
        max_value=guests.MOST_HOURS,
        initial=72,
        label="Valid for hours",
        help_text=f"At most {guests.MOST_HOURS}. Then the link, and whoever came by it, stays out.",
    )
