"""Faults that keep out people who use a keyboard or a screen reader, as axe-core finds them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Without the rules of which a violation is not grave: axe gives each violation the impact of its rule. And without `preload`,
# which reads all style sheets again, for rules of which none is left.
FIND = """async () => {
  const others = axe._audit.rules.filter((rule) => !["serious", "critical"].includes(rule.impact));
  const rules = Object.fromEntries(others.map((rule) => [rule.id, {enabled: false}]));
  const found = await axe.run({rules, resultTypes: ["violations"], preload: false});
  return found.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]);
}"""


def grave_faults(page: "Page", axe: str) -> list[Any]:
    """Each rule that is broken, with where. `axe` is the fixture of that name."""
    page.evaluate(axe)
    return list(page.evaluate(FIND))
