"""Every command on the pages that operators follow is typed by somebody, or says why by nobody."""

import re
from pathlib import Path

import pytest

from tests.campaign import ROOT, WALKS
from tests.walks.page import BY_A_WALK, BY_NOBODY, BY_TESTS, PAGES, Block, blocks

# Blocks of a language that one test takes from the page and types, in the order of the page.
WHOLE = {("docs/operations.md", "sh"): "e2e/test_operations.py"}
BLOCKS = [block for page in PAGES for block in blocks(page) if (page, block.language) not in WHOLE]
COMPOSE = "docker compose -f docker-compose.full.yaml"
# What operators of other installs know by heart, and what is written elsewhere about this one: letter for letter.
KNOWN = {
    "docs/install/airgapped.md": [
        f"{COMPOSE} up -d", f"{COMPOSE} logs -f app", f"{COMPOSE} down",
        f"{COMPOSE} exec db \\\n    pg_dump -U gitgrit gitgrit > gitgrit-$(date +%F).sql",
        f"{COMPOSE} exec -T db \\\n    psql -U gitgrit gitgrit < gitgrit-YYYY-MM-DD.sql",
        f"{COMPOSE} exec app python manage.py airgap_setup", f"{COMPOSE} exec app python manage.py airgap_smoketest --check-isolation",
        f"{COMPOSE} exec app \\\n    curl -sS --max-time 3 https://www.google.com",
        "./scripts/build-airgap-bundle.sh 1.2", "tar xzf gitgrit-install-1.2.tgz", "docker load -i gitgrit-bundle-1.2.tar",
        "sudo runsc install && sudo systemctl restart docker", "docker info | grep runsc",
    ],
    "docs/install/compose.md": [
        "cd /opt/galley\ndocker compose pull\ndocker compose up -d\ndocker compose logs -f galley-server", "docker compose logs traefik",
        "docker compose stop galley-server", "docker compose pull galley-server galley-agent", "docker compose up -d",
        "docker rm -f $(docker ps -aq --filter label=galley.managed=true)",
        "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: permission denied",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        'echo "kernel.apparmor_restrict_unprivileged_userns=0" | sudo tee /etc/sysctl.d/60-apparmor-userns.conf',
        "docker restart galley-buildkit-v2",
    ],
}  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_typed_or_says_why_not(block: Block) -> None:
    assert block.said.startswith((BY_A_WALK, BY_TESTS, BY_NOBODY)), (
        f"{block}: say in a comment before it who types this block: `<!-- {BY_A_WALK}NAME -->`, `<!-- {BY_TESTS}FILES -->`, or "
        f"`<!-- {BY_NOBODY}WHY -->`"
    )
    if block.said.startswith(BY_A_WALK):
        walk = WALKS[block.said.removeprefix(BY_A_WALK)]
        assert block.page in Path(ROOT, walk).read_text(), f"{walk} does not read {block.page}"
    if block.said.startswith(BY_TESTS):
        tests = "".join(Path(ROOT, file).read_text() for file in block.said.removeprefix(BY_TESTS).split())
        commands = re.findall(r"^\S*seatrial (\w+)", block.text, re.MULTILINE)
        assert commands and [one for one in commands if f'"{one}"' not in tests] == []


@pytest.mark.parametrize(("page", "language"), WHOLE)
def test_a_page_that_is_typed_whole_is_read_by_its_test(page: str, language: str) -> None:
    test = Path(ROOT, WHOLE[page, language]).read_text()
    assert f'"{Path(page).name}"' in test and f"```{language}" in test


@pytest.mark.parametrize(("page", "command"), [(page, one) for page, known in KNOWN.items() for one in known])
def test_a_command_that_people_know_is_on_its_page_letter_for_letter(page: str, command: str) -> None:
    assert command in re.sub(r"^ {3}(?=\S| {4})", "", Path(ROOT, page).read_text(), flags=re.MULTILINE)


def test_a_block_without_a_comment_and_one_in_a_list_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "1. Do:\n\n   <!-- typed by the walk x -->\n   ```text\n   one\n     two\n   ```\n\n```sh\nthree\n```\n"
    )
    found = [(block.line, block.language, block.text, block.said) for block in blocks(str(page))]
    assert found == [(4, "text", "one\n  two\n", "typed by the walk x"), (9, "sh", "three\n", "")]
