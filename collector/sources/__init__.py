"""Bytes in: `file_tail` follows one container's json-file log, woken by `watcher`, at its `pace` or in `rounds` of all.

Below it, plain: `log_reader` (which file, and what became of the others), `successors` (files open before their turn),
`line_reader` (whole lines of one file), `log_files` and `gunzip` (the files themselves), `resume` and `fingerprint`
(where an earlier run stopped, and whether that is still what it was).
"""
