"""The first line of the binary."""

import standins

standins.stand_in()

from wabox.cli.main import main  # noqa: E402 - what it imports may be left out

main()
