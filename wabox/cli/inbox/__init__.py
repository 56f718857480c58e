"""``wabox handoff`` on a terminal: the queue, the conversation, and a line to answer on."""
