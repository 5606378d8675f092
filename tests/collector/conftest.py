"""Settings of the property tests: a busy machine is no failure, and nothing is kept between runs."""

from hypothesis import settings

settings.register_profile("collector", deadline=None, database=None)
settings.load_profile("collector")
