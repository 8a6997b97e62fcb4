"""Pages: what takes the whole screen for a while, over the main one, and the keys with it. One module each.

Law: a module `netsim.tui.pages.NAME` has `open_page(stage) -> Page | str`; the string says why it can't be opened now,
and what to press. A page imports no other page and not the board: what it may ask for is in `netsim.tui.page`.
"""
