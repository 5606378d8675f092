"""The options of an `s3` output → a shipper, with its secrets and certificates read."""

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from collector.documents.form_option import FormOption
from collector.documents.places import Places
from collector.errors import ConfigurationError
from collector.net.credentials import secret_of
from collector.net.options import HttpOptions
from collector.net.reread import Reread
from collector.ports import OutputContext, Promise, RemoteSettings
from collector.values import FilePath, Seconds, Text, Words

if TYPE_CHECKING:
    from .shipper import S3Shipper
    from .signing import Keys

_LETTERS = r"._/=\-"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_HEADER = re.compile(r"x-amz-[a-z0-9-]{1,100}")
_OURS = frozenset({"x-amz-content-sha256", "x-amz-date", "x-amz-security-token"})
_AMAZON = ".amazonaws.com"


class Settings(HttpOptions, FormOption, RemoteSettings):
    """A bucket of Amazon S3, or of a server with the same protocol."""

    takes_many_writers = True
    usual_host: ClassVar[str] = "https://s3.eu-central-1.amazonaws.com"

    type: Literal["s3"] = Field("s3", description="objects of compressed JSON lines in a bucket")
    hosts: Words = Field(
        min_length=1,
        max_length=1,
        description="URL of the server; default: Amazon's server of the region, over https",
    )
    bucket: Text = Field(description="name of the bucket; it must exist")
    prefix: str = Field(
        "{target}/%Y/%m/%d/",
        max_length=400,
        description="beginning of the name of an object: {target}, {container}, {host} and the date of the lines "
        "(%Y %m %d %j %G %V); each of them has objects of its own",
    )
    region: Text = Field("us-east-1", min_length=1, description="region of the bucket, which the signature contains")
    path_style: bool | None = Field(
        None,
        description="true: the bucket stands in the path of the URL; false: in the host name; by default only Amazon's "
        "buckets stand in the host name",
    )
    access_key_id: Text | None = Field(None, min_length=1, description="id of the access key")
    secret_access_key: SecretStr | None = Field(
        None, description="secret of the access key; prefer secret_access_key_file"
    )
    secret_access_key_file: FilePath | None = Field(None, description="file with the secret of the access key")
    session_token: SecretStr | None = Field(None, description="token of a temporary key; prefer session_token_file")
    session_token_file: FilePath | None = Field(None, description="file with the token of a temporary key")
    credentials: Literal["environment", "machine", "none"] = Field(
        "environment",
        description="source of the key if access_key_id is not set; environment: AWS_ variables and ~/.aws; "
        "machine: also the role of the container or machine, which is asked over the network; none: requests are not "
        "signed",
    )
    object_headers: dict[str, str] = Field(
        {}, description="headers of each object, by name, such as x-amz-storage-class or x-amz-server-side-encryption"
    )
    batch_bytes: int = Field(
        8 << 20, gt=0, le=1 << 30, description="size of a batch; a batch of this size is sent at once"
    )
    linger_seconds: Seconds = Field(60.0, description="maximum time that a document waits for its batch to fill")

    @model_validator(mode="before")
    @classmethod
    def _amazon_is_the_default(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("hosts"):
            return given
        region = str(given.get("region") or cls.model_fields["region"].default)
        end = f"{_AMAZON}.cn" if region.startswith("cn-") else _AMAZON
        return {**given, "hosts": (f"https://s3.{region}{end}",)}

    @field_validator("bucket")
    @classmethod
    def _bucket_is_a_name(cls, bucket: str) -> str:
        if not _BUCKET.fullmatch(bucket) or ".." in bucket:
            raise ValueError("is not the name of a bucket: expected letters, digits, dots and hyphens, 2 at least")
        return bucket

    @field_validator("prefix")
    @classmethod
    def _prefix_is_a_template(cls, template: str) -> str:
        if template and (fault := Places.fault_of(template, _LETTERS)):
            raise ValueError(fault)
        if template.startswith("/") or any(part in ("", ".", "..") for part in template.split("/")[:-1]):
            raise ValueError("must not begin with /, nor have an empty part, . or .. between slashes")
        return template

    @field_validator("object_headers")
    @classmethod
    def _object_headers_are_of_objects(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or name in _OURS:
                raise ValueError(f"{name!r} is no header of an object: expected names such as x-amz-storage-class")
            if not value.isprintable() or not value.isascii():
                raise ValueError(f"{name}: write it as one line of ASCII")
        return headers

    @model_validator(mode="after")
    def _a_key_has_a_secret(self) -> Self:
        has_secret = self.secret_access_key is not None or self.secret_access_key_file is not None
        if bool(self.access_key_id) != has_secret:
            raise ValueError("access_key_id and secret_access_key (or secret_access_key_file) go together")
        if (self.session_token is not None or self.session_token_file is not None) and not has_secret:
            raise ValueError("session_token needs access_key_id")
        return self

    @property
    def has_frozen_batches(self) -> bool:
        """An object is named by all of its ids."""
        return True

    def promise(self) -> Promise:
        """What the output promises."""
        return Promise(
            "exactly_once",
            "the name of an object comes from the ids in it, so a repeated batch finds the same object there",
        )

    def urls(self) -> list[str]:
        """The server as it is asked: of a bucket in the host name, with that."""
        if self._is_path_style():
            return super().urls()
        return [url.replace("://", f"://{self.bucket}.", 1) for url in super().urls()]

    def who_asks(self) -> tuple[str, str]:
        """Who asks, and the remedy if that one is refused."""
        who = f"the access key {self.access_key_id}" if self.access_key_id else "the key that it was found with"
        return who, "correct access_key_id and secret_access_key_file"

    def open(self, context: OutputContext) -> "S3Shipper":
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or the library is missing.
        """
        place = f"outputs.{context.output}."
        try:
            from .shipper import S3Shipper
            from .signing import Signer
        except ModuleNotFoundError as error:
            raise ConfigurationError(f"{place}type: {error.name} is missing", "install pilotfish[s3]") from None
        named = {f"{place}{option}": path for option, path in self.named_files().items()}
        keys = Reread(lambda: self._keys(place), named)
        at_once = 2 * self.concurrency
        client = self.http_client(context.output, kind="a server of S3", connections=at_once + 1)
        (url,) = self.urls()
        path = f"/{self.bucket}" if self._is_path_style() else ""
        return S3Shipper(
            client,
            Signer(self.region, keys, self.credentials),
            Places(self.prefix),
            self.form,
            bucket=self.bucket,
            base=f"{url}{path}",
            path=path,
            headers=self.object_headers,
            at_once=at_once,
        )

    def _is_path_style(self) -> bool:
        if self.path_style is not None:
            return self.path_style
        host = urlsplit(self.hosts[0]).hostname or ""
        return "." in self.bucket or not host.removesuffix(".cn").endswith(_AMAZON)

    def _keys(self, place: str) -> "Keys | None":
        from .signing import Keys

        if not self.access_key_id:
            return None
        secret = secret_of(self.secret_access_key, self.secret_access_key_file, f"{place}secret_access_key")
        has_token = self.session_token is not None or self.session_token_file is not None
        token = secret_of(self.session_token, self.session_token_file, f"{place}session_token") if has_token else ""
        return Keys(self.access_key_id, secret, token)
