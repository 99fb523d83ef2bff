"""The dashboard answers under its own host names; under those of previews there is their stand-in page and nothing else.

A browser sends a host's cookies to every port of it. A session made here under a preview's name would go to the preview.
"""

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import is_same_domain
from django.views.decorators.cache import never_cache

from seatrial.control.previews.desired import address
from seatrial.control.previews.pages.unavailable import stand_in


class OwnHostsMiddleware(MiddlewareMixin):
    """Decides by the host before anything else: no sign-in, no API, no file and no cookie under another one.

    An allowed host that is written out is the dashboard's, even below the previews' domain; a pattern (`.example.com`,
    `*`) never is. What is neither is refused. It stands before every middleware that answers or sets a cookie.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """None: the dashboard may answer. Raises DisallowedHost."""
        if is_of_previews(request.META.get("HTTP_HOST", "")):
            return _page(request)
        request.get_host()
        return None


def is_of_previews(header: str) -> bool:
    """Whether the host that a request names is the previews' domain or below it, and not written out as one of ours."""
    host, _ = split_domain_port(header)
    return host not in settings.ALLOWED_HOSTS and is_same_domain(host, f".{address().domain}")


@never_cache
def _page(request: HttpRequest) -> HttpResponseBase:
    """What Traefik gets for a host without a preview."""
    return stand_in(request, request.META["HTTP_HOST"])
