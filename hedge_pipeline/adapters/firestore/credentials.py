"""Who we are to Google: a service account's key in a file its owner alone can read, or the machine's own account."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from hedge_pipeline.adapters.firestore.storage import SOURCE, TargetRefused
from hedge_pipeline.adapters.redaction import one_line

SCOPES = ("https://www.googleapis.com/auth/datastore",)
_LARGEST_FILE = 64 * 1024


def credentials_from(file: Path | None) -> Credentials:
    """Nothing of a key file's content appears in an error.

    Raises:
        TargetRefused: there are none, or others could read them.
    """
    if file is None:
        try:
            found, _ = google.auth.default(scopes=SCOPES)
        except GoogleAuthError as error:
            raise TargetRefused(SOURCE, one_line(f"no credentials: {error}")) from error
        return found
    try:
        info = json.loads(_read(file))
        make: Callable[..., Credentials] = service_account.Credentials.from_service_account_info
        return make(info, scopes=SCOPES)
    except (ValueError, TypeError, AttributeError, KeyError, GoogleAuthError):
        raise TargetRefused(
            SOURCE, f"{file} is no service account's key: download it again, as JSON"
        ) from None


def _read(file: Path) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            refusal = _refusal(file, os.fstat(descriptor))
            if refusal is not None:
                raise TargetRefused(SOURCE, refusal)
            return os.read(descriptor, _LARGEST_FILE)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TargetRefused(SOURCE, f"credentials file {file} cannot be read: {error.strerror}") from error


def _refusal(file: Path, status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return f"credentials file {file} is not a file"
    if status.st_mode & 0o077:
        return (
            f"credentials file {file} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}): "
            f"chmod 600 {file}"
        )
    if status.st_uid != os.geteuid():
        return f"credentials file {file} belongs to another user: chown it, then chmod 600 {file}"
    if status.st_size > _LARGEST_FILE:
        return f"credentials file {file} is too large for a key: name the right file"
    return None
