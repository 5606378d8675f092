"""bytes in: `file_tail` follows one container's json-file log, over the files in `log_files`, woken by `watcher`."""
