"""Pebble, Let's Encrypt's own ACME server for tests, as a process of ours: it really connects to the proof, as the real one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PEBBLE, DNS = shutil.which("pebble"), shutil.which("pebble-challtestsrv")
CERTIFICATE = Path(__file__).parents[1] / "data" / "tls" / "localhost.pem"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def pebble(folder: Path, http_port: int) -> Iterator[str]:
    """Its directory's address. Every name leads to this machine; proofs are looked for on ``http_port``."""
    assert PEBBLE
    assert DNS
    acme, control, dns = free_port(), free_port(), free_port()
    config = folder / "pebble.json"
    config.write_text(
        json.dumps(
            {
                "pebble": {
                    "listenAddress": f"127.0.0.1:{acme}",
                    "managementListenAddress": f"127.0.0.1:{control}",
                    "certificate": str(CERTIFICATE),
                    "privateKey": str(CERTIFICATE),
                    "httpPort": http_port,
                    "tlsPort": 5001,
                    "ocspResponderURL": "",
                    "externalAccountBindingRequired": False,
                }
            }
        )
    )
    # It refuses 5 % of all nonces by lot; the client repeats a request once, and two in a row fail it.
    env = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    names = [DNS, "-dns01", f"127.0.0.1:{dns}", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    names += ["-management", f"127.0.0.1:{free_port()}"]
    server = [PEBBLE, "-config", str(config), "-dnsserver", f"127.0.0.1:{dns}"]
    with (folder / "pebble.log").open("wb") as log, contextlib.ExitStack() as stack:
        for command in (names, server):
            one = subprocess.Popen(command, stdout=log, stderr=log, env=env)
            stack.callback(one.wait)
            stack.callback(one.terminate)
        _until_it_answers(acme)
        yield f"https://localhost:{acme}/dir"


def _until_it_answers(port: int) -> None:
    """With TLS: the port alone says little."""
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    ends = time.monotonic() + 20
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 1) as raw,
                context.wrap_socket(raw, server_hostname="localhost"),
            ):
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
