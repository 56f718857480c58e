"""The storage ports on SQLite: one file, one process, one connection that writes.

The rules, and what each buys:

1. **One connection writes and checkpoints**, on one thread (:mod:`~wabox.sqlite.writer`). SQLite 3.7.0 to 3.51.2 can corrupt
   a WAL database when two connections write or checkpoint at the same instant ("the WAL-reset bug", sqlite.org/wal.html);
   with one there is nothing to collide. Every other connection is ``query_only``; the folder is locked against a second
   process.
2. **Whatever waits shares the next commit** (group commit). ``synchronous=FULL`` then costs almost nothing, so nothing weaker
   is offered: what a port returns from survives a power cut.
3. **What a webhook brought is one operation, and so is a unit of work**: all of it or nothing.
4. **The event loop reads, never writes.** Point reads on the reply path cost microseconds and stay on the loop; reads for
   people run on a thread.

Writing functions take the writer's connection and run inside its transaction; they may run twice (the first time undone), so
they have no other effect than on the database.
"""
