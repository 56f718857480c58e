"""``sqlite3`` of the binary: the module of the same name on a SQLite of its own, without the WAL-reset bug of Debian's.

It comes from ``pysqlite3``, which is Python's own module, built with a new SQLite inside.
"""

from pysqlite3.dbapi2 import *  # noqa: F403
