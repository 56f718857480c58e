"""``python -m tests.fuzz``: schemathesis asks a whole wabox all that the OpenAPI description allows, and what it does not.

The server runs in this process, on loopback, beside the fake Cloud API; the caller is the data folder's owner. Checked: no
answer of 500, no status or type of content that is not described, answers of the described shape, no wrong request that is
taken, nothing open without the token. Three checks are left out: calls of
the right shape may be wrong in what they mean (``2026-13`` is no month), Litestar reads 0 as false,
and its own answer to OPTIONS names one method where there are two.
The examples are drawn from a seed, so a fault can be repeated; half of them name a
conversation, a case and a customer that exist. Needs the ``bench`` extra; a few minutes, so it is not part of CI.

``/events`` never ends and is left out: tests/integration/test_following.py reads it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.integration.meta import Town, hear, town
from wabox.cli import logs
from wabox.demo.customer import CUSTOMERS
from wabox.services.accounts import NewAgent
from wabox.web.door import Door

LEFT_OUT: Final = "/api/v1/events"
LEFT_OUT_CHECKS: Final = "positive_data_acceptance,negative_data_rejection,allow_header_conformance"


async def fill(there: Town) -> dict[str, list[str]]:
    """Customers, cases and accounts; names for the parameters of paths."""
    phones = [f"+{one.wa_id}" for one in CUSTOMERS if one.wa_id][:3]
    talks = [await hear(there.app, phone, words) for phone in phones for words in ("hi", "a person please")]
    await there.app.accounts.add(NewAgent(id="ana", password="four words in a row"))
    cases = [one.id for one in await there.app.handoffs.lines()]
    return {"case": cases, "conversation_id": sorted(set(talks)), "id": ["ana"], "who": phones}


def ask(url: str, token: str, known: dict[str, list[str]], options: argparse.Namespace) -> int:
    """Run schemathesis; its exit code."""
    import schemathesis
    from schemathesis.cli import schemathesis as command

    @schemathesis.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        for name, values in known.items():
            given = (path_parameters or {}).get(name)
            if path_parameters is not None and isinstance(given, str) and values and len(given) % 2:
                path_parameters[name] = values[len(given) // 2 % len(values)]
        return path_parameters

    given = [
        *("run", url, "--header", f"Authorization: Bearer {token}", "--seed", str(options.seed)),
        *("--max-examples", str(options.examples), "--exclude-path", LEFT_OUT),
        *(
            "--phases",
            "examples,coverage,fuzzing",
            "--checks",
            "all",
            "--exclude-checks",
            LEFT_OUT_CHECKS,
            "--request-timeout",
            "30",
            "--workers",
            "1",
        ),
        *("--continue-on-failure", "--no-color", *options.more),
    ]
    try:
        command.main(given, standalone_mode=False)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


async def run(options: argparse.Namespace) -> int:
    logs.configure(terminal=True, level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        async with town(Path(folder)) as there:
            known = await fill(there)
            address = Door(there.data).address()
            assert address is not None
            token = Door(there.data).token()
            return await asyncio.to_thread(ask, f"{address.url}/api/schema/openapi.json", token, known, options)


def main(arguments: Sequence[str] | None = None) -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--examples", type=int, default=30, help="for each operation")
    asked.add_argument("--seed", type=int, default=20261122)
    options, options_more = asked.parse_known_args(arguments)
    options.more = options_more
    sys.exit(asyncio.run(run(options)))


if __name__ == "__main__":
    main()
