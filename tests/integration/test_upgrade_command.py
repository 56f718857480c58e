"""``wabox upgrade`` from end to end: a source over HTTP, signed releases whose wabox is a small script, a server that becomes
ready or does not."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import platform
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from wabox.cli.main import app
from wabox.errors import WaboxError

MACHINE = f"{platform.system()}-{platform.machine()}".lower()
SECRET = Ed25519PrivateKey.from_private_bytes(b"release key for these tests only")
ID = b"testkey1"
KEY = base64.b64encode(b"Ed" + ID + SECRET.public_key().public_bytes_raw()).decode()

PROGRAM = """\
#!/bin/sh
# A wabox of version {version}: says what it was asked, and fails where it should.
echo "{version} $1" >>"{log}"
case $1 in
selftest) exit {selftest} ;;
backup) echo '{{"file": "{log}.backup"}}' ;;
restore) printf {schema} >"{schema_file}" ;;
esac
"""
RESTART = """\
#!/bin/sh
# The service manager: the server that is in the link's place begins.
set -e
. "{link}/serve"
"""


def _sign(data: bytes, secret: Ed25519PrivateKey = SECRET) -> str:
    """As minisign does."""
    first = secret.sign(hashlib.blake2b(data).digest())
    comment = "wabox"
    second = secret.sign(first + comment.encode())
    lines = (b"ED" + ID + first, second)
    one, two = (base64.b64encode(line).decode() for line in lines)
    return f"untrusted comment: x\n{one}\ntrusted comment: {comment}\n{two}\n"


class Yard:
    """A machine with wabox 0.1.0 in it, and a place that releases come from."""

    def __init__(self, folder: Path) -> None:
        self.releases = folder / "releases"
        self.opt = folder / "opt"
        self.home = folder / "home"
        for one in (self.releases, self.opt, self.home, self.home / "data"):
            one.mkdir()
        self.log = folder / "log"
        self.status = folder / "status"
        self.status.write_text("200")
        self.link = self.opt / "wabox"
        self._write(self.opt / "wabox-0.1.0.dev0", "0.1.0.dev0", ready=200)
        self.link.symlink_to("wabox-0.1.0.dev0")
        self.restart = folder / "restart"
        self.restart.write_text(RESTART.format(link=self.link))
        self.restart.chmod(0o755)
        yard = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/readyz":
                    code, body = int(yard.status.read_text()), b"{}"
                else:
                    file = yard.releases / self.path.lstrip("/")
                    code, body = (200, file.read_bytes()) if file.is_file() else (404, b"")
                self.send_response(code)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.port = self.server.server_address[1]
        (self.home / "wabox.toml").write_text(
            f'[server]\nport = {self.port}\n[upgrade]\nurl = "http://127.0.0.1:{self.port}"\nkey = "{KEY}"\n'
        )

    def _write(self, folder: Path, version: str, *, ready: int, selftest: int = 0) -> None:
        folder.mkdir()
        program = folder / "wabox"
        program.write_text(
            PROGRAM.format(
                version=version, log=self.log, selftest=selftest, schema=15, schema_file=self.home / "schema"
            )
        )
        program.chmod(0o755)
        (folder / "serve").write_text(f'echo "{version} serve" >>"{self.log}"; printf {ready} >"{self.status}"\n')

    def release(self, version: str = "0.2.0", *, ready: int = 200, selftest: int = 0) -> Path:
        """Put one there, signed; its archive."""
        folder = self.releases / f"wabox-{version}"
        self._write(folder, version, ready=ready, selftest=selftest)
        archive = self.releases / f"{folder.name}-{MACHINE}.tar.xz"
        with tarfile.open(archive, "w:xz") as tar:
            tar.add(folder, folder.name)
        data = archive.read_bytes()
        file = {"name": archive.name, "kind": "folder", "platform": MACHINE, "size": len(data)}
        notice = {"name": "wabox", "version": version, "files": [{**file, "sha256": hashlib.sha256(data).hexdigest()}]}
        (self.releases / "release.json").write_text(json.dumps(notice))
        (self.releases / "release.json.minisig").write_text(_sign(json.dumps(notice).encode()))
        return archive

    @property
    def said(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def runs(self) -> str:
        return self.link.readlink().name

    def upgrade(self, *arguments: str) -> Result:
        return CliRunner().invoke(
            app, ["upgrade", "--restart", str(self.restart), "--patience", "1", *arguments], catch_exceptions=True
        )


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    made = Yard(tmp_path)
    monkeypatch.chdir(made.home)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(made.link / "wabox"))
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_newer_one_is_tried_and_takes_the_place(yard: Yard) -> None:
    yard.release()
    (yard.home / "data" / "wabox.db").touch()
    done = yard.upgrade("--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout.splitlines()[-1]) == {"before": "0.1.0.dev0", "now": "0.2.0", "restarted": True}
    assert yard.said == ["0.2.0 selftest", "0.1.0.dev0 backup", "0.2.0 serve"]
    assert yard.runs == "wabox-0.2.0"
    assert (yard.opt / "wabox-0.1.0.dev0" / "wabox").exists()
    assert sorted(path.name for path in yard.opt.iterdir()) == ["wabox", "wabox-0.1.0.dev0", "wabox-0.2.0"]


def test_one_that_does_not_become_ready_gives_the_place_back(yard: Yard) -> None:
    yard.release(ready=503)
    done = yard.upgrade()
    assert isinstance(done.exception, WaboxError)
    assert "/readyz answered 503" in str(done.exception)
    assert "runs again" in str(done.exception)
    assert yard.runs == "wabox-0.1.0.dev0"
    assert yard.said == ["0.2.0 selftest", "0.2.0 serve", "0.1.0.dev0 serve"]
    assert yard.status.read_text() == "200"


def test_one_that_fails_its_own_test_changes_nothing(yard: Yard) -> None:
    yard.release(selftest=1)
    done = yard.upgrade()
    assert "selftest" in str(done.exception)
    assert yard.runs == "wabox-0.1.0.dev0"
    assert yard.said == ["0.2.0 selftest"]


@pytest.mark.parametrize("spoilt", ["archive", "notice", "signer"])
def test_what_is_not_signed_is_not_even_unpacked(yard: Yard, spoilt: str) -> None:
    archive = yard.release()
    notice = yard.releases / "release.json"
    if spoilt == "archive":
        archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    elif spoilt == "notice":
        notice.write_bytes(notice.read_bytes().replace(b"0.2.0", b"0.3.0"))
    else:
        stranger = Ed25519PrivateKey.from_private_bytes(b"another key, which nobody trusts")
        (yard.releases / "release.json.minisig").write_text(_sign(notice.read_bytes(), stranger))
    done = yard.upgrade()
    assert isinstance(done.exception, WaboxError)
    assert "sign" in str(done.exception)
    assert yard.said == []
    assert yard.runs == "wabox-0.1.0.dev0"
    assert len(list(yard.opt.iterdir())) == 2


def test_check_only_says_what_there_is_and_an_old_one_is_not_taken(yard: Yard) -> None:
    yard.release("0.2.0")
    assert "wabox 0.2.0 is there" in yard.upgrade("--check").stdout
    yard.releases.joinpath("wabox-0.0.9").mkdir(exist_ok=True)
    yard.releases.joinpath("wabox-0.0.9").rmdir()
    yard.release("0.0.9")
    assert "is the newest" in yard.upgrade().stdout
    assert yard.said == []


def test_an_archive_that_reaches_outside_is_refused(yard: Yard) -> None:
    archive = yard.release()
    with tarfile.open(archive, "w:xz") as tar:
        member = tarfile.TarInfo("../escaped")
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    data = archive.read_bytes()
    file = {"name": archive.name, "kind": "folder", "platform": MACHINE, "size": len(data)}
    notice = {"name": "wabox", "version": "0.2.0", "files": [{**file, "sha256": hashlib.sha256(data).hexdigest()}]}
    (yard.releases / "release.json").write_text(json.dumps(notice))
    (yard.releases / "release.json.minisig").write_text(_sign(json.dumps(notice).encode()))
    done = yard.upgrade()
    assert "cannot unpack" in str(done.exception)
    assert sorted(path.name for path in yard.opt.iterdir()) == ["wabox", "wabox-0.1.0.dev0"]


def test_of_a_python_package_it_says_what_to_type(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.release()
    monkeypatch.setattr(sys, "frozen", False)
    assert "-m pip install --upgrade wabox==0.2.0" in str(yard.upgrade().exception)


def test_without_a_key_nothing_is_fetched(yard: Yard) -> None:
    (yard.home / "wabox.toml").write_text("")
    assert "[upgrade]" in str(yard.upgrade().exception)


def test_root_does_not_believe_a_key_that_others_may_change(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is the server's user's: before anything is fetched, root says no."""
    yard.release()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    yard.home.chmod(0o777)
    done = yard.upgrade()
    assert "WABOX_UPGRADE_KEY" in str(done.exception or done.output)
    assert (yard.runs, yard.said) == ("wabox-0.1.0.dev0", [])
