"""Faults that keep out people who use a keyboard or a screen reader, as axe-core finds them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Without the rules of which a violation is not grave: axe gives each violation the impact of its rule. And without `preload`,
# which reads all style sheets again, for rules of which none is left.
#
# Contrast takes axe longer than all else together, and is the same wherever a text has the same look. So it is asked of texts
# with a look that has not passed yet. A look is all of computed style that contrast is computed from, of the text and of what it
# stands in. What is positioned may stand before anything, so it has no look, and is asked every time.
FIND = """async (passed) => {
  const looks = new Map([[null, ""]]);
  const painted = (style) => [style.backgroundColor, style.backgroundImage, style.opacity, style.filter, style.mixBlendMode].join();
  const plain = "rgba(0, 0, 0, 0),none,1,none,normal";
  const ground = (one) => {
    if (!looks.has(one)) {
      const [style, under] = [getComputedStyle(one), ground(one.parentElement)];
      const paint = painted(style);
      looks.set(one, under === null || !["static", "relative"].includes(style.position) ? null : paint === plain ? under : `${under}/${paint}`);
    }
    return looks.get(one);
  };
  const look = (one) => {
    const [style, under] = [getComputedStyle(one), ground(one)];
    return under && [style.color, style.fontSize, style.fontWeight, style.textShadow, style.webkitTextFillColor, under].join(" ");
  };
  const says = (one) => one.matches("input, select, textarea")
    || [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  const known = new Set(passed);
  const texts = new Set([...document.body.querySelectorAll("*")].filter((one) => says(one) && !known.has(look(one))));

  const others = axe._audit.rules.filter((rule) => !["serious", "critical"].includes(rule.impact));
  const rules = Object.fromEntries(others.map((rule) => [rule.id, {enabled: false}]));
  const contrast = axe._audit.rules.find((rule) => rule.id === "color-contrast");
  const [matches, asked] = [contrast.matches, new Set()];
  contrast.matches = (node, ...rest) => texts.has(node) && matches.call(contrast, node, ...rest) && asked.add(node) && true;
  try {
    const found = await axe.run({rules, resultTypes: ["violations", "incomplete"], elementRef: true, preload: false});
    for (const one of [...found.violations, ...found.incomplete].filter((one) => one.id === contrast.id))
      for (const node of one.nodes) asked.delete(node.element);
    return {
      faults: found.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]),
      passed: [...asked].map(look).filter((one) => one),
    };
  } finally {
    contrast.matches = matches;
  }
}"""


def grave_faults(page: "Page", axe: str, passed: set[str] | None = None) -> list[Any]:
    """Each rule that is broken, with where. `axe` is the fixture of that name.

    Whoever looks at many pages gives each call the same set, so that no look is asked for its contrast twice.
    """
    passed = set() if passed is None else passed
    if page.evaluate("!window.axe"):
        page.evaluate(axe)
    found = page.evaluate(FIND, list(passed))
    passed.update(found["passed"])
    return list(found["faults"])
