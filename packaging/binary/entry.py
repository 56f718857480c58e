"""The first line of the binary."""

from wabox.cli.main import main

main()
