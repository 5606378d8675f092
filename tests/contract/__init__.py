"""The laws that hold for every implementation of a seam; a test module runs them by subclassing."""
