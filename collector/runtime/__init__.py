"""The process: its memory, open files, signals and log."""
