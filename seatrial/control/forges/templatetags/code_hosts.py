"""Links to code hosts: a pull request's page there, a repository's."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from seatrial.control.forges.registry import FORGES, is_hosted
from seatrial.control.projects.models import Connection, Project, PullRequest

register = template.Library()


@register.filter
def page_there(pull_request: PullRequest) -> str:
    """The address of its page at its code host; empty where there is none. Its project comes with its connection."""
    project = pull_request.project
    kind = FORGES.get(project.connection.forge)
    if kind is None or not kind.pull_path or not project.web_url:
        return ""
    return f"{project.web_url}{kind.pull_path.format(number=pull_request.number)}"


@register.filter
def number_linked(pull_request: PullRequest) -> SafeString:
    """`#6`, which leads to the pull request's page at its code host where there is one."""
    page = page_there(pull_request)
    if not page:
        return format_html("#{}", pull_request.number)
    where = code_host(pull_request.project.connection)
    return format_html(
        '<a id="there-{}" href="{}">#{}<span class="sr"> at {}</span></a>',
        pull_request.pk,
        page,
        pull_request.number,
        where,
    )


@register.filter
def repository_linked(project: Project) -> SafeString:
    """The repository by the name that its code host knows it by, which leads to its page there."""
    if not project.web_url or not is_hosted(project.connection.forge):
        return format_html("{}", project.external_id)
    return format_html('<a href="{}">{}</a>', project.web_url, project.full_name or project.web_url)


@register.filter
def code_host(connection: Connection) -> str:
    """What people call the kind of code host: `GitHub`."""
    kind = FORGES.get(connection.forge)
    return kind.title if kind is not None else connection.forge


@register.filter
def hosted(project: Project) -> bool:
    """Whether its repository is at a code host, and not on this server."""
    return is_hosted(project.connection.forge)
