"""What people look at, in PostgreSQL: transcripts, cases, deliveries, versions. Never on the reply path.

The unit-of-work script leaves an entry in a stream of its partition; :mod:`~wabox.cluster.records.drain` brings it here, in
order, once. While PostgreSQL is away the streams grow and replies go on.
"""
