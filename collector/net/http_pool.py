"""Several nodes → the one to ask next: the least requests under way times usual time of an answer.

What holds when one of them is dead, swallows packets or is slow:

- a node that fails, or is silent for much longer than the others usually take, is set aside, and what it was asked is
  asked at another one at once: a request must do no harm when it is carried out twice;
- so is one that refuses a whole request though nothing in it is at fault, or answers as no such server does: errors
  come fast, and would draw all requests to it;
- a node set aside is probed with one real request, after pauses that double and stay long beside what a probe costs;
- the usual time fades while a node is not asked, so that a slow one is tried again;
- when no other is left, a node gets all the time there is, and its failure is the caller's.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence

import structlog
from aiohttp import ClientError

from collector.net.http_node import Answer, Node, Question, is_cut

log = structlog.get_logger(__name__)

_WEIGHT = 0.3  # of the newest answer in the usual time
_FADE_SECONDS = 10.0  # in which the usual time of a node that is not asked halves
_UNKNOWN_SECONDS = 1.0  # the usual time of a node that never answered, where another is judged by it
_PATIENCE = 8.0  # times the usual time of the best other node; at least
_LEAST_PATIENCE_SECONDS = 5.0  # a node may wait for something itself, such as an index that is being made
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_MOST_CUTS = 2  # of one request
_PROBE_SHARE = 10.0  # a pause is so many times what the failed request took: probes cost a tenth of a worker


class Standing:
    """What the requests to one node tell of it. All times are seconds of one clock."""

    def __init__(self) -> None:
        self.failures = 0  # in a row; above 0 the node is set aside
        self.probe_at = 0.0
        self._began: list[float] = []
        self._usual: float | None = None
        self._heard = 0.0
        self._failed_at = 0.0

    @property
    def under_way(self) -> int:
        """Requests without an answer yet."""
        return len(self._began)

    def usual_seconds(self, now: float) -> float:
        """How long an answer is likely to take; 0 as long as nothing is known."""
        silence = now - self._began[0] if self._began else 0.0
        idle = now - self._heard
        known = self._usual * 0.5 ** (idle / _FADE_SECONDS) if self._usual else 0.0
        return max(known, silence)

    def is_due(self, now: float) -> bool:
        """Whether it is set aside and may be probed."""
        return self.failures > 0 and now >= self.probe_at and not self._began

    def begin(self, now: float) -> None:
        """A request is sent."""
        self._began.append(now)

    def end(self, began: float) -> None:
        """It is under way no more."""
        self._began.remove(began)

    def answered(self, now: float, began: float, *, is_measured: bool) -> None:
        """It took the request; `is_measured` if the time says something about those that carry documents."""
        if is_measured:
            took = now - began
            usual = None if self.failures else self._usual
            self._usual = took if usual is None else usual + _WEIGHT * (took - usual)
            self._heard = now
        self.failures = 0

    def failed(self, now: float, began: float) -> None:
        """It did not. Requests that were under way together fail once."""
        if self.failures and began < self._failed_at:
            return
        self.failures += 1
        doubled = _FIRST_PAUSE_SECONDS * 2.0 ** min(self.failures - 1, 10)
        pause = min(max(doubled, _PROBE_SHARE * (now - began)), _LONGEST_PAUSE_SECONDS)
        self._failed_at = now
        self.probe_at = now + pause


class Nodes:
    """The nodes of one destination, asked in the order that their answers suggest."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        timeout_seconds: float,
        patience_seconds: float = _LEAST_PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        shuffled = random.sample(nodes, len(nodes))  # many agents do not all begin with the first
        self.standings = {node: Standing() for node in shuffled}
        self.timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._clock = clock

    async def ask(self, question: Question, *, is_measured: bool = False) -> Answer:
        """The answer of the first node that gives a good one, or of the last; each is asked once at most.

        Where the connection breaks on the way at two nodes, no third is asked: they may die of what they are asked.

        Raises:
            ClientError, TimeoutError, OSError: what the last of them failed with.
        """
        tried: set[Node] = set()
        cuts = 0
        while True:
            node = self.pick(tried)
            tried.add(node)
            try:
                answer, is_good = await self._ask(node, question, self.patience(tried), is_measured=is_measured)
            except (ClientError, TimeoutError, OSError) as error:
                cuts += is_cut(error)
                if cuts == _MOST_CUTS or not self._in_use(tried):
                    raise
                continue
            cuts += is_cut(answer)
            if is_good or cuts == _MOST_CUTS or not self._in_use(tried):
                return answer

    def pick(self, tried: Collection[Node] = ()) -> Node:
        """The node to ask next, of those that were not tried yet."""
        now = self._clock()
        left = [node for node in self.standings if node not in tried]
        aside = [standing for standing in self.standings.values() if standing.failures]
        is_probing = any(standing.under_way for standing in aside)
        due = [] if is_probing or tried else [node for node in left if self.standings[node].is_due(now)]
        if due or not (in_use := self._in_use(tried)):
            return min(due or left, key=lambda node: (self.standings[node].under_way, self.standings[node].probe_at))
        return min(in_use, key=lambda node: self._load(node, now))

    def patience(self, tried: Collection[Node]) -> float:
        """Seconds that a node gets for an answer before another, which was not tried, is asked."""
        now = self._clock()
        others = [self.standings[node].usual_seconds(now) or _UNKNOWN_SECONDS for node in self._in_use(tried)]
        if not others:
            return self.timeout_seconds
        return min(max(_PATIENCE * min(others), self._patience_seconds), self.timeout_seconds)

    async def aclose(self) -> None:
        """Close every connection; may be called twice."""
        for node in self.standings:
            await node.aclose()

    async def _ask(self, node: Node, question: Question, seconds: float, *, is_measured: bool) -> tuple[Answer, bool]:
        """Its answer, and whether that is a good one: judged once, since to look into it costs time."""
        standing = self.standings[node]
        began = self._clock()
        standing.begin(began)
        try:
            answer = await node.ask(question, seconds)
        except (ClientError, TimeoutError, OSError) as error:
            self._set_aside(node, began, str(error) or type(error).__name__)
            raise
        finally:
            standing.end(began)
        if not question.is_good(answer):
            told = "200 with a body of another form" if answer.status == 200 else str(answer.status)
            self._set_aside(node, began, f"it answers {told}")
            return answer, False
        if standing.failures and len(self.standings) > 1:
            log.info("node recovered", node=node.url)
        standing.answered(self._clock(), began, is_measured=is_measured)
        return answer, True

    def _set_aside(self, node: Node, began: float, reason: str) -> None:
        standing = self.standings[node]
        if not standing.failures and len(self.standings) > 1:
            log.warning("node unavailable", node=node.url, reason=" ".join(reason.split())[:300])
        standing.failed(self._clock(), began)

    def _in_use(self, tried: Collection[Node]) -> list[Node]:
        return [node for node, standing in self.standings.items() if node not in tried and not standing.failures]

    def _load(self, node: Node, now: float) -> tuple[float, int]:
        standing = self.standings[node]
        return (standing.under_way + 1) * standing.usual_seconds(now), standing.under_way
