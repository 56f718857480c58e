"""Signatures, release files and versions: what is believed, and what is not."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import pytest

from wabox.errors import SettingsError
from wabox.release.notice import NoRelease, order, read
from wabox.release.signature import Unsigned, verify
from wabox.release.source import Source
from wabox.settings.upgrade import trusted

DATA = b"the release file\n"
KEY = "RWSVuJJ95IdAHfW3fRk181zp5x1Q/TGRygU0F3rVwbITTseSTvmvubr+"
SIGNED = """\
untrusted comment: signature from minisign secret key
RUSVuJJ95IdAHeJ+jvMG2lmod29bHDhOfgFqNC0GbxPIfun1V86wLoluYn5MqDhyTYcUPLp4vRUKRUH+ZHaX1ka6y5p+4r7/mg4=
trusted comment: wabox 0.2.0
dJLWMd8BCF8ae+EmK1r0rOvtIVDwJQ3uoNOWBhru4Jgsi7k/j6Dw+rTLghvyEMPnaQhWsHWdt3Sa+dHAzNjtBQ==
"""
"""Made by minisign 0.11 itself."""
OTHER = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
"""The public key of minisign's own releases."""


def test_what_minisign_signed_is_believed() -> None:
    assert verify(DATA, SIGNED, KEY) == "wabox 0.2.0"
    assert verify(DATA, SIGNED, f"untrusted comment: minisign public key\n{KEY}\n") == "wabox 0.2.0"


@pytest.mark.parametrize(
    ("data", "signature", "key", "word"),
    [
        (b"another file\n", SIGNED, KEY, "not of this file"),
        (DATA, SIGNED.replace("wabox 0.2.0", "wabox 0.3.0"), KEY, "not of this file"),
        (DATA, SIGNED, OTHER, "is signed with key 1D4087E47D92B895"),
        (DATA, "", KEY, "not minisign's"),
        (DATA, SIGNED, "", "public key is not minisign's"),
        (DATA, SIGNED.replace("RUSV", "RWSV"), KEY, "old kind"),
        (DATA, "\n".join(SIGNED.splitlines()[:2]), KEY, "not minisign's"),
    ],
)
def test_everything_else_is_not(data: bytes, signature: str, key: str, word: str) -> None:
    with pytest.raises(Unsigned, match=word):
        verify(data, signature, key)


def test_versions_are_in_order() -> None:
    versions = ["0.1.0.dev0", "0.1.0.dev2", "0.1.0a1", "0.1.0rc1", "0.1.0", "0.1.1", "0.2", "0.10.0", "1.0.0"]
    assert all(order(older) < order(newer) for older, newer in pairwise(versions))
    with pytest.raises(NoRelease, match="no version"):
        order("latest")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "other"},
        {"version": "latest"},
        {"files": [{"name": "../x", "kind": "deb", "platform": "p", "size": 1, "sha256": "0" * 64}]},
        {"files": [{"name": "x", "kind": "deb", "platform": "p", "size": 1, "sha256": "short"}]},
        {"files": "none"},
    ],
)
def test_a_release_file_names_only_files_beside_it(wrong: dict[str, object]) -> None:
    with pytest.raises(NoRelease):
        read(json.dumps({"name": "wabox", "version": "0.2.0", "files": [], **wrong}).encode())


def test_a_source_is_https_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NoRelease, match="not https"):
        Source("http://example.org", KEY)
    with pytest.raises(NoRelease, match="neither"):
        Source(str(tmp_path / "nothing"), KEY)
    with pytest.raises(NoRelease, match=r"no release\.json"):
        Source(str(tmp_path), KEY).release()


def test_root_takes_no_key_that_others_may_change(tmp_path: Path) -> None:
    """The server's own user owns its folder: whoever breaks in there would choose what root installs."""
    file, us = tmp_path / "wabox.toml", os.geteuid()
    file.write_text(f'[upgrade]\nkey = "{KEY}"\n')
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    trusted(tmp_path, {}, us, us)
    for path, mode in ((file, 0o666), (file, 0o664), (tmp_path, 0o777)):
        before = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(SettingsError, match="WABOX_UPGRADE_KEY"):
            trusted(tmp_path, {}, us, us)
        trusted(tmp_path, {"WABOX_UPGRADE_KEY": KEY}, us, us)
        trusted(tmp_path, {}, us + 1, us)
        path.chmod(before)
    trusted(tmp_path, {}, us, us)
