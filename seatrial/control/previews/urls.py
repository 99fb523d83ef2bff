"""Pages of previews."""

from django.urls import path

from seatrial.control.previews.pages import approval, callback, searching, snapshots, unavailable, views

app_name = "previews"
urlpatterns = [
    path("environments/<str:key>", views.environment, name="environment"),
    path("environments/<str:key>/stream", views.environment_stream, name="environment_stream"),
    path("environments/<str:key>/log", views.environment_log, name="environment_log"),
    path("environments/<str:key>/search", searching.search, name="search_log"),
    path("environments/<str:key>/rebuild", views.rebuild, name="rebuild"),
    path("environments/<str:key>/stop", views.stop, name="stop"),
    path("environments/<str:key>/reset-data", views.reset_data, name="reset_data"),
    path("environments/<str:key>/save-data", snapshots.save, name="save_data"),
    path("environments/<str:key>/undo", views.undo, name="undo"),
    path("environments/<str:key>/extend", views.extend, name="extend"),
    path("environments/<str:key>/pin", views.pin, name="pin"),
    path("environments/<str:key>/unpin", views.unpin, name="unpin"),
    path("environments/<str:key>/sleep", views.sleep, name="sleep"),
    path("environments/<str:key>/wake", views.wake, name="wake"),
    path("projects/<str:key>/pulls/<str:number>/approve", approval.approve_commit, name="approve"),
    path("preview-callback/<path:path>", callback.callback, name="callback"),
    path("preview-callback/", callback.callback, {"path": ""}, name="callback_root"),
    path("projects/<str:key>/data", snapshots.of_project, name="snapshots"),
    path("snapshots/<str:key>/remove", snapshots.remove, name="remove_snapshot"),
    path("preview-unavailable", unavailable.preview_unavailable, name="preview_unavailable"),
]
