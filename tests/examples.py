"""How many examples a property gets: few in `script/test --unit`, many in the whole suite."""

from hypothesis import settings


def register_profiles() -> None:
    """`whole`, and `unit` for `--hypothesis-profile unit`.

    A busy machine is no failure, nothing is kept between runs, and a failure says how to see it again.
    """
    settings.register_profile("whole", deadline=None, database=None, print_blob=True, max_examples=100)
    settings.register_profile("unit", settings.get_profile("whole"), max_examples=15)
    settings.load_profile("whole")


def examples(times: float, *, steps: int = 50) -> settings:
    """So many times as many as others get; a state machine takes up to `steps` steps in each."""
    return settings(max_examples=round(times * settings().max_examples), stateful_step_count=steps)
