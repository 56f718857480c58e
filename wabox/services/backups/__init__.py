"""Backups that were restored before they are called good (promise P12).

::

    making       data folder → archive, proven, named, the old ones pruned
    proof        what an unpacked backup must be
    restoring    archive → data folder: upgraded, without the forgotten, with nothing sent twice
    schedule     when the next one is due
"""
