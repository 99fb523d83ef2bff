"""Every page's address. No trailing slashes: these addresses are what forges and terminals show.

Some apps show something from an app above them, which they may not import: it is passed to them here.
"""

from django.urls import include, path

from seatrial.control.accounts.pages import audit_log, audit_verify
from seatrial.control.home import first, health_page, pages, setup_page, styleguide
from seatrial.control.home.named import links
from seatrial.control.previews.counts import placed_on_agents, running_of_projects
from seatrial.control.previews.pages.environment import page_of_preview
from seatrial.control.projects.pages import settings as project_settings

own = [
    path("", pages.home, name="home"),
    path("stream", pages.home_stream, name="home_stream"),
    path("projects/<str:key>", pages.project, name="project"),
    path("projects/<str:key>/stream", pages.project_stream, name="project_stream"),
    path("projects/<str:key>/settings", project_settings, name="project_settings"),
    path("connections/<str:key>/first", first.first, name="first"),
    path("connections/<str:key>/first/stream", first.first_stream, name="first_stream"),
    path("setup", setup_page.setup_page, name="setup"),
    path("setup/stream", setup_page.setup_stream, name="setup_stream"),
    path("health", health_page.health, name="health"),
    path("health/stream", health_page.health_stream, name="health_stream"),
    path("styleguide", styleguide.styleguide, name="styleguide"),
]
urlpatterns = [
    path("", include((own, "home"))),
    path("", include("seatrial.control.previews.urls")),
    path("", include("seatrial.control.previews.evidence.urls")),
    path("", include("seatrial.control.entrance.urls")),
    path("", include("seatrial.control.variables.urls")),
    path("", include("seatrial.control.registries.urls")),
    path("", include("seatrial.control.policies.urls"), {"preview_of": page_of_preview}),
    path("", include("seatrial.control.policies.waivers.urls")),
    path("", include("seatrial.control.policies.trials.urls")),
    path("", include("seatrial.control.policies.network.urls")),
    path("", include("seatrial.control.policies.scores.urls")),
    path("", include("seatrial.control.policies.badges.urls")),
    path("", include("seatrial.control.policies.reports.urls")),
    path("", include("seatrial.control.policies.signing.urls")),
    path("", include("seatrial.control.policies.notices.urls")),
    path("", include("seatrial.control.policies.digests.urls")),
    path("", include("seatrial.control.policies.source.urls")),
    path("", include("seatrial.control.policies.rescans.urls")),
    path("", include("seatrial.control.policies.authoring.urls")),
    path("", include("seatrial.control.policies.rollout.urls")),
    path("", include("seatrial.control.policies.glass.urls")),
    path("", include("seatrial.control.fleet.urls"), {"placed": placed_on_agents}),
    path("", include("seatrial.control.previews.agents.urls")),
    path("", include("seatrial.control.forges.urls"), {"named": links}),
    path("", include("seatrial.control.forges.connection_urls")),
    path("", include("seatrial.control.projects.urls"), {"running": running_of_projects}),
    path("", include("seatrial.control.triggers.urls")),
    path("", include("seatrial.control.keys.urls")),
    path("audit", audit_log, {"named": links}, name="audit_log"),
    path("audit/verify", audit_verify, name="audit_verify"),
    path("", include("seatrial.control.accounts.urls")),
    path("", include("seatrial.control.dashboard.urls")),
]
