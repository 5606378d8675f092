"""The HTTP port: metrics and health without a token, search, tail, status and dead letters with one.

Reading order: `routes` (the paths), `server` (start, stop, the open pages), `page_files` (what a browser gets), `api`
and `dead_letters` (what needs the token), `arguments` (what they are asked), `live` (documents as they are read) and
`ahead` (by which output), `access` and `sessions` (who may ask), `connection_limit` (how many may).
"""
