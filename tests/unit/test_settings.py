"""Settings come from wabox.toml and the environment; what is wrong is said before anything runs."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from wabox.cli.config import _found
from wabox.core.keep import Keep
from wabox.errors import SettingsError
from wabox.settings import GRAPH_URL, access_token, load, secret_files, settings_of
from wabox.settings.cluster import without_password
from wabox.settings.keys import BY_NAME, KEYS, Key
from wabox.settings.secret import Secret
from wabox.settings.sources import Sources

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


def written(value: Any) -> str:
    """As TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if not isinstance(value, dict) else "{}"


def test_defaults_are_those_of_the_table(tmp_path: Path) -> None:
    """What the table of keys names as default is what holds when nothing is said."""
    lines = []
    for section in dict.fromkeys(key.section for key in KEYS if key.section != "llm"):
        lines.append(f"[{section}]")
        given = [key for key in KEYS if key.section == section and key.default is not None]
        lines += [f"{key.name} = {written(key.default)}" for key in given]
    said = load(write(tmp_path, "\n".join(lines)), {})
    plain = load(tmp_path / "nothing", {})
    keep, prices = {**asdict(Keep())}, {"currency": "USD"}
    assert replace(said, root=plain.root, data=plain.data) == replace(plain, keep=keep, prices=prices)


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.kind != "secret" and key.section not in ("llm", "speech", "smtp", "cluster")]
)
def test_every_setting_has_a_variable(tmp_path: Path, key: Key) -> None:
    """It wins over the file, and a mistake in it is named by the variable."""
    given = {
        **{"bot.name": "shop", "bot.language": "es", "bot.region": "ES", "bot.context": '{a = 1, b = "x"}'},
        **{"whatsapp.rate": "20", "whatsapp.number_id": "12", "whatsapp.account_id": "13", "calls.allow": '["a.b"]'},
        **{f"prices.{name}": "{ES = 0.05}" for name in ("marketing", "utility", "authentication", "service")},
        **{"bot.timezone": "Europe/Madrid", "bot.merge": "true", "bot.pause": "1h", "bot.quiet_hours": "off"},
        **{"backup.recipient": "age1abc", "backup.folder": "/mnt/backups", "alerts.webhook": "https://a.example"},
        **{
            "server.domain": "bot.example.org",
            "telemetry.endpoint": "http://127.0.0.1:4318",
            "server.acme_email": "ana@example.org",
        },
        **{"server.domain": "bot.example.org", "server.acme_email": "ana@example.org"},
        **{"alerts.template": "case_waits"},
        **{"upgrade.url": "/mnt/releases", "upgrade.key": "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"},
    }.get(f"{key.section}.{key.name}", str(key.default).lower() if isinstance(key.default, bool) else str(key.default))
    sources = Sources(tmp_path, {key.variable: given})
    settings_of(sources)
    assert sources.section(key.section).origin(key.name) == f"environment {key.variable}"
    texts = {"name", "language", "host", "folder", "context"}
    if key.name not in texts:
        with pytest.raises(SettingsError, match=key.variable):
            load(tmp_path, {key.variable: "no such value!"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[bot]\nname = 3\n", r"\[bot\] name must be a text"),
        ("[bot]\nlanguage = true\n", r"\[bot\] language must be a text"),
        ("[bot]\nmerge = 1\n", "must be true or false"),
        ("[server]\nhost = 1\n", r"\[server\] host must be a text"),
        ("[server]\nport = true\n", "the port must be a number"),
        ("[data]\nfolder = 1\n", r"\[data\] folder must be a text"),
        ("[whatsapp]\nhold = '5'\n", r"\[whatsapp\] hold must be a number"),
        ("[whatsapp]\ntyping = true\n", r"\[whatsapp\] typing must be a number"),
        ("[whatsapp]\naccess_token_file = 3\n", "must be the path of a file"),
        ("[prices]\nmarketing = 3\n", "countries and prices"),
        ("[prices]\ncurrency = 3\n", "three letters"),
        ("[log]\nlevel = 'loud'\n", "must be one of debug, info"),
        ("[speech]\nurl = 'http://a'\nmodel = 3\n", r"\[speech\] model must be a text"),
        ("[bot]\nquiet_hour = '22:00-08:00'\n", "did you mean 'quiet_hours'"),
    ],
)
def test_every_value_has_its_type(tmp_path: Path, text: str, says: str) -> None:
    """A value of another type is a mistake, not a surprise later."""
    with pytest.raises(SettingsError, match=says):
        load(write(tmp_path, text), {})


def test_credentials_of_systemd(tmp_path: Path) -> None:
    """They come after the environment and before the file; also those that flows send."""
    (tmp_path / "access_token").write_text("of-systemd\n")
    (tmp_path / "secret_crm").write_text("k\n")
    (tmp_path / "file").write_text("of-file\n")
    write(tmp_path, '[whatsapp]\naccess_token_file = "file"\n')
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path), "WABOX_APP_SECRET": "a", "WABOX_VERIFY_TOKEN": "v"}
    settings = load(tmp_path, env)
    assert settings.require_whatsapp().access_token.reveal() == "of-systemd"
    assert settings.secrets["crm"].reveal() == "k"
    found = access_token(tmp_path, {**env, "WABOX_ACCESS_TOKEN": "of-environment"})
    assert found is not None
    assert found.reveal() == "of-environment"
    assert Sources(tmp_path, env).secret(BY_NAME["whatsapp", "access_token"])[1] == "credential access_token"  # type: ignore[index]


def test_variables_that_are_none(tmp_path: Path) -> None:
    """A name that looks like a setting is said, with what was perhaps meant."""
    found = Sources(tmp_path, {"WABOX_BOT_TIMEZON": "UTC", "WABOX_SECRET_CRM": "k", "PATH": "/bin"}).unknown()
    assert found == ["WABOX_BOT_TIMEZON is no setting; did you mean WABOX_BOT_TIMEZONE?"]


def test_queues(tmp_path: Path) -> None:
    """Hours by weekday, holidays, durations; what is wrong is said with its queue."""
    (tmp_path / "wabox.toml").write_text(
        '[queues.support]\nhours = {mon-fri = "09:00-14:00, 16:00-19:00", sat-sun = "10:00-13:00"}\n'
        'holidays = ["2026-12-25"]\nmax_wait = "15m"\n'
    )
    queue = load(tmp_path, {}).manners.queues["support"]
    assert queue.hours is not None
    assert (queue.hours[0], queue.hours[6]) == (((540, 840), (960, 1140)), ((600, 780),))
    assert (queue.max_wait, queue.idle, queue.rating, queue.timezone) == (900_000, 1_800_000, True, "UTC")
    wrong = {
        'hours = "18:00-09:00"': "before midnight",
        "hours = {someday = '9:00-10:00'}": "is no day",
        'holidays = ["Christmas"]': "is no day",
        'timezone = "Mars"': "no time zone",
        "max_wait = 5": "must be a duration",
        'assign = "ask"': "must be pull or offer",
        "capacity = -1": "whole number",
        "colour = 1": "unknown setting",
    }
    for written, says in wrong.items():
        (tmp_path / "wabox.toml").write_text(f"[queues.support]\n{written}\n")
        with pytest.raises(SettingsError, match=says):
            load(tmp_path, {})


def test_a_cluster_is_named_whole_or_not_at_all(tmp_path: Path) -> None:
    """Three engines; what is missing or misspelt is named."""
    engines = 'redis = ["redis://a:1"]\nrabbitmq = ["amqp://b:2/"]\n'
    assert load(tmp_path, {}).cluster is None
    with pytest.raises(SettingsError, match="postgres is missing"):
        load(write(tmp_path, f"[cluster]\n{engines}"), {})
    found = load(write(tmp_path, f'[cluster]\n{engines}postgres = "postgresql://c/d"\n'), {}).cluster
    assert found is not None
    assert found.redis == (Secret("redis://a:1"),)
    assert (found.rabbitmq, found.durability) == ((Secret("amqp://b:2/"),), "replicated")
    for line in ('name = "Wa Box"', 'durability = "maybe"', 'redis = "redis://a:1"'):
        wrong = f"[cluster]\n{line}\n" + "".join(
            part
            for part in (*engines.splitlines(True), 'postgres = "postgresql://c/d"\n')
            if part.split()[0] != line.split()[0]
        )
        with pytest.raises(SettingsError, match=line.split()[0]):
            load(write(tmp_path, wrong), {})


@pytest.mark.parametrize(
    ("key", "value", "example"),
    [
        ("redis", "redis://a redis://b:abc", "address 2 cannot be read; write redis://user"),
        ("redis", "http://a", "address 1 cannot be read; write redis://user"),
        ("rabbitmq", "amqp://u:hid/den@b/", "write amqp://user.*%2F for /"),
        ("rabbitmq", "amqp://u:hidden@b:5672x/", "write amqp://user"),
        ("postgres", "http://c/d", "write postgresql://user"),
    ],
)
def test_an_address_of_a_cluster_that_cannot_be_read(tmp_path: Path, key: str, value: str, example: str) -> None:
    """It is told before anybody uses it, and not shown."""
    good = {"redis": "rediss://[::1]:1", "rabbitmq": "amqps://u:p@b/v", "postgres": "postgresql://u:p@c:1,d:2/e?x=y"}
    names = {f"WABOX_CLUSTER_{name.upper()}": address for name, address in good.items()}
    assert load(tmp_path, names).cluster is not None
    with pytest.raises(SettingsError, match=f"WABOX_CLUSTER_{key.upper()}: .*{example}") as wrong:
        load(tmp_path, {**names, f"WABOX_CLUSTER_{key.upper()}": value})
    assert "hid" not in str(wrong.value)


def test_addresses_of_a_cluster_are_secrets(tmp_path: Path) -> None:
    """They come from the environment, from files, from wabox.toml, and their passwords are shown nowhere."""
    (tmp_path / "brokers").write_text("amqp://u:hidden@b1/\namqp://u:hidden@b2/\n", encoding="utf-8")
    toml = '[cluster]\nredis = ["redis://:hid@den@a:1"]\nrabbitmq_file = "brokers"\n'
    env = {"WABOX_CLUSTER_POSTGRES": "postgresql://u:hidden@c/d"}
    sources = Sources(write(tmp_path, toml), env)
    settings = settings_of(sources)
    assert settings.cluster is not None
    assert [one.reveal() for one in settings.cluster.rabbitmq] == ["amqp://u:hidden@b1/", "amqp://u:hidden@b2/"]
    assert settings.cluster.postgres.reveal() == "postgresql://u:hidden@c/d"
    assert secret_files(sources) == [tmp_path / "brokers"]
    listed = settings_of(Sources(tmp_path, {**env, "WABOX_CLUSTER_REDIS": '["redis://a", "redis://b"]'})).cluster
    assert listed is not None
    assert len(listed.redis) == 2
    shown = [_found(sources, key)[0] for key in KEYS if key.section == "cluster"]
    assert shown[:3] == [["redis://:…@a:1"], "(set)", "(set)"]
    with pytest.raises(SettingsError) as wrong:
        load(tmp_path, {"WABOX_CLUSTER_POSTGRES": "u:hidden@c"})
    for text in (repr(settings), str(shown), str(wrong.value)):
        assert "hid" not in text.replace(tmp_path.name, "")


def test_a_password_is_taken_out_of_an_address() -> None:
    """Also one that has characters of addresses in it; an address without one stays."""
    assert without_password("amqp://u:p/:@x@b:5672/v") == "amqp://u:…@b:5672/v"
    assert without_password("postgresql://u@b/d") == "postgresql://u@b/d"
