"""The agent as a whole: what joins the parts (`agent`), what types of output there are (`outputs`), `pilotfish check`.

`agent` is the only module that sees every part; `outputs` is the only one that loads shippers.
"""
