"""The owner's documents: read into passages (:mod:`.files`), weighed (:mod:`.indexing`), searched (:mod:`.index`)."""
