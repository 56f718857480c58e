"""Backups that were restored before they are called good (promise P12).

::

    making       data folder → archive, proven, named, the old ones pruned
    proof        what an unpacked backup must be
    restoring    archive → data folder: upgraded, without the forgotten, with nothing sent twice
    nightly      the server's own, in a process of its own
"""
