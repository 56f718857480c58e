"""``wabox completion``: what the Tab key knows in bash, zsh and fish.

The words are written into the script: pressing Tab starts no wabox, so it answers at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wabox.cli.tree import Node


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Of which shell.")]) -> None:
    """Print the script that completes commands in your shell.

    bash: ~/.local/share/bash-completion/completions/wabox; zsh: _wabox in a folder of $fpath; fish:
    ~/.config/fish/completions/wabox.fish. The Debian package has brought them all.

    Example:  wabox completion bash > ~/.local/share/bash-completion/completions/wabox
    """
    from wabox.cli.tree import nodes

    typer.echo(script(shell, list(nodes())), nl=False)


def script(shell: Shell, nodes: Sequence[Node]) -> str:
    """The whole file."""
    return {Shell.bash: _bash, Shell.zsh: _zsh, Shell.fish: _fish}[shell](nodes)


def _next(nodes: Sequence[Node], node: Node) -> list[Node]:
    return [one for one in nodes if len(one.path) == len(node.path) + 1 and one.path[:-1] == node.path]


def _options(node: Node) -> list[str]:
    return sorted({name for option in node.options for name in option.names if name.startswith("--")} | {"--help"})


def _walk(nodes: Sequence[Node]) -> str:
    """A case of bash and zsh alike: which command the words typed so far come to."""
    known = "|".join(f'"{" ".join(("", *node.path))}"' for node in nodes if node.path)
    return f'    case "$at $word" in\n      {known}) at="$at $word" ;;\n    esac\n'


def _cases(nodes: Sequence[Node]) -> str:
    return "".join(
        f'    "{" ".join(("", *node.path)) if node.path else ""}") words="'
        f'{" ".join([*(one.path[-1] for one in _next(nodes, node)), *_options(node)])}" ;;\n'
        for node in nodes
    )


def _bash(nodes: Sequence[Node]) -> str:
    return (
        "# wabox in bash; made by: wabox completion bash\n"
        "_wabox() {\n"
        '  local at="" words="" word\n'
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do\n'
        f"{_walk(nodes)}"
        "  done\n"
        '  case "$at" in\n'
        f"{_cases(nodes)}"
        "  esac\n"
        '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))\n'
        "}\n"
        "complete -o default -F _wabox wabox\n"
    )


def _zsh(nodes: Sequence[Node]) -> str:
    return (
        "#compdef wabox\n"
        "# wabox in zsh; made by: wabox completion zsh\n"
        "_wabox() {\n"
        '  local at="" words_="" word\n'
        "  for word in ${words[2,CURRENT-1]}; do\n"
        f"{_walk(nodes)}"
        "  done\n"
        '  case "$at" in\n'
        f"{_cases(nodes).replace(' words=', ' words_=')}"
        "  esac\n"
        "  compadd -- ${=words_}\n"
        "  _files\n"
        "}\n"
        'if [ "$funcstack[1]" = "_wabox" ]; then _wabox "$@"; else compdef _wabox wabox; fi\n'
    )


def _fish(nodes: Sequence[Node]) -> str:
    known = " ".join(f"'{' '.join(node.path)}'" for node in nodes if node.path)
    lines = [
        "# wabox in fish; made by: wabox completion fish",
        "function __wabox_at",
        "    set -l at",
        "    for word in (commandline -opc)[2..-1]",
        f"        contains -- (string join ' ' $at $word) {known}; and set -a at $word",
        "    end",
        '    test "$at" = "$argv"',
        "end",
    ]
    for node in nodes:
        here = f"complete -c wabox -n '__wabox_at {' '.join(node.path)}'".replace(" '__wabox_at '", " __wabox_at")
        for one in _next(nodes, node):
            lines.append(f"{here} -a {one.path[-1]} -d {_fish_quoted(one.brief)}")
        for option in node.options:
            long = [name for name in option.names if name.startswith("--")]
            takes = " -r" if option.value else ""
            lines += [f"{here} -l {name[2:]}{takes} -d {_fish_quoted(option.help)}" for name in long]
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
