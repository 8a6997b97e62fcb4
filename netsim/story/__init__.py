"""Pure teaching: what happens next (director), how to get somewhere (goals), what just happened and why (narrator).

Law: a function of the world alone; no I/O, no clock, and nothing here changes anything.
"""
