"""Which documents are delivered: what leaves lines out, and what is found in a line and stands beside its `log`.

What becomes of a line depends on the lines of its log and on Docker's times of them, never on a clock or on where a
read ended. What has to be known of the lines before is carried with the positions.
"""
