"""Pages of deliveries."""

from django.urls import path

from seatrial.control.forges import pages

app_name = "forges"
urlpatterns = [path("deliveries", pages.deliveries, name="deliveries")]
