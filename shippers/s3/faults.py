"""An answer of S3 or kin other than asked for → the error that a user reads, by the code that it tells."""

import re

from collector.errors import Unauthorized, Unavailable
from collector.net.http_client import HttpClient, one_line
from collector.net.http_node import Answer

_CODE = re.compile(r"<Code>\s*([A-Za-z0-9.]{1,80})\s*</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{0,300})</Message>")
_REGION = re.compile(r"<Region>\s*([a-z0-9-]{1,40})\s*</Region>")

_KEY = "correct access_key_id and secret_access_key_file"
_WHO = {  # by the code: what helps where the one who asks is refused
    "AccessDenied": "grant s3:PutObject on the bucket and its objects",
    "AllAccessDisabled": "open the account again",
    "AccountProblem": "open the account again",
    "ExpiredToken": "renew the session token, or use credentials that are renewed: credentials: machine",
    "InvalidAccessKeyId": _KEY,
    "InvalidSecurity": _KEY,
    "InvalidToken": "correct session_token_file",
    "RequestTimeTooSkewed": "set the clock of this machine: it differs from the server's by more than 15 minutes",
    "SignatureDoesNotMatch": "correct secret_access_key_file, and check that no proxy changes the request",
    "TokenRefreshRequired": "renew the session token",
}
_WAITS = {
    "InvalidBucketName": "correct bucket",
    "NoSuchBucket": "create the bucket, or correct bucket; the agent retries",
    "QuotaExceeded": "raise the quota of the bucket, or remove old objects",
    "XMinioStorageFull": "free disk space on the server",
}
_PLACE = frozenset({"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect",
                    "TemporaryRedirect", "InvalidLocationConstraint"})  # fmt: skip
_LOAD = frozenset({"SlowDown", "SlowDownWrite", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling",
                   "RequestLimitExceeded", "ThrottlingException", "BandwidthLimitExceeded", "OperationAborted",
                   "ConditionalRequestConflict", "ServerBusy"})  # fmt: skip
TOO_LARGE = "EntityTooLarge"
UNKNOWN_CONDITION = "NotImplemented"


def code_of(answer: Answer) -> str:
    """The code of its error, "" if it tells none."""
    found = _CODE.search(answer.body[:4096].decode(errors="replace"))
    return found[1] if found else ""


def error_of(answer: Answer, client: HttpClient, bucket: str) -> Unavailable:
    """The error of an answer that is no acknowledgement."""
    text = answer.body[:4096].decode(errors="replace")
    code = code_of(answer)
    said = _MESSAGE.search(text)
    words = f"{code}: {one_line(said[1])}" if said else code
    cause = f"{client.peer.name} refuses an object of the bucket {bucket} ({answer.status} {words})"
    if code in _WHO:
        return Unauthorized(cause, _WHO[code])
    if code in _WAITS:
        return Unavailable(cause, _WAITS[code], retry_after=answer.retry_after)
    if code in _PLACE:
        region = _REGION.search(text)
        told = f"set region to {region[1]}" if region else "set region to that of the bucket"
        return Unavailable(cause, f"{told}, and check `hosts`")
    if code in _LOAD:
        return Unavailable(cause, "the agent retries; lower concurrency if it persists", retry_after=answer.retry_after)
    error = client.refusal(answer, words or None, is_measured=False)
    if isinstance(error, Unavailable):
        return error
    return Unavailable(error.cause, error.remedy)
