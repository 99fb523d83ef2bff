"""Who gets into previews: the gatekeeper, whom the ingress asks about each request, and what admins and developers decide about it.

A project's `Gate` (in `projects`) says who gets in. Each deployment keeps the gate that it began with, and the routes of a
deployment with one lead past the gatekeeper (`previews.route_document`). Who got in once has a *pass*: a signed cookie for one
host of one environment.
"""
