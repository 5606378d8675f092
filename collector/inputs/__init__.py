"""The types of input, a module each, found by its file name: what they are is told in `collector.intake.input`."""
