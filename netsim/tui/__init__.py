"""The screen: Textual's side of netsim. It imports no lab; what it shows is drawn in `netsim.text`."""
