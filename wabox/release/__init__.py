"""Releases of wabox: the signed file that says what there is, and the files that it names.

::

    SOURCE/release.json           {"name": "wabox", "version": "0.2.0", "files": [
                                     {"name": "wabox-0.2.0-linux-x86_64.tar.xz", "kind": "folder",
                                      "platform": "linux-x86_64", "size": 57000000, "sha256": "…"}, …]}
    SOURCE/release.json.minisig   its signature, as minisign writes it
    SOURCE/wabox-0.2.0-…

Only the release file is signed: it holds the digest of every other. A source is an ``https://`` address or a folder.
"""
