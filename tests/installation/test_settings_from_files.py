from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration, read_configuration


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert Configuration().secret_key.get_secret_value() == "from the file"


def test_the_variable_itself_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "direct")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "missing"))
    assert Configuration().secret_key.get_secret_value() == "direct"


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    monkeypatch.setenv("DB_PASSWORD_FILE", str(tmp_path / "missing"))
    with pytest.raises(SystemExit, match=r"_FILE names a file that cannot be read: .*missing"):
        read_configuration()


def test_a_file_that_is_not_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(range(200, 232)))
    monkeypatch.delenv("GALLEY_MASTER_KEY")
    monkeypatch.setenv("GALLEY_MASTER_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SystemExit, match=r"/key is not text; .* a key as hex or base64"):
        read_configuration()


@pytest.mark.parametrize("kind", [Configuration, Settings])
def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, kind: type[BaseSettings]
) -> None:
    for name in kind.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    unset = kind()
    for name in kind.model_fields:
        monkeypatch.setenv(name.upper(), "")
    assert kind() == unset


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://sea.example.com", "https://sea.example.com"),
        ("https://Sea.Example.com/", "https://sea.example.com"),
        ("https://sea.example.com:443", "https://sea.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://[fd00::1]:3000", "http://[fd00::1]:3000"),
        ("https://m\u00fcller.example", "https://xn--mller-kva.example"),
    ],
)
def test_the_address_is_kept_as_browsers_write_it(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: str
) -> None:
    monkeypatch.setenv("SITE_URL", text)
    assert read_configuration().site_url == kept


@pytest.mark.parametrize(
    "text",
    [
        "seatrial.example.com",
        "//sea.example.com",
        "sea.example.com:3000",
        "ftp://sea.example.com",
        "https://",
        "https://sea.example.com/app",
        "https://sea.example.com/?a=b",
        "https://me:secret@sea.example.com",
    ],
)
def test_an_address_that_is_none_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SITE_URL", text)
    with pytest.raises(
        SystemExit, match=r"^SITE_URL: .*write it like https://seatrial\.example\.com"
    ) as caught:
        read_configuration()
    assert "secret" not in str(caught.value)


def test_a_setting_that_is_wrong_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "the-value")
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(SystemExit, match=r"APP_PORT: not a port, 1 to 65535\. Write it like 3000") as caught:
        read_configuration()
    assert "DEBUG: " in str(caught.value) and "the-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "megabytes"), [("100g", 102_400), ("512m", 512), ("1.5GiB", 1_536), ("0", 0), (" 0 ", 0)]
)
def test_the_memory_of_a_project_is_written_as_in_recipes(
    monkeypatch: pytest.MonkeyPatch, text: str, megabytes: int
) -> None:
    monkeypatch.setenv("GALLEY_MAX_PROJECT_MEMORY", text)
    assert Configuration().galley_max_project_memory == megabytes


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("GALLEY_MAX_PROJECT_MEMORY", "plenty", "not a size. Write it like 512m or 100g"),
        ("GALLEY_MAX_PROJECT_MEMORY", "-1g", "not a size"),
        ("GALLEY_MAX_PROJECT_MEMORY", "100", "less than the 6m"),
        ("GALLEY_MAX_PROJECT_CPUS", "nan", "not a number of CPUs, 0 to 1000000. Write it like 200"),
        ("GALLEY_MAX_PROJECT_CPUS", "-1", "not a number of CPUs"),
    ],
)
def test_a_total_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, problem: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(SystemExit, match=f"{name}: .*{problem}"):
        read_configuration()
