"""The worlds as lines of text: what the screen paints and what plain mode prints is drawn here, once.

Law: pure functions from a world (and a size) to lines of spans; no terminal, no Textual, no colour codes.
"""
