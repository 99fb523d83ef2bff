"""The dashboard answers only under its own host names; under those of previews, there is only their stand-in page.

Browsers send a host's cookies to every port of that host. If people could sign in here under a preview's name, the preview
would get their session.
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
    """Looks at the host before anything else: under another one there is no sign-in, no API, no file and no cookie.

    A host that is written out in ALLOWED_HOSTS is the dashboard's, even below the previews' domain. A pattern
    (`.example.com`, `*`) allows no host below the previews' domain. Unknown hosts are refused. In the list of middlewares, this
    one comes before every other that answers or sets a cookie.
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
