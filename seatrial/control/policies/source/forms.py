"""What somebody enters who keeps policies in git."""

from typing import Any

from django import forms

from seatrial.control.accounts.models import Workspace
from seatrial.control.policies.source.models import PolicySource
from seatrial.control.projects.models import Project


class SourceForm(forms.Form):
    """A folder of a branch of a project."""

    explains = True

    project = forms.ChoiceField(label="Project", help_text="Its repository has the policies.")
    branch = forms.CharField(
        label="Branch", required=False, max_length=250, help_text="Empty: the default branch. Whoever may push to it decides what policies are: protect it."
    )  # fmt: skip
    folder = forms.CharField(
        label="Folder", required=False, max_length=500, initial="policies", help_text="From the root of the repository; what is below it counts as well. Empty: all of it."
    )  # fmt: skip

    def __init__(self, workspace: Workspace, source: PolicySource | None, data: Any = None) -> None:
        known = (
            {"project": source.project_id, "branch": source.branch, "folder": source.folder} if source else {}
        )
        super().__init__(data, initial=known, prefix=f"s{workspace.pk}")
        self._projects = Project.objects.filter(workspace=workspace, archived_at=None).order_by("name", "id")
        field = self.fields["project"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.pk, one.name) for one in self._projects]

    def chosen(self) -> Project:
        """The project, of a form that is valid."""
        return self._projects.get(pk=self.cleaned_data["project"])
