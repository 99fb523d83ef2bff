"""Every page's address. No trailing slashes: these addresses are what forges and terminals show."""

from django.urls import path

from seatrial.control.dashboard.views import (
    agents,
    environments,
    evaluations,
    home,
    projects,
    public,
    records,
)

app_name = "dashboard"
urlpatterns = [
    path("", home.home, name="home"),
    path("stream", home.home_stream, name="home_stream"),
    path("projects", projects.projects, name="projects"),
    path("projects/<str:key>", projects.project, name="project"),
    path("projects/<str:key>/stream", projects.project_stream, name="project_stream"),
    path("environments/<str:key>", environments.environment, name="environment"),
    path("environments/<str:key>/stream", environments.environment_stream, name="environment_stream"),
    path("environments/<str:key>/log", environments.environment_log, name="environment_log"),
    path("environments/<str:key>/rebuild", environments.rebuild, name="rebuild"),
    path("environments/<str:key>/stop", environments.stop, name="stop"),
    path("evaluations/<str:key>", evaluations.evaluation, name="evaluation"),
    path("evaluations/<str:key>/stream", evaluations.evaluation_stream, name="evaluation_stream"),
    path("agents", agents.agents, name="agents"),
    path("agents/stream", agents.agents_stream, name="agents_stream"),
    path("deliveries", records.deliveries, name="deliveries"),
    path("audit", records.audit, name="audit"),
    path("preview-unavailable", public.preview_unavailable, name="preview_unavailable"),
    path("theme", public.theme, name="theme"),
    path("styleguide", public.styleguide, name="styleguide"),
]
