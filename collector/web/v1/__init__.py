"""Version 1 of the API: what the page, the commands and scripts ask. `docs/api.md` describes it."""
