"""`pilotfish.yml` and `PILOTFISH_...` → one frozen `Configuration`, checked, or a line for each mistake.

Reading order: `models` (the keys), `loading`, `yaml_file`, `environment`, `mistakes`, `show`. This file imports
nothing, so that the light commands, which read two keys, start fast.
"""
