"""`pilotfish demo`: six made-up containers on disk, followed by the very agent that `run` starts, into its own store.

run                   the whole of it                  log_file    the agent's log, kept out of the way
containers, phrases   what they say                    json_file   as dockerd writes it
traffic               an hour of history, then life    books       what was written = what is stored?
view, console, hints  what is shown
"""
