"""The scripts for the Tab key, made from the commands as they are."""

from __future__ import annotations

import subprocess

import pytest
from typer.testing import CliRunner

from wabox.cli.completion import Shell, script
from wabox.cli.main import app
from wabox.cli.tree import nodes


def _completed(*words: str) -> set[str]:
    """What bash offers for the last of the words."""
    ask = 'COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _wabox; printf "%s\\n" "${COMPREPLY[@]}"'
    code = script(Shell.bash, list(nodes())) + ask
    told = subprocess.run(["bash", "-c", code, "bash", *words], capture_output=True, text=True, check=True)
    return set(told.stdout.split())


def test_commands_commands_of_two_words_and_options_are_offered() -> None:
    assert _completed("wabox", "bac") == {"backup"}
    assert {"list", "verify", "--keep"} <= _completed("wabox", "backup", "")
    assert _completed("wabox", "handoff", "reply", "12", "--cl") == {"--claim"}


@pytest.mark.parametrize("shell", list(Shell))
def test_every_command_is_in_every_script(shell: Shell) -> None:
    printed = CliRunner().invoke(app, ["completion", shell.value])
    assert printed.exit_code == 0
    for node in nodes():
        assert all(word in printed.stdout for word in node.path)
        for name in (name for option in node.options for name in option.names if name.startswith("--")):
            assert (f" -l {name[2:]} " if shell is Shell.fish else name) in printed.stdout
