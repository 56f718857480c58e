"""The other storage adapter: many processes, on RabbitMQ, Redis Cluster and PostgreSQL. ``pip install 'wabox[cluster]'``.

::

    webhook ── publish, confirm ──► RabbitMQ: one lane queue per partition ──► the worker that owns the lane
                                                                                 │ pure step
                       PostgreSQL ◄── records ── Redis Cluster ◄── one script ───┘ WAIT 1, then send, settle, ack

wabox adds no consensus, no partition protocol and no cluster manager of its own. One number, the partition of a conversation,
decides the lane queue, the Redis hash tag, the timer index and the breaker. RabbitMQ says who owns a lane (single active
consumer, priorities); Redis does one unit of work in one script; PostgreSQL keeps what people look at, off the reply path.
"""
