"""The section `alerts` of the configuration: which lines are worth a message, and where it goes."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from collector.errors import QueryError
from collector.net.credentials import Account, secret_of
from collector.net.options import TlsOptions
from collector.search.matching import matcher
from collector.text.bounds import shown
from collector.values import FilePath, Seconds, Section, Text, Words

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Kind = Literal["slack", "discord", "ntfy", "gotify", "telegram", "webhook", "smtp", "alertmanager"]
By = Literal["pattern", "container", "none"]

TELEGRAM = "https://api.telegram.org"
_SCHEMES = {"smtp": ("smtp", "smtps")}


class AlertRule(Section):
    """Lines that are counted, and what follows."""

    query: Text = Field(min_length=1, description="lines to count, in the language of `pilotfish search`")
    threshold: int = Field(1, ge=1, le=10_000, description="number of lines within the window that raises the alert")
    window_seconds: Seconds = Field(300.0, gt=0, description="length of the window, by the lines' own times")
    for_seconds: Seconds = Field(0.0, description="time that the condition has to last before the alert is raised")
    ends: Text | None = Field(
        None, min_length=1, description="query of lines that end the condition, such as a container's recovery"
    )
    cool_down_seconds: Seconds = Field(
        3600.0,
        ge=1,
        description="time after a notification in which lines are only counted; one notification reports the count "
        "at its end",
    )
    by: By = Field(
        "pattern",
        description="separate counts and cool-downs for each pattern (messages that differ only in numbers, ids and "
        "quoted words) or each container; none: one for all lines",
    )
    to: tuple[Name, ...] = Field(min_length=1, max_length=20, description="receivers of the notifications")

    @field_validator("query", "ends")
    @classmethod
    def _is_a_query(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                matcher(text)
        except QueryError as error:
            raise ValueError(f"{error.cause}; {error.remedy}") from None
        return text


class AlertReceiver(Account, TlsOptions):
    """One who is notified."""

    type: Kind = Field(description="kind of receiver")
    url: SecretStr | None = Field(
        None, description="URL of the receiver; for smtp, smtp://host:587 or smtps://host:465; prefer url_file"
    )
    url_file: FilePath | None = Field(None, description="file with the URL: that of a Slack webhook is a secret")
    token: SecretStr | None = Field(None, description="token of ntfy, Gotify, Telegram or a webhook; prefer token_file")
    token_file: FilePath | None = Field(None, description="file with the token")
    chat: Text | None = Field(None, min_length=1, description="chat of Telegram: its number, or @name of a channel")
    sender: Text | None = Field(None, min_length=3, description="address that mail comes from")
    recipients: Words = Field((), max_length=50, description="addresses that mail goes to")
    start_tls: bool = Field(True, description="encrypt mail by STARTTLS; false sends it in the clear")
    max_per_hour: int = Field(
        30,
        ge=1,
        le=10_000,
        description="maximum number of notifications per hour; one more reports how many were held back",
    )

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        has = {"url": self.url or self.url_file, "token": self.token or self.token_file}
        needs = {"telegram": ("token",), "gotify": ("url", "token")}.get(self.type, ("url",))
        for name in needs:
            if not has[name]:
                raise ValueError(f"{self.type} needs {name} or {name}_file")
        needed = {"telegram": ("chat",), "smtp": ("sender", "recipients")}.get(self.type, ())
        for name in needed:
            if not getattr(self, name):
                raise ValueError(f"{self.type} needs {name}")
        if self.url is not None:
            _check_url(self.url.get_secret_value(), self.type)
        return self

    def address(self, place: str) -> str:
        """Its URL; `place` is where the options stand, such as `alerts.to.ops.`.

        Raises:
            ConfigurationError: the file cannot be read, or holds no URL.
        """
        if self.url is None and self.url_file is None:
            return TELEGRAM
        return secret_of(self.url, self.url_file, f"{place}url").strip().rstrip("/")

    def secret(self, place: str) -> str:
        """Its token, "" if it has none.

        Raises:
            ConfigurationError: the file cannot be read, or there is no secret of one line.
        """
        return secret_of(self.token, self.token_file, f"{place}token").strip() if self.token or self.token_file else ""


class AlertOptions(Section):
    """Notifications about lines, without another server."""

    rules: dict[Name, AlertRule] = Field({}, max_length=200, description="rules by name")
    to: dict[Name, AlertReceiver] = Field({}, max_length=50, description="receivers by name")

    @model_validator(mode="after")
    def _receivers_are_known(self) -> Self:
        for name, rule in self.rules.items():
            if unknown := next((one for one in rule.to if one not in self.to), None):
                known = f"use {', '.join(self.to)}" if self.to else "add it to alerts.to"
                raise ValueError(f"rules.{name}.to: there is no receiver {shown(unknown)}; {known}")
        return self


def _check_url(url: str, kind: Kind) -> None:
    """Refuse what is no URL of this kind, without a word of it: it may be a secret.

    Raises:
        ValueError: it is none.
    """
    schemes = _SCHEMES.get(kind, ("http", "https"))
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not url.isprintable() or " " in url:
        raise ValueError(f"url is no URL for {kind}; it begins with {' or '.join(f'{one}://' for one in schemes)}")
    if "@" in parts.netloc:
        raise ValueError("url contains credentials; set username and password_file")
    if kind == "ntfy" and not parts.path.strip("/"):
        raise ValueError("url has no topic; write it as https://ntfy.sh/TOPIC")
