"""The socket programs on the screen: short, plain, and runnable with `python FILE`."""
