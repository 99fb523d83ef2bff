"""What somebody enters who sets a registry login."""

from django import forms

from seatrial.control.projects.models import Tier
from seatrial.control.registries import entries
from seatrial.control.registries.entries import Entry

TIERS = {
    Tier.TRUSTED: "Trusted: pull requests of this repository",
    Tier.FORKS: "Forks: pull requests from elsewhere, which get nothing else",
}
PLAIN = {"spellcheck": "false", "autocomplete": "off", "autocapitalize": "none"}


class RegistryLoginForm(forms.Form):
    """One registry login."""

    explains = True

    registry = forms.CharField(
        max_length=300,
        widget=forms.TextInput(attrs=PLAIN),
        help_text="Its host, as images name it: registry.example.com, with its port if it has one. docker.io for Docker Hub.",
    )
    username = forms.CharField(
        label="User name", max_length=entries.MOST_USERNAME, widget=forms.TextInput(attrs=PLAIN)
    )
    password = forms.CharField(
        label="Password or token",
        max_length=entries.MOST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="A token that can only read. It is never shown again.",
    )
    tier = forms.ChoiceField(label="For previews of", choices=list(TIERS.items()))

    def entry(self) -> Entry:
        """What was entered."""
        entered = self.cleaned_data
        return Entry(entered["registry"], entered["username"], entered["password"], entered["tier"])
