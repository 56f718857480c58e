"""``python -m wabox``."""

from wabox.cli.main import main

main()
