"""What people enter to authorize this server at a forge."""

from collections.abc import Mapping
from typing import Any

from django import forms

from seatrial.control.accounts.access import Action, workspaces
from seatrial.control.accounts.models import User, Workspace
from seatrial.control.forges.connecting import MOST_OF_A_NAME
from seatrial.control.forges.oauth.host import OAuthHost, redirect_uri
from seatrial.control.forges.oauth.pair import of_sign_in
from seatrial.control.forges.registration import Registration

MOST = 500


class ApplicationForm(forms.Form):
    """The application that a forge knows this server by. The settings may name one, for sign-in."""

    explains = True  # its fields have help

    client_id = forms.CharField(
        label="Application ID", max_length=MOST, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    client_secret = forms.CharField(
        label="Secret", max_length=MOST, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )

    def __init__(
        self,
        kind: str,
        data: Mapping[str, object] | None = None,
        *,
        initial: dict[str, Any] | None = None,
        keeps_secret: bool = False,
    ) -> None:
        super().__init__(data, auto_id="authorize_%s", initial=initial)
        known = of_sign_in(kind)
        if known is not None:
            self.fields["of_sign_in"] = forms.BooleanField(
                label="Use the application that people sign in with",
                required=False,
                help_text=f"That of {known.url}, which the settings name. Leave id and secret empty then.",
            )
            self.order_fields(["of_sign_in", "client_id", "client_secret"])
        for name in ("client_id", "client_secret"):
            self.fields[name].required = known is None and not (keeps_secret and name == "client_secret")
        if keeps_secret:
            self.fields["client_secret"].help_text = "Empty: it stays as it is."

    def clean(self) -> dict[str, Any]:
        """Either the application of sign-in or another one."""
        given = super().clean() or {}
        if given.get("of_sign_in"):
            given["client_id"] = given["client_secret"] = ""
        elif "client_id" in given and not given["client_id"]:
            self.add_error("client_id", "Enter the id of the application, or use the one of sign-in.")
        return given


class AuthorizeForm(ApplicationForm):
    """What it takes to connect a forge by an authorization."""

    workspace: "forms.ModelChoiceField[Workspace]" = forms.ModelChoiceField(queryset=None, empty_label=None)
    base_url = forms.CharField(label="Address", max_length=MOST, required=False)
    name = forms.CharField(
        required=False, max_length=MOST_OF_A_NAME, help_text="Empty: the account's name and the address."
    )

    def __init__(self, user: User, kind: Registration, data: Mapping[str, object] | None = None) -> None:
        hosting = kind.hosting
        assert hosting is not None
        super().__init__(kind.kind, data, initial={"base_url": hosting.base_url})
        mine = workspaces(user, Action.MANAGE_CONNECTIONS).order_by("name")
        self.fields["workspace"].queryset = mine  # type: ignore[attr-defined]
        self.fields["workspace"].initial = mine.first()
        if mine.count() == 1:
            self.fields["workspace"].widget = forms.HiddenInput()
        self.fields["base_url"].help_text = "Of your own server, if you have one: https://git.example.com"
        self.order_fields(["workspace", "base_url", "of_sign_in", "client_id", "client_secret", "name"])


def asking(host: OAuthHost, form: ApplicationForm) -> dict[str, object]:
    """What a page with the form says beside it."""
    return {"authorize_form": form, "oauth": host, "redirect_uri": redirect_uri()}
