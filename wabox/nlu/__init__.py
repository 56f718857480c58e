"""Understanding what customers write. Knows the nouns of :mod:`wabox.core` and nothing else."""
