"""Certificates by ACME (RFC 8555), with certbot's own client library, ``acme``: HTTP-01 is the proof that is asked for.

What is kept lies in ``tls/`` of the data folder, readable by its owner alone: the account's key, and for each domain one file
with the key and the chain. All of it can be had again, so no backup carries it. Everything here blocks: call it on a thread.
"""
