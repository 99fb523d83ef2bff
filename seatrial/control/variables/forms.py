"""What somebody enters who sets variables."""

from django import forms

from seatrial.control.projects.models import Tier
from seatrial.control.variables import entries
from seatrial.control.variables.entries import Entry

TIERS = {
    Tier.TRUSTED: "Trusted: pull requests of this repository",
    Tier.FORKS: "Forks: pull requests from elsewhere, which get nothing else",
}


class VariableForm(forms.Form):
    """One variable."""

    explains = True
    prefix = "one"

    name = forms.CharField(
        max_length=200,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text="Such as STRIPE_KEY. Recipes write ${STRIPE_KEY}.",
    )
    value = forms.CharField(
        required=False,
        strip=False,
        max_length=entries.MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text="Test credentials, never those of production.",
    )
    tier = forms.ChoiceField(label="For previews of", choices=list(TIERS.items()))
    secret = forms.BooleanField(
        required=False,
        initial=True,
        label="Secret",
        help_text="Shown to nobody unless an admin reveals it, and masked in logs.",
    )
    builds = forms.BooleanField(
        required=False,
        label="Builds may use it",
        help_text="Steps of a Dockerfile that mount it as a secret, where the recipe names it below build.secrets.",
    )

    def entries(self) -> list[Entry]:
        """What was entered."""
        entered = self.cleaned_data
        value = entered["value"].replace("\r\n", "\n")  # as browsers send lines
        return [
            Entry(
                entered["name"].strip(),
                value,
                secret=entered["secret"],
                tier=entered["tier"],
                builds=entered["builds"],
            )
        ]


class FileForm(forms.Form):
    """The variables of a .env file."""

    explains = True
    prefix = "file"

    text = forms.CharField(
        label=".env file",
        strip=False,
        max_length=entries.MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text="A line NAME=value for each. One line that is wrong refuses all.",
    )
    tier = forms.ChoiceField(label="For previews of", choices=list(TIERS.items()))
    secret = forms.BooleanField(required=False, initial=True, label="Secrets")

    def entries(self) -> list[Entry]:
        """What was entered. Raises BadVariable."""
        entered = self.cleaned_data
        return entries.of_dotenv(entered["text"], secret=entered["secret"], tier=entered["tier"])
