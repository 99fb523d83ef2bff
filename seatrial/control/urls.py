"""Every address of the site."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, include, path

from seatrial.control.api import api, unknown
from seatrial.control.installation.health import healthz

handler500 = "seatrial.control.error_pages.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("api/v1/<path:path>", unknown),
    # Not allauth's whole list: signing up, mail addresses and mailed passwords are open to strangers, and not for here.
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("", include("seatrial.control.dashboard.urls")),
]
