"""Settings come from wabox.toml and the environment; what is wrong is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabox.errors import SettingsError
from wabox.settings import GRAPH_URL, load

SECRETS = {"WABOX_APP_SECRET": "s3cret-app", "WABOX_VERIFY_TOKEN": "verify-me", "WABOX_ACCESS_TOKEN": "EAAG-token"}


def write(folder: Path, text: str) -> Path:
    (folder / "wabox.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_empty_folder_has_defaults(tmp_path: Path) -> None:
    """Without file and environment there are defaults, and no WhatsApp account."""
    settings = load(tmp_path, {})
    assert (settings.host, settings.port, settings.data, settings.whatsapp) == (
        "127.0.0.1",
        8080,
        tmp_path / "data",
        None,
    )
    with pytest.raises(SettingsError, match="WABOX_APP_SECRET.*wabox demo"):
        settings.require_whatsapp()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A port in the environment overrides the one in wabox.toml."""
    write(tmp_path, '[bot]\nname = "bakery"\n[server]\nport = 9000\n')
    assert load(tmp_path, {}).port == 9000
    settings = load(tmp_path, {"WABOX_PORT": "9001", "WABOX_BOT": "shop"})
    assert (settings.port, settings.bot) == (9001, "shop")


def test_two_app_secrets_are_accepted_while_rotating(tmp_path: Path) -> None:
    """The current secret comes first, the old one second."""
    whatsapp = load(tmp_path, {**SECRETS, "WABOX_APP_SECRET_OLD": "old"}).require_whatsapp()
    assert [secret.reveal() for secret in whatsapp.app_secrets] == ["s3cret-app", "old"]
    assert whatsapp.api_url == GRAPH_URL


def test_secrets_can_come_from_files(tmp_path: Path) -> None:
    """A file named in wabox.toml is read relative to it and stripped."""
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    write(tmp_path, '[whatsapp]\naccess_token_file = "token"\n')
    env = {key: value for key, value in SECRETS.items() if key != "WABOX_ACCESS_TOKEN"}
    assert load(tmp_path, env).require_whatsapp().access_token.reveal() == "from-file"


def test_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    """Neither repr nor str of the settings contains a secret."""
    settings = load(tmp_path, SECRETS)
    shown = f"{settings!r} {settings.whatsapp}"
    assert not any(secret in shown for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sever]\nport = 1\n", "did you mean 'server'"),
        ("[server]\nprot = 1\n", "did you mean 'port'"),
        ('[whatsapp]\napp_secret = "x"\n', "is a secret and does not belong in this file"),
        ("[server]\nport = 'many'\n", "the port must be a number"),
        ("[server]\nport = 70000\n", "the port must be a number"),
        ("server = 3\n", r"must be a section: \[server\]"),
        ("[server\n", "wabox.toml"),
        ('[whatsapp]\naccess_token_file = "nowhere"\n', "access_token_file"),
        ("[bot]\ncontext = 3\n", "must be a table"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    """Every mistake in wabox.toml is named, with what to do."""
    with pytest.raises(SettingsError, match=says):
        load(write(tmp_path, text), SECRETS | {"WABOX_ACCESS_TOKEN": ""})


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    """Half an account is an error that names the other half."""
    with pytest.raises(SettingsError, match="missing WABOX_VERIFY_TOKEN, WABOX_ACCESS_TOKEN"):
        load(tmp_path, {"WABOX_APP_SECRET": "x"}).require_whatsapp()


def test_speech_is_off_until_it_has_a_url(tmp_path: Path) -> None:
    """With one, the rest has defaults; the key comes from the environment or a file."""
    assert load(tmp_path, {}).speech is None
    (tmp_path / "wabox.toml").write_text('[speech]\nurl = "http://127.0.0.1:8000/v1/"\ntimeout = "5s"\n')
    speech = load(tmp_path, {"WABOX_SPEECH_KEY": "k"}).speech
    assert speech is not None
    assert (speech.url, speech.model, speech.timeout, speech.confidence) == (
        "http://127.0.0.1:8000/v1",
        "whisper-1",
        5000,
        0.4,
    )
    assert speech.key is not None
    assert speech.key.reveal() == "k"
    assert "k" not in repr(speech.key).removeprefix("Secret")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('url = "localhost:8000"', "must start with https://"),
        ('url = "https://a.example/v1"\nconfidence = 40', "from 0 to 1"),
        ('url = "https://a.example/v1"\ntimeout = 5', "must be a duration"),
        ('url = "https://a.example/v1"\nkey = "abc"', "WABOX_SPEECH_KEY"),
    ],
)
def test_speech_that_is_wrong_is_said(tmp_path: Path, written: str, words: str) -> None:
    """With the setting and what to write instead."""
    (tmp_path / "wabox.toml").write_text(f"[speech]\n{written}\n")
    with pytest.raises(SettingsError, match=words):
        load(tmp_path, {})
