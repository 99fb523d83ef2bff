"""Pages of deliveries. `home.urls` passes in the names of what they led to: see `dashboard.links.Named`."""

from django.urls import path

from seatrial.control.forges.deliveries import pages

app_name = "forges"
urlpatterns = [
    path("deliveries", pages.deliveries, name="deliveries"),
    path("deliveries/<str:key>", pages.delivery, name="delivery"),
    path("deliveries/<str:key>/stream", pages.delivery_stream, name="delivery_stream"),
    path("deliveries/<str:key>/replay", pages.replay_delivery, name="replay"),
]
