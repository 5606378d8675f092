"""The options by which a destination knows who asks → the header Authorization.

Each way is a mixin for the `Settings` of an output: `BasicAuth`, `ApiKey`, `BearerToken`. One that has several takes
one of them at a time. A secret is given as such, or in a file that is read again when it changes.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from pydantic import Field, SecretStr, model_validator

from collector.net import remote
from collector.values import FilePath, Section, Text


class Options(Section):
    """A part of an output's settings. An option `x` of its own, and `x_file` for a file that holds it, are one choice.

    A mixin adds to what the others say by `super()`.
    """

    @classmethod
    def rivals(cls) -> Sequence[frozenset[str]]:
        """Options of which one at most may be given."""
        fields = cls.model_fields
        return [frozenset({name, f"{name}_file"}) for name in fields if _has_file(cls, name)]

    def named_files(self) -> dict[str, Path]:
        """The files that the options name, by option."""
        return {name: path for name, path in self if name.endswith("_file") and isinstance(path, Path)}

    @model_validator(mode="after")
    def _a_value_or_its_file(self) -> Self:
        for name, value in self:
            if _has_file(type(self), name) and value is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file exclude each other")
        return self


class Account(Options):
    """A user name with its password."""

    takes_password_alone: ClassVar[bool] = False

    username: Text | None = Field(None, min_length=1, description="user name")
    password: SecretStr | None = Field(None, description="password; prefer password_file")
    password_file: FilePath | None = Field(None, description="file with the password")

    @property
    def has_password(self) -> bool:
        """Whether a password is given, as such or in a file."""
        return self.password is not None or self.password_file is not None

    @model_validator(mode="after")
    def _username_and_password_go_together(self) -> Self:
        is_alone = self.has_password and not self.username
        if bool(self.username) != self.has_password and not (is_alone and self.takes_password_alone):
            raise ValueError("username and password (or password_file) go together")
        return self

    def password_at(self, place: str) -> str:
        """The password; `place` is where the options stand, such as `outputs.elastic.`.

        Raises:
            ConfigurationError: the file cannot be read, or there is no secret of one line.
        """
        return secret_of(self.password, self.password_file, f"{place}password")


class Way(NamedTuple):
    """One way to say who asks: its `options`, those to set in words, and `name`."""

    name: str
    to_set: str
    options: Sequence[str]


class Identity(NamedTuple):
    """Who asks, by which way; `remedy` helps when it is refused.

    `authorization` reads the secret and gives the header, told where the options stand, such as `outputs.elastic.`.
    """

    way: Way
    who: str
    remedy: str
    authorization: Callable[[str], str]


class Credentials(Options):
    """Who asks: by one of the ways below, or by none."""

    @classmethod
    def ways(cls) -> list[Way]:
        """The ways that these settings have."""
        return []

    @classmethod
    def rivals(cls) -> Sequence[frozenset[str]]:
        """Options of which one at most may be given: those of two ways, too."""
        pairs = (product(one.options, other.options) for one, other in combinations(cls.ways(), 2))
        return [*super().rivals(), *(frozenset(pair) for each in pairs for pair in each)]

    def identities(self) -> Iterator[Identity]:
        """Who asks, by each way that is chosen: one at most, once the settings are valid."""
        yield from ()

    @model_validator(mode="after")
    def _one_way_at_most(self) -> Self:
        chosen = [one.way.name for one in self.identities()]
        if len(chosen) > 1:
            raise ValueError(f"{chosen[0]} and {chosen[1]} exclude each other")
        return self


class BasicAuth(Account, Credentials):
    """A user and password."""

    username: Text | None = Field(None, min_length=1, description="user name for basic authentication")
    password: SecretStr | None = Field(None, description="password for basic authentication; prefer password_file")

    @classmethod
    def ways(cls) -> list[Way]:
        """The ways that these settings have."""
        return [_BASIC, *super().ways()]

    def identities(self) -> Iterator[Identity]:
        """Who asks, by each way that is chosen."""
        if self.username or self.has_password:
            yield Identity(_BASIC, f"the user {self.username!r}", "correct username or password_file", self._basic)
        yield from super().identities()

    def _basic(self, place: str) -> str:
        return remote.basic(self.username or "", self.password_at(place))


class ApiKey(Credentials):
    """A key of the scheme `ApiKey`."""

    api_key: SecretStr | None = Field(None, description="API key, encoded or as id:key; prefer api_key_file")
    api_key_file: FilePath | None = Field(None, description="file with the API key")

    @classmethod
    def ways(cls) -> list[Way]:
        """The ways that these settings have."""
        return [_API_KEY, *super().ways()]

    def identities(self) -> Iterator[Identity]:
        """Who asks, by each way that is chosen."""
        if self.api_key or self.api_key_file:
            yield Identity(_API_KEY, "the API key", "correct api_key_file; the key may have expired", self._key)
        yield from super().identities()

    def _key(self, place: str) -> str:
        return remote.api_key(secret_of(self.api_key, self.api_key_file, f"{place}api_key"))


class BearerToken(Credentials):
    """A token of the scheme `Bearer` (RFC 6750)."""

    bearer_token: SecretStr | None = Field(
        None, description="token for bearer authentication; prefer bearer_token_file"
    )
    bearer_token_file: FilePath | None = Field(None, description="file with the bearer token")

    @classmethod
    def ways(cls) -> list[Way]:
        """The ways that these settings have."""
        return [_BEARER, *super().ways()]

    def identities(self) -> Iterator[Identity]:
        """Who asks, by each way that is chosen."""
        if self.bearer_token or self.bearer_token_file:
            remedy = "correct bearer_token_file; the token may have expired"
            yield Identity(_BEARER, "the bearer token", remedy, self._bearer)
        yield from super().identities()

    def _bearer(self, place: str) -> str:
        return f"Bearer {secret_of(self.bearer_token, self.bearer_token_file, f'{place}bearer_token').strip()}"


_BASIC = Way("username with password", "username and password_file", ("username", "password", "password_file"))
_API_KEY = Way("an API key", "api_key_file", ("api_key", "api_key_file"))
_BEARER = Way("a bearer token", "bearer_token_file", ("bearer_token", "bearer_token_file"))


def secret_of(value: SecretStr | None, path: Path | None, option: str) -> str:
    """The secret of an option, given as such or in the file that `<option>_file` names.

    Raises:
        ConfigurationError: the file cannot be read, or there is no secret of one line.
    """
    if path is not None:
        return remote.secret(path, f"{option}_file")
    return remote.secret(value.get_secret_value() if value else "", option)


def _has_file(settings: type[Options], name: str) -> bool:
    """Whether the option may be given in a file instead; what has another default than none is added to."""
    fields = settings.model_fields
    return f"{name}_file" in fields and fields[name].default is None
