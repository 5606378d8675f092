"""Documents of the past, oldest first → what a rule would have sent: the rule's own code, by the documents' times."""

from collections.abc import Iterable, Sequence

from collector.alerts.alerts import Rules
from collector.alerts.book import Book
from collector.alerts.notification import Notification
from collector.alerts.options import AlertOptions, AlertRule
from collector.documents.document import time
from collector.search.language import nanoseconds


def query_of(rule: AlertRule) -> str:
    """What finds all documents that the rule looks at."""
    return f"({rule.query}) OR ({rule.ends})" if rule.ends else rule.query


def tried(options: AlertOptions, name: str, documents: Iterable[bytes], until: int) -> Sequence[Notification]:
    """The notifications of one rule to its first receiver, whatever its cap; `until`, in nanoseconds, the past ends."""
    rule = options.rules[name].model_copy(update={"to": options.rules[name].to[:1]})
    receiver = options.to[rule.to[0]].model_copy(update={"max_per_hour": 1 << 30})
    alone = AlertOptions.model_construct(rules={name: rule}, to={rule.to[0]: receiver})
    book = Book(alone, None)
    rules = Rules(alone, book)
    found: list[Notification] = []
    for document in documents:
        now = nanoseconds(time(document))
        rules.tick(now)
        rules.look(document, now)
        found += book.taken()
    rules.tick(until)
    return found + book.taken()
