"""wabox: a WhatsApp bot in a box."""

__version__ = "0.1.0.dev0"
