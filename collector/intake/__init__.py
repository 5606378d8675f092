"""What an input is (`input`), and what inputs of containers have in common.

Their options (`containers`), how json-file logs are read (`json_files`), and what `pilotfish check` finds of both
(`findings`). The types of input themselves stand in `collector.inputs`.
"""
