"""Short faults on real servers: workers die and stand still. The servers are shared and live; see ``__main__`` for the rest."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from tests.cluster import breaks
from tests.cluster.judged import Load, run
from tests.integration.clustered import FOLDER, place

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")


@pytest.mark.parametrize("fault", [breaks.workers(4, 0.5), breaks.zombie(2.0)], ids=["kill-9", "zombie"])
def test_every_message_takes_effect_once_and_in_order(fault: breaks.Break, tmp_path: Path) -> None:
    load = Load(messages=900, conversations=60, rate=200)
    where = place(f"fault{secrets.token_hex(4)}", partitions=8)
    verdict = asyncio.run(run(where, tmp_path, load, fault))
    assert verdict.clean, verdict
