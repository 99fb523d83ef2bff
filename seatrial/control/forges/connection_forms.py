"""What people enter about connections. Every form is made from a kind's registration: a new kind needs no form."""

from collections.abc import Mapping

from django import forms

from seatrial.control.accounts.access import Action, workspaces
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.forges.connecting import MOST_OF_A_NAME
from seatrial.control.forges.registration import Hosting

MOST_OF_A_CREDENTIAL = 20_000  # a private key is one


def _credential(hosting: Hosting) -> forms.CharField:
    return forms.CharField(
        label="Token",
        max_length=MOST_OF_A_CREDENTIAL,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=hosting.credential,
    )


class ConnectForm(forms.Form):
    """What it takes to connect a forge of one kind."""

    explains = True  # its fields have help

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    base_url = forms.CharField(label="Address", max_length=500)
    name = forms.CharField(
        required=False,
        max_length=MOST_OF_A_NAME,
        help_text="What the connection is called here. Empty: the account's name and the address.",
    )

    def __init__(self, user: User, hosting: Hosting, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data, initial={"base_url": hosting.base_url})
        mine = workspaces(user, Action.MANAGE_CONNECTIONS).order_by("name")
        self.fields["workspace"].queryset = mine  # type: ignore[attr-defined]
        self.fields["workspace"].initial = mine.first()
        if mine.count() == 1:
            self.fields["workspace"].widget = forms.HiddenInput()
        own = (
            "Of your own server, if you have one:" if hosting.base_url else "The root of your server, such as"
        )
        self.fields["base_url"].help_text = f"{own} https://git.example.com"
        self.fields["credential"] = _credential(hosting)
        self.order_fields(["workspace", "base_url", "credential", "name"])


class CredentialForm(forms.Form):
    """Another credential for a connection."""

    explains = True

    def __init__(self, hosting: Hosting, data: Mapping[str, object] | None = None) -> None:
        super().__init__(data)
        self.fields["credential"] = _credential(hosting)


class NameForm(forms.Form):
    """What a connection is called."""

    name = forms.CharField(max_length=MOST_OF_A_NAME)
