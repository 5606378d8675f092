"""A clock by which something may be deleted: no single look decides, whatever the machine's clock does."""

from collector.clock import SURE_SECONDS, News, Notice, SureClock

NOW, DAY = 1_795_622_975.0, 86400.0


class Machine:
    """Its clock, and the seconds since its boot."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 100.0
        self.clock = SureClock(lambda: self.wall, lambda: self.steady)

    def after(self, seconds: float, *, jump: float = 0.0) -> float | None:
        self.steady += seconds
        self.wall += seconds + jump
        return self.clock.now()


def test_the_time_is_sure_when_the_clock_has_gone_on_for_a_while() -> None:
    machine = Machine()
    assert machine.clock.now() is None
    assert machine.after(SURE_SECONDS - 1) is None
    assert machine.after(1) == NOW + SURE_SECONDS
    assert machine.after(DAY) == NOW + SURE_SECONDS + DAY  # looked at seldom


def test_a_jump_to_and_fro_is_never_believed() -> None:
    for jump in (30 * DAY, -30 * DAY, 61.0, 1e8):
        machine = Machine()
        machine.clock.now()
        machine.after(SURE_SECONDS)
        assert machine.after(60, jump=jump) is None
        assert machine.after(5) is None
        assert machine.after(1, jump=-jump) is None
        assert machine.after(SURE_SECONDS) == machine.wall


def test_one_look_in_a_long_time_does_not_decide() -> None:
    """As of an output to which nothing comes: it looks when the clock is ahead, and not again until it is right."""
    machine = Machine()
    machine.clock.now()
    assert machine.after(3 * 3600, jump=30 * DAY) is None
    assert machine.after(3 * 3600, jump=-30 * DAY) is None


def test_a_clock_that_jumps_again_and_again_is_never_sure() -> None:
    machine = Machine()
    machine.clock.now()
    assert [machine.after(300, jump=120) for _ in range(20)] == [None] * 20


def test_a_clock_that_is_mended_slowly_stays_sure() -> None:
    machine = Machine()
    machine.clock.now()
    machine.after(SURE_SECONDS)
    assert None not in [machine.after(60, jump=0.03) for _ in range(5000)]


def test_a_notice_is_due_at_first_and_then_once_in_its_time() -> None:
    now = [-5.0]
    notice = Notice(10.0, lambda: now[0])
    due = []
    for second in range(35):
        now[0] = float(second)
        if notice.is_due():
            due.append(second)
    assert due == [0, 10, 20, 30]


def told(*seen: str, every: float = 5.0) -> list[str]:
    """What is told of these errors, one after the other; "" is a success."""
    now = [0.0]
    news = News(60.0, lambda: now[0])
    found = []
    for error in seen:
        now[0] += every
        if not error:
            news.over()
        elif news.is_new(error):
            found.append(error)
    return found


def test_an_error_is_told_once_while_it_goes_on() -> None:
    assert told(*["a"] * 100) == ["a"]


def test_an_error_that_comes_and_goes_is_told_once_in_a_while() -> None:
    assert told(*["a", ""] * 6) == ["a"]
    assert told(*["a", ""] * 12, every=10.0) == ["a"] * 4


def test_errors_that_take_turns_are_told_once_each() -> None:
    assert told(*["a", "b", "c"] * 4) == ["a", "b", "c"]
    assert told(*["a", "b", ""] * 4) == ["a", "b"]


def test_an_error_that_is_back_much_later_is_told_again() -> None:
    assert told("a", *[""] * 20, "a") == ["a", "a"]


def test_errors_that_are_never_the_same_are_forgotten_so_that_memory_is_bounded() -> None:
    news = News()
    assert all(news.is_new(f"error {number}") for number in range(1000))
    assert len(news._notices) <= 100
