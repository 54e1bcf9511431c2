"""SPIFFE IDs of the mesh: `spiffe://<trust domain>/svc/<service>` (SPIFFE-ID, X509-SVID section 2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SERVICE = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_ID = re.compile(rf"spiffe://({_TRUST_DOMAIN.pattern})/svc/({_SERVICE.pattern})")


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """A service of a trust domain. Raises ValueError for names that no SPIFFE ID may hold."""

    trust_domain: str
    service: str

    def __post_init__(self) -> None:
        if not _TRUST_DOMAIN.fullmatch(self.trust_domain) or not _SERVICE.fullmatch(self.service):
            raise ValueError(f"{self.trust_domain!r} and {self.service!r} make no SPIFFE ID")

    def __str__(self) -> str:
        return f"spiffe://{self.trust_domain}/svc/{self.service}"

    @property
    def host(self) -> str:
        """The DNS name that only this service's certificates hold, `<service>.<trust domain>`."""
        return f"{self.service}.{self.trust_domain}"


def parse(uri: str) -> SpiffeId:
    """Read a SPIFFE ID of ours; raises ValueError for any other URI."""
    match = _ID.fullmatch(uri)
    if match is None:
        raise ValueError(f"{uri!r} is no SPIFFE ID of a service")
    return SpiffeId(match[1], match[2])


def service_of(uris: Sequence[str], trust_domain: str) -> str | None:
    """The service that a certificate's URI names stand for: there is exactly one, and it is of `trust_domain`; else None."""
    if len(uris) != 1:
        return None
    match = _ID.fullmatch(uris[0])
    return match[2] if match is not None and match[1] == trust_domain else None
