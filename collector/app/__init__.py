"""The agent as a whole: what joins the parts (`agent`), what types of input and output there are (`plugins`), `check`.

`agent` is the only module that sees every part; `plugins` is the only one that loads inputs and shippers.
"""
