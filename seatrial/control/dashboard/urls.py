"""The page kit's only address: where the choice of theme is sent."""

from django.urls import path

from seatrial.control.dashboard import theme

app_name = "dashboard"
urlpatterns = [path("theme", theme.theme, name="theme")]
