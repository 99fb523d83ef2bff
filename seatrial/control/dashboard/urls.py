"""The kit's own address."""

from django.urls import path

from seatrial.control.dashboard import theme

app_name = "dashboard"
urlpatterns = [path("theme", theme.theme, name="theme")]
