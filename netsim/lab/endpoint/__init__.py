"""The endpoint: a process of its own that runs one program, line by line, and reports each of its socket calls.

It is started as `python -I -S .../netsim/lab/endpoint/__main__.py --channel FD --name NAME [--every-line yes]
[--contained yes] [--shared FD]`. It imports the standard library and its own modules, nothing else: it has to start in
tens of milliseconds, without site-packages; but a person's own program is run without -I and -S, and has all that
`python` would give it. Contained: in a pid namespace of the lab's, which ends whatever the program forks. Shared: a
file in memory in which it notes the line where it is, for who can't ask it while it sleeps.
"""
