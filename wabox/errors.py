"""The errors of wabox, by who must act.

::

    WaboxError
    ├── FlowError         the owner: something is wrong in the bot's folder
    │   └── ModelError        a model cannot be trained, read or used; the bot goes on without it
    ├── SettingsError     the operator: wabox.toml or the environment
    ├── StorageError      the operator: the data folder
    │   ├── DataFolderBusy    another wabox is running on it
    │   └── Unavailable       nobody: try again later; nothing was stored, nothing may be acknowledged
    ├── ConversationError     a stored conversation cannot be read or stepped; the conversation goes to a person
    └── NotHere           whoever asked: this server does not have it, and will not when it is asked again

The message of each is what the person reads: what, where, what to do.
"""

from __future__ import annotations


class WaboxError(Exception):
    """Anything wabox reports to a person rather than as a bug."""


class FlowError(WaboxError):
    """A bot's folder cannot be loaded; the message names file, line and fix."""


class ModelError(FlowError):
    """A model cannot be trained, read or used: what is wrong with its examples or its files, and what to do."""


class SettingsError(WaboxError):
    """A setting is missing or wrong; the message names it and where it is read from."""


class StorageError(WaboxError):
    """The data folder cannot be used as it is."""


class DataFolderBusy(StorageError):
    """Another wabox process holds the data folder."""


class Unavailable(StorageError):
    """The store cannot take this now (overload, full disk). Nothing was stored; the caller must not acknowledge."""


class ConversationError(WaboxError):
    """A stored conversation does not fit its chart or cannot be read."""


class NotHere(WaboxError):
    """Something that one machine has and a cluster does not; the message says so, and what to do instead."""
