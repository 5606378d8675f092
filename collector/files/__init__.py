"""Files and directories → read, written and owned safely: an operator's, our own, and other people's."""
