"""Addresses of the pages on which policies are found and written."""

from django.urls import path

from seatrial.control.policies.authoring import editor, import_pages, pages, policy_pages

app_name = "authoring"
_ONE = "policies/<str:workspace>/<str:slug>"
urlpatterns = [
    path("policies", pages.policies, name="policies"),
    path("policies/catalogue", pages.catalogue, name="catalogue"),
    path("policies/catalogue/<str:workspace>/<str:pack>/install", pages.install, name="install"),
    path("policies/new", editor.new, name="new"),
    path("policies/import", import_pages.import_policies, name="import"),
    path(_ONE, policy_pages.policy, name="policy"),
    path(f"{_ONE}/edit", editor.edit, name="edit"),
    path(f"{_ONE}/parameters", policy_pages.parameters, name="parameters"),
    path(f"{_ONE}/versions/<int:number>", policy_pages.version, name="version"),
    path(f"{_ONE}/changes", policy_pages.changes, name="changes"),
    path(f"{_ONE}/revert", policy_pages.revert, name="revert"),
    path(f"{_ONE}/switch", policy_pages.switch, name="switch"),
]
