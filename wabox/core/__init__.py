"""The nouns: plain values that every layer shares. No I/O, no clock, no library but the standard one."""
