"""What happened, as values: events, commands, and the world that events fold into.

Law: nothing here does I/O, reads a clock or starts a thread; equal events always give equal worlds.
"""
