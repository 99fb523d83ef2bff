"""What people enter about a policy."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from seatrial.control.policies.authoring.parameters import is_texts, kind_of
from seatrial.control.policies.authoring.reading import MOST_SLUG

MOST_NOTE = 500


class CodeForm(forms.Form):
    """A version of a policy. What is wrong with its code is said beside it, by line."""

    explains = True

    based_on = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    code = forms.CharField(
        label="Code",
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 28, "class": "writing", "spellcheck": "false", "autocapitalize": "off"}
        ),
    )
    note = forms.CharField(
        label="What changes, and why",
        max_length=MOST_NOTE,
        required=False,
        help_text="Optional. It stands beside the version.",
    )


class NewForm(CodeForm):
    """A new policy."""

    workspace = forms.ChoiceField(label="Workspace")
    slug = forms.CharField(
        label="Slug",
        max_length=MOST_SLUG,
        help_text="Its name in addresses, commands and results, for instance owned-services. It never changes.",
    )
    field_order = ("workspace", "slug", "code", "note", "based_on")

    def __init__(self, workspaces: list[tuple[str, str]], data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["workspace"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = workspaces
        if len(workspaces) == 1:
            field.widget = forms.HiddenInput()
            field.initial = workspaces[0][0]


class ParametersForm(forms.Form):
    """One field per parameter of a policy, of the kind that its default has."""

    explains = True

    based_on = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(
        self, defaults: Mapping[str, Any], values: Mapping[str, Any], newest: int, data: Any = None
    ) -> None:
        super().__init__(data)
        self.fields["based_on"].initial = newest
        self._defaults = defaults
        for key, default in defaults.items():
            self.fields[f"param-{key}"] = _field(key, default, values.get(key, default))

    def values(self) -> dict[str, Any]:
        """What was entered, by parameter."""
        return {key: self.cleaned_data[f"param-{key}"] for key in self._defaults}


class _Json(forms.JSONField):
    """A value that no simpler field holds."""

    empty_values = [""]

    def to_python(self, value: Any) -> Any:
        if value is None:
            raise forms.ValidationError("This value is missing from the form. Reload the page.")
        return super().to_python(value)


class _Lines(forms.CharField):
    """A list of texts, one on each line."""

    widget = forms.Textarea(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        return [line for line in (one.strip() for one in str(value or "").splitlines()) if line]


def _field(key: str, default: Any, value: Any) -> forms.Field:
    shared: dict[str, Any] = {"label": key, "required": False, "initial": value}
    usual = f"Usually {json.dumps(default, ensure_ascii=False)[:200]}."
    if isinstance(default, bool):
        return forms.BooleanField(**shared, help_text=usual)
    if isinstance(default, int):
        return forms.IntegerField(**{**shared, "required": True}, help_text=usual)
    if isinstance(default, float):
        return forms.FloatField(**{**shared, "required": True}, help_text=usual)
    if isinstance(default, str):
        return forms.CharField(**shared, help_text=usual)
    if is_texts(default) and not any(
        "\n" in one or one != one.strip() or not one for one in (*default, *_texts(value))
    ):
        return _Lines(**shared, help_text=f"One on each line. {usual}")
    return _Json(
        **shared, widget=forms.Textarea(attrs={"rows": 4}), help_text=f"As JSON: {kind_of(default)}. {usual}"
    )


def _texts(value: Any) -> list[str]:
    return list(value) if is_texts(value) else []
