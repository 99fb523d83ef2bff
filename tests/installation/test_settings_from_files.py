from pathlib import Path

import pytest

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


def test_a_setting_that_is_wrong_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_PORT", "the-value")
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(SystemExit, match=r"APP_PORT: .*integer") as caught:
        read_configuration()
    assert "DEBUG: " in str(caught.value) and "the-value" not in str(caught.value)
