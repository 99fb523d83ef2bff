"""What a request says before Django reads it."""

from collections import defaultdict
from collections.abc import Mapping

from django.conf import settings
from django.http.request import split_domain_port
from django.utils.datastructures import CaseInsensitiveMapping

from seatrial.control.body_limit import Scope


def is_for_us(scope: Scope) -> bool:
    """Whether it names one host, which is written out as one of ours."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1:
        return False
    host, _ = split_domain_port(hosts[0].decode("latin-1"))
    return host in settings.ALLOWED_HOSTS


def headers_of(scope: Scope) -> Mapping[str, str]:
    """As Django reads them: several of one name are one, and a name with an underscore is none."""
    values = defaultdict(list)
    for name, value in scope["headers"]:
        if b"_" not in name:
            values[name.decode("latin-1")].append(value.decode("latin-1"))
    return CaseInsensitiveMapping({name: ",".join(parts) for name, parts in values.items()})
