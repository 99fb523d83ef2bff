"""What an admin decides about a project."""

from typing import Any

from django import forms

from seatrial.control.configuration import total_megabytes
from seatrial.control.projects.changing import (
    MOST_OF_A_FOLDER,
    MOST_OF_A_LABEL,
    MOST_OF_A_NAME,
    MOST_OF_A_RECIPE,
    MOST_RECIPES,
    MOST_SLEEP_MINUTES,
    MOST_TTL_HOURS,
    ProjectSettings,
    check_quota,
    check_sleep,
)
from seatrial.control.projects.errors import BadQuota, BadSleep
from seatrial.control.projects.models import Project
from seatrial.control.projects.rescan_times import MOST as MOST_OF_A_RESCAN


class SettingsForm(forms.Form):
    """The settings of a project, named as `ProjectSettings` names them."""

    explains = True

    name = forms.CharField(
        max_length=MOST_OF_A_NAME,
        help_text="On pages and in reports. Addresses of previews keep the name they have.",
    )
    ttl_hours = forms.IntegerField(
        label="Default TTL",
        min_value=1,
        max_value=MOST_TTL_HOURS,
        help_text="Hours that a preview lives without a new commit, before it is removed. Counts from a preview's next commit on.",
    )
    pause_minutes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_SLEEP_MINUTES,
        label="Pause after",
        help_text="Minutes without a visitor, after which a preview keeps its memory and uses no processor. Who visits it wakes it at once. 0: never.",
    )
    stop_minutes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_SLEEP_MINUTES,
        label="Stop after",
        help_text="Minutes without a visitor, after which its containers are stopped, which frees their memory. Files and volumes are kept, and who visits it starts it again. 0: never.",
    )
    previews_enabled = forms.BooleanField(
        required=False,
        label="Previews",
        help_text="Every pull request gets one. Switched off, those that run end; policies go on.",
    )
    previews_of_drafts = forms.BooleanField(
        required=False,
        label="Previews of drafts",
        help_text="Also before a pull request is ready for review.",
    )
    previews_need_label = forms.BooleanField(
        required=False,
        label="Only with the label preview",
        help_text="A pull request without it gets no preview. One with the label no-preview never does.",
    )
    previews_of_forks = forms.BooleanField(
        required=False,
        label="Build forked PRs",
        help_text="At your risk: code of people who may not write to the repository runs without anybody's approval. Off, each of their commits needs one.",
    )
    private_networks = forms.BooleanField(
        required=False,
        label="Private networks",
        help_text="Its previews, but for those of forks, connect to machines in the private networks of the hosts they run on. The instance admin says so. Counts from a preview's next deployment on.",
    )
    tunnels_allowed = forms.BooleanField(
        required=False,
        label="Commands and ports",
        help_text="Developers may run commands in its previews, and connect to their ports, from the command line.",
    )
    tunnels_of_forks = forms.BooleanField(
        required=False,
        label="Also in those of forks",
        help_text="The same in previews of pull requests from forks, whose code may look back at whoever gets in.",
    )
    recipe_folder = forms.CharField(
        required=False,
        max_length=MOST_OF_A_FOLDER,
        label="Recipe folder",
        help_text="Where the recipe is if it is not at the repository's root, such as services/shop. Counts from a preview's next deployment on.",
    )
    further_recipes = forms.CharField(
        required=False,
        max_length=MOST_RECIPES * MOST_OF_A_RECIPE,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "services/admin"}),
        label="Further recipes",
        help_text="Folders with a recipe of their own, one in each line: every pull request gets a preview of each, too. The previews of a recipe that you take away are removed with their data.",
    )
    callbacks = forms.BooleanField(
        required=False,
        label="Callback host",
        help_text="One address for all previews, to register where people sign in with an account elsewhere (OAuth, OpenID Connect, SAML). It leads back to the preview that began.",
    )
    max_previews = forms.IntegerField(
        required=False,
        min_value=0,
        label="Most previews",
        help_text="At the same time. A pull request beyond them waits; a push to what runs never does. 0: as many as the server allows.",
    )
    max_cpus = forms.FloatField(
        required=False,
        min_value=0,
        label="CPU quota",
        help_text="CPUs of all services of all its previews together. 0: as many as the server allows.",
    )
    max_memory_mb = forms.CharField(
        required=False,
        max_length=30,
        label="Memory quota",
        help_text="Of all services of all its previews together, such as 20g. 0: as much as the server allows.",
    )
    labels = forms.CharField(
        required=False,
        max_length=2000,
        help_text="Words with blanks or commas between them, such as payments public. Policies are rolled out by them.",
    )
    stack = forms.CharField(
        required=False,
        max_length=MOST_OF_A_LABEL,
        help_text="What it is built with, in one word, such as django. Policies are rolled out by it.",
    )
    rescan = forms.CharField(
        required=False,
        max_length=MOST_OF_A_RESCAN,
        label="Re-scan",
        help_text="When the default branch is evaluated again without a push, for what changes with time: never, daily, weekly, or a cron expression in UTC, such as 30 3 * * 1-5.",
    )

    def clean_max_memory_mb(self) -> int:
        """Megabytes of a size."""
        try:
            return int(str(total_megabytes(self.cleaned_data["max_memory_mb"] or "0")))
        except ValueError as error:
            raise forms.ValidationError(f"This is {error}.") from None

    def clean(self) -> dict[str, Any]:
        """Both ages together, and the quota."""
        entered: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            check_sleep(entered.get("pause_minutes") or 0, entered.get("stop_minutes") or 0)
        except BadSleep as error:
            self.add_error("stop_minutes", str(error))
        for field, one in {
            "max_previews": ProjectSettings(max_previews=entered.get("max_previews") or 0),
            "max_cpus": ProjectSettings(max_cpus=entered.get("max_cpus") or 0),
            "max_memory_mb": ProjectSettings(max_memory_mb=entered.get("max_memory_mb") or 0),
        }.items():
            try:
                check_quota(one)
            except BadQuota as error:
                self.add_error(field, str(error))
        return entered

    def changes(self) -> ProjectSettings:
        """What was entered."""
        entered = self.cleaned_data
        return ProjectSettings(
            name=entered["name"],
            ttl_hours=entered["ttl_hours"],
            pause_minutes=entered["pause_minutes"] or 0,
            stop_minutes=entered["stop_minutes"] or 0,
            previews_enabled=entered["previews_enabled"],
            previews_of_drafts=entered["previews_of_drafts"],
            previews_need_label=entered["previews_need_label"],
            previews_of_forks=entered["previews_of_forks"],
            private_networks=entered["private_networks"],
            tunnels_allowed=entered["tunnels_allowed"],
            tunnels_of_forks=entered["tunnels_of_forks"],
            recipe_folder=entered["recipe_folder"],
            further_recipes=[one for one in entered["further_recipes"].splitlines() if one.strip()],
            callbacks=entered["callbacks"],
            max_previews=entered["max_previews"] or 0,
            max_cpus=entered["max_cpus"] or 0,
            max_memory_mb=entered["max_memory_mb"],
            labels=entered["labels"].replace(",", " ").split(),
            stack=entered["stack"],
            rescan=entered["rescan"],
        )


def form_of(project: Project, data: Any = None, *, permits: bool = False) -> SettingsForm:
    """The form, filled with what is set, or with what somebody entered. Without `permits`, they do not decide about networks."""
    initial = {name: getattr(project, name) for name in ProjectSettings.__annotations__}
    texts = {
        "labels": " ".join(project.labels),
        "further_recipes": "\n".join(project.further_recipes),
        "max_memory_mb": _size(project.max_memory_mb),
    }
    form = SettingsForm(data, initial={**initial, **texts})
    form.fields["private_networks"].disabled = not permits
    return form


def _size(megabytes: int) -> str:
    """As people write it."""
    if megabytes % 1024:
        return f"{megabytes}m"
    return f"{megabytes // 1024}g" if megabytes else "0"
