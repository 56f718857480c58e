"""The doors: a command parses, calls once, prints. Heavy imports wait inside it, so that ``wabox --help`` is quick."""
