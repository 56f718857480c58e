"""``wabox doctor``: is everything as it must be, and if not, what to do.

Each module looks at one area and judges it; nothing here writes, neither into the data folder nor at Meta. What cannot be
looked at (no network, no account, no server) is said to be unknown, and the rest is looked at all the same.
"""
