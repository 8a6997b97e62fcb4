"""The endpoint: a process of its own that runs one program, line by line, and reports each of its socket calls.

It is started as `python -I -S .../netsim/lab/endpoint --channel FD --name NAME [--every-line yes]`. It imports the
standard library and its own modules, nothing else: it has to start in tens of milliseconds, without site-packages.
"""
