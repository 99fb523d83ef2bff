"""Addresses of the pages on which policies are tried."""

from django.urls import path

from seatrial.control.policies.trials import orders, pages

app_name = "trials"
urlpatterns = [
    path("policies/<str:workspace>/<str:slug>/trials", pages.attempts, name="attempts"),
    path("policies/<str:workspace>/<str:slug>/trials/stream", pages.attempts_stream, name="attempts_stream"),
    path("trials/<str:key>", pages.trial, name="trial"),
    path("trials/<str:key>/stream", pages.trial_stream, name="trial_stream"),
    path("trials/<str:key>/outcome", pages.trial_stream, {"part": "outcome"}, name="outcome_stream"),
    path("replays/<str:key>", pages.replay, name="replay"),
    path("replays/<str:key>/stream", pages.replay_stream, name="replay_stream"),
    path("replays/<str:key>/cancel", orders.cancel, name="cancel"),
    path("trials/unsaved/try", orders.attempt_new, name="try_new"),
    path("trials/unsaved/test", orders.test_new, name="test_new"),
    path("trials/of/<str:key>/try", orders.attempt, name="try"),
    path("trials/of/<str:key>/test", orders.test, name="test"),
    path("trials/of/<str:key>/replay", orders.replay, name="order_replay"),
]
