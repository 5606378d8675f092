"""The HTTP port: metrics and health without a token, search, tail and status with one.

Reading order: `server` (start, stop, the open pages), `api` (what needs the token), `live` (documents as they are
read), `access` (who may ask).
"""
