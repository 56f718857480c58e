"""``wabox upgrade``: a newer wabox in the place of this one."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wabox.settings import Settings


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Only say whether there is a newer one.")] = False,
    source: Annotated[
        str | None, typer.Option("--from", help="An https address or a folder with releases. Default: [upgrade] url.")
    ] = None,
    unit: Annotated[str, typer.Option(help="systemd's unit to restart.")] = "wabox",
    restart: Annotated[
        str | None, typer.Option(help="The command that restarts the server, where systemd does not.")
    ] = None,
    patience: Annotated[float, typer.Option(min=1, help="Seconds to become ready.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fetch a newer wabox. When it does not become ready, the old one goes on.

    The release must be signed with the key in wabox.toml ([upgrade] key, minisign's). The new wabox is tried on this machine,
    the old one makes a backup, then they change places and the server is restarted. Run it as whoever may write where
    wabox lies, in the folder of wabox.toml. Of a Python package it only says what to type.

    Example:  cd /var/lib/wabox && WABOX_UPGRADE_KEY=RW… wabox upgrade
    Example:  wabox upgrade --check
    """
    import platform
    import tempfile

    from wabox import __version__
    from wabox.cli.progress import Bar
    from wabox.errors import SettingsError
    from wabox.release.notice import order
    from wabox.release.place import place_of
    from wabox.release.source import Source
    from wabox.services.upgrading import upgrade as change
    from wabox.settings import load
    from wabox.settings.upgrade import trusted

    settings = load(Path.cwd())
    where = source or settings.upgrade.url
    if where is None or settings.upgrade.key is None:
        raise SettingsError(
            "where releases come from and whose signature counts is not said: set url and key under [upgrade] in wabox.toml"
        )
    if not check:
        trusted(settings.root, os.environ, os.geteuid())
    found = Source(where, settings.upgrade.key)
    release = found.release()
    newer = order(release.version) > order(__version__)
    if check or not newer:
        told = {"running": __version__, "newest": release.version, "newer": newer}
        line = (
            f"wabox {release.version} is there; wabox upgrade fetches it"
            if newer
            else f"wabox {__version__} is the newest"
        )
        typer.echo(json.dumps(told) if as_json else f"{line}.")
        return
    program = Path(sys.executable)
    with tempfile.TemporaryDirectory(prefix="wabox-upgrade-") as folder:
        work = Path(folder)
        work.chmod(0o755)  # the data folder's owner tries what is unpacked here
        place = place_of(program, release.version, frozen=bool(getattr(sys, "frozen", False)), work=work)
        machine = f"{platform.system()}-{platform.machine()}".lower()
        with Bar() as bar:
            file = found.fetch(
                release.file(place.kind, machine), work, lambda part: bar(f"fetching {release.version}", part)
            )
        hands = Server(settings, program, unit, restart, patience)
        hands.warm()
        running = change(file, release.version, place, hands, lambda line: typer.echo(f"wabox: {line}", err=True))
    if as_json:
        typer.echo(json.dumps({"before": __version__, "now": release.version, "restarted": running}))
    elif running:
        typer.echo(f"wabox {release.version} runs.")
    else:
        typer.echo(
            f"wabox {release.version} is in its place. If a server runs, restart it: it is wabox {__version__} until then."
        )


class Server:
    """The hands of :mod:`wabox.services.upgrading`. What touches the data folder runs as its owner."""

    def __init__(self, settings: Settings, program: Path, unit: str, restart: str | None, patience: float) -> None:
        self._settings = settings
        self._program = program
        self._unit = unit
        self._restart = restart
        self._patience = patience
        self._systemd = restart is None and self._quiet("systemctl", "is-active", "--quiet", unit)

    def warm(self) -> None:
        """Load what is needed after the swap: then our own files are perhaps another wabox's."""
        from wabox.release.readiness import wait_until_ready

        wait_until_ready("http://127.0.0.1:9", 0, lambda: 0.0, lambda _: None)
        self.schema()

    def try_out(self, program: Path) -> None:
        self._as_owner([str(program), "selftest"])

    def back_up(self) -> Path | None:
        from wabox.sqlite.connection import DATABASE

        if not (self._settings.data / DATABASE).exists():
            return None
        told = self._as_owner([str(self._program), "backup", "--json", "--data", str(self._settings.data)])
        return Path(json.loads(told)["file"])

    def schema(self) -> int | None:
        from wabox.sqlite import inspection
        from wabox.sqlite.connection import DATABASE

        if not (self._settings.data / DATABASE).exists():
            return None
        found = inspection.inspect(self._settings.data, 0, 0.0)
        return None if isinstance(found, str) else found.schema

    def restart(self) -> bool:
        if self._restart is not None:
            self._run(shlex.split(self._restart))
        elif self._systemd:
            self._run(["systemctl", "restart", self._unit])
        else:
            return False
        return True

    def ready(self) -> None:
        import time

        from wabox.release.readiness import wait_until_ready
        from wabox.services.upgrading import Failed

        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)  # noqa: S104
        said = wait_until_ready(f"http://{host}:{self._settings.port}", self._patience, time.monotonic, time.sleep)
        if said is not None:
            raise Failed(said)

    def stop(self) -> None:
        if self._systemd:
            self._run(["systemctl", "stop", self._unit])

    def restore(self, backup: Path) -> None:
        self._as_owner([str(self._program), "restore", str(backup), "--force", "--resume"])

    def _as_owner(self, command: list[str]) -> str:
        data = self._settings.data
        owner = (data if data.exists() else self._settings.root).stat()
        return self._run(command, owner.st_uid, owner.st_gid)

    def _run(self, command: list[str], user: int | None = None, group: int | None = None) -> str:
        """What it prints. ``user``, ``group``: who runs it, where we may choose."""
        from wabox.services.upgrading import Failed

        may = os.geteuid() == 0 and user not in (None, 0)
        try:
            done = subprocess.run(
                command,
                cwd=self._settings.root,
                user=user if may else None,
                group=group if may else None,
                extra_groups=[] if may else None,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        if done.returncode != 0:
            raise Failed(f"{shlex.join(command)}: {(done.stderr or done.stdout).strip()[-1000:]}")
        return done.stdout

    def _quiet(self, *command: str) -> bool:
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False


def _environment() -> dict[str, str]:
    """As we were started: the libraries that a built wabox brings along are not for other programs."""
    kept = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    if original := kept.pop("LD_LIBRARY_PATH_ORIG", ""):
        kept["LD_LIBRARY_PATH"] = original
    return {**kept, "WABOX_UPGRADE": "1", "PYINSTALLER_RESET_ENVIRONMENT": "1"}
