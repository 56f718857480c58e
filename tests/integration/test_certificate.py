"""HTTPS by wabox itself: the certificate is obtained from a real ACME server, shown, renewed, and missed in plain words."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.fakes import VirtualClock
from tests.integration.pebble import CERTIFICATE, PEBBLE, pebble
from wabox.acme import issuing
from wabox.acme.folder import CertificateFolder, Validity
from wabox.acme.issuing import CertificateError, placeholder
from wabox.app import wall_clock
from wabox.cli.main import app
from wabox.core.checkup import Level
from wabox.errors import SettingsError
from wabox.services.certificate import FIRST_PAUSE, LONGEST_PAUSE, Certificate
from wabox.services.doctor import certificate as doctor
from wabox.settings import DomainSettings, load
from wabox.web.public import Public

DOMAIN = "bot.example.org"
with_pebble = pytest.mark.skipif(not PEBBLE, reason="Pebble is not here: apt-get install pebble")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": scope["scheme"][-1].encode() + b"!"})


@contextlib.asynccontextmanager
async def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Public, int, int]]:
    """The two doors, open, and their ports; nothing was asked yet."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        http_port = held.getsockname()[1]
    with pebble(tmp_path, http_port) as directory:
        settings = DomainSettings(
            name=DOMAIN, address="127.0.0.1", https_port=0, http_port=http_port, acme_url=directory
        )
        ours = Public(settings, tmp_path / "data", wall_clock)
        ours.begin()
        https, http = ours.servers(echo)
        for one in (https, http):
            await one.begin()
        try:
            yield ours, https.port, http.port
        finally:
            https.should_exit = http.should_exit = True
            await asyncio.gather(https.task, http.task)


async def shown(port: int) -> str:
    """The serial number of the certificate that a new connection gets."""
    from cryptography import x509

    def connect() -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", port), 5) as raw,
            context.wrap_socket(raw, server_hostname=DOMAIN) as line,
        ):
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            found = line.getpeercert(binary_form=True)
        assert found is not None
        return str(x509.load_der_x509_certificate(found).serial_number)

    return await asyncio.to_thread(connect)


@with_pebble
async def test_obtained_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port opens with a placeholder; the first look puts a real one there; a later one of the same account replaces it."""
    said: list[str] = []
    async with public(tmp_path, monkeypatch) as (ours, port, _):
        before = await shown(port)
        await ours.certify(said.append)
        assert ours.certificate.trouble is None, said
        first = await shown(port)
        assert first != before
        assert "is certified until" in said[-1]
        assert ours.certificate.proofs == {}
        files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data" / "tls").iterdir()}
        assert set(files.values()) == {0o600}
        assert stat.S_IMODE((tmp_path / "data" / "tls").stat().st_mode) == 0o700
        account = (tmp_path / "data" / "tls" / "account.json").read_text()
        await ours.certificate.look()
        assert await shown(port) == first, "it is not due"
        settings = ours._settings
        at, again = await asyncio.to_thread(
            issuing.renewal, CertificateFolder(tmp_path / "data", DOMAIN), settings.acme_url
        )
        assert at is None or at > wall_clock()
        assert again > wall_clock()
        ours.certificate._clock = lambda: wall_clock() + 4 * 365 * 86_400_000
        await ours.certificate.look()
        assert await shown(port) != first
        assert (tmp_path / "data" / "tls" / "account.json").read_text() == account


@with_pebble
async def test_a_proof_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to look at, and it is kept for the doctor; the server goes on."""
    said: list[str] = []
    async with public(tmp_path, monkeypatch) as (ours, port, _):
        monkeypatch.setattr(ours.certificate, "_publish", lambda token, proof: None)
        await ours.certify(said.append)
        assert "another server answered" in said[-1]
        assert ours.certificate.state()["trouble"] == said[-1].removeprefix("wabox: ")
        assert await shown(port)
        found = doctor.look(load(tmp_path, {"WABOX_DOMAIN": DOMAIN}), wall_clock())
        assert [one.level for one in found] == [Level.FAIL]
        assert "another server answered" in found[0].todo


async def test_the_plain_door(tmp_path: Path) -> None:
    """Proofs, and for everybody else the way to HTTPS, to our own name whatever the caller says."""
    import httpx

    from wabox.web.challenge import challenge_app

    app_ = challenge_app({"abc": "abc.proof"}, DOMAIN, 443)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app_), base_url="http://evil.example", trust_env=False
    ) as line:
        assert (await line.get("/.well-known/acme-challenge/abc")).text == "abc.proof"
        assert (await line.get("/.well-known/acme-challenge/x")).status_code == 404
        moved = await line.get("/console?x=1")
        assert (moved.status_code, moved.headers["location"]) == (308, f"https://{DOMAIN}/console?x=1")
        assert (await line.post("/webhook", content=b"secret")).status_code == 403


class Authority:
    """Gives a certificate, or the error that it is told to give."""

    def __init__(self, folder: CertificateFolder) -> None:
        self.folder, self.error, self.asked = folder, "", 0

    def __call__(self, publish: Callable[[str, str], None]) -> None:
        self.asked += 1
        if self.error:
            raise CertificateError(self.error)
        placeholder(self.folder)
        self.folder.write(self.folder.file, self.folder.placeholder.read_bytes())


async def test_pauses_between_failures(tmp_path: Path) -> None:
    """They double up to six hours; a success ends them; the old one serves meanwhile."""
    folder, clock = CertificateFolder(tmp_path, DOMAIN), VirtualClock()
    clock.now = wall_clock()
    authority = Authority(folder)
    ours = Certificate(folder, clock, authority)
    ours.begin()
    authority.error = "no"
    pause = FIRST_PAUSE
    for count in range(1, 8):
        await ours.look()
        assert authority.asked == count
        clock.now += pause - 1
        await ours.look()
        assert authority.asked == count, "it is too early"
        clock.now += 1
        pause = min(2 * pause, LONGEST_PAUSE)
    assert ours.trouble == folder.trouble == "no"
    authority.error = ""
    await ours.look()
    assert ours.trouble is folder.trouble is None
    assert ours.until is not None
    asked = authority.asked
    await ours.look()
    assert authority.asked == asked


async def test_the_authority_may_want_it_renewed_early(tmp_path: Path) -> None:
    """It is asked when it said it may be; when it does not answer, the third of a life is what counts."""
    folder, clock = CertificateFolder(tmp_path, DOMAIN), VirtualClock()
    clock.now = wall_clock()
    authority = Authority(folder)
    advice: list[tuple[int | None, int] | None] = []

    def advise() -> tuple[int | None, int]:
        said = advice.pop(0)
        if said is None:
            raise CertificateError("nobody answers")
        return said

    ours = Certificate(folder, clock, authority, advise)
    ours.begin()
    await ours.look()
    assert authority.asked == 1
    hour = 3_600_000
    began = clock.now
    advice += [None, (None, began + 8 * hour), (began + 9 * hour, began + 20 * hour)]
    for passed, left, asked in ((0, 2, 1), (5, 2, 1), (6, 1, 1), (8, 0, 1), (9, 0, 2)):
        clock.now = began + passed * hour
        await ours.look()
        assert (len(advice), authority.asked) == (left, asked), passed


async def test_the_end_does_not_wait_for_the_authority(tmp_path: Path) -> None:
    """SIGTERM has five seconds; an authority may take ninety."""
    answered = threading.Event()
    ours = Certificate(CertificateFolder(tmp_path, DOMAIN), VirtualClock(), lambda publish: answered.wait(60) and None)
    looking = asyncio.create_task(ours.look())
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    thread = next(one for one in threading.enumerate() if one.name == "wabox-certificate")
    assert thread.daemon
    answered.set()


def test_when_it_is_due() -> None:
    """When a third of its life is left: 30 of 90 days, 2 of 6."""
    day = 86_400_000
    assert not Validity(begins=0, ends=90 * day).due(59 * day)
    assert Validity(begins=0, ends=90 * day).due(60 * day)
    assert Validity(begins=0, ends=6 * day).due(4 * day)


def test_a_spoilt_file_is_no_certificate(tmp_path: Path) -> None:
    """It is obtained anew."""
    folder = CertificateFolder(tmp_path, DOMAIN)
    assert folder.validity() is None
    folder.write(folder.file, b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    assert folder.validity() is None


def test_an_authority_that_cannot_be_reached(tmp_path: Path) -> None:
    """No traceback: what, where, what to do."""
    with pytest.raises(CertificateError, match="does this machine reach the internet"):
        issuing.issue(CertificateFolder(tmp_path, DOMAIN), "https://127.0.0.1:9/dir", None, lambda token, proof: None)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "*.example.org", "https://bot.example.org", "a b.org", "-a.org"]
)
def test_what_is_no_domain(tmp_path: Path, name: str) -> None:
    """Said before anybody is asked for a certificate."""
    with pytest.raises(SettingsError, match="is no domain"):
        load(tmp_path, {"WABOX_DOMAIN": name})


def test_the_doctor_looks_at_it(tmp_path: Path) -> None:
    """None yet, good, ending soon, ended."""
    settings = load(tmp_path, {"WABOX_DOMAIN": DOMAIN})
    now = wall_clock()
    assert [one.level for one in doctor.look(load(tmp_path, {}), now)] == []
    assert [one.level for one in doctor.look(settings, now)] == [Level.WARN]
    folder = CertificateFolder(settings.data, DOMAIN)
    placeholder(folder)
    folder.write(folder.file, folder.placeholder.read_bytes())
    validity = folder.validity()
    assert validity is not None
    assert [one.level for one in doctor.look(settings, validity.begins)] == [Level.OK]
    assert [one.level for one in doctor.look(settings, validity.ends - 1000)] == [Level.WARN]
    assert [one.level for one in doctor.look(settings, validity.ends + 1000)] == [Level.FAIL]


def test_the_lines_for_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account is needed to see them."""
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["serve", "--print-proxy", "--domain", DOMAIN, "--port", "9000"])
    assert told.exit_code == 0, told.output
    assert f"{DOMAIN} {{" in told.output
    assert "reverse_proxy 127.0.0.1:9000" in told.output
    assert "proxy_pass http://127.0.0.1:9000;" in told.output
