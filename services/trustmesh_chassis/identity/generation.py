"""One generation of an identity: key, certificate chain and trusted roots, which change together.

On disk a generation is a directory `<n>` of tls.key, tls.crt and roots.pem, and `current` is a symbolic link to the newest one,
swapped by rename. Whoever reads through `current/` never sees a key beside another key's certificate.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from trustmesh_chassis.identity.spiffe import SpiffeId, service_of

KEY, CHAIN, ROOTS = "tls.key", "tls.crt", "roots.pem"
CURRENT = "current"
KEPT = 3
"""How many generations stay on disk: readers may still hold paths into the ones before."""


class IdentityRefused(Exception):
    """A certificate is not one that its holder may use; the text says why."""


@dataclass(frozen=True)
class Generation:
    """Key, chain (leaf first) and roots, each as PEM. Build it with `verified`."""

    key_pem: bytes
    chain_pem: bytes
    roots_pem: bytes

    @cached_property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.chain_pem)

    @property
    def expires(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def lifetime(self) -> timedelta:
        return self.certificate.not_valid_after_utc - self.certificate.not_valid_before_utc

    def renewal(self, jitter: float) -> datetime:
        """When to renew: at half of the life, moved by up to a tenth of it; `jitter` is in [-1, 1]."""
        return self.certificate.not_valid_before_utc + self.lifetime * (0.5 + 0.1 * jitter)


def verified(key_pem: bytes, chain_pem: bytes, roots_pem: bytes, spiffe_id: SpiffeId, now: datetime) -> Generation:
    """A generation that holds together: the key is the leaf's, the leaf is `spiffe_id`'s and chains to a root, now.

    Raises IdentityRefused.
    """
    try:
        key = serialization.load_pem_private_key(key_pem, None)
        leaf, *intermediates = x509.load_pem_x509_certificates(chain_pem)
        roots = x509.load_pem_x509_certificates(roots_pem)
        uris = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.UniformResourceIdentifier
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise IdentityRefused(f"its key, certificate or roots cannot be read ({error})") from None
    if key.public_key() != leaf.public_key():
        raise IdentityRefused("the certificate is for another key")
    if service_of(uris, spiffe_id.trust_domain) != spiffe_id.service:
        raise IdentityRefused(f"the certificate is for {', '.join(uris) or 'nobody'}, not for {spiffe_id}")
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        raise IdentityRefused(
            f"the certificate is valid from {leaf.not_valid_before_utc} to {leaf.not_valid_after_utc}, not at {now}"
        )
    try:
        PolicyBuilder().store(Store(roots)).time(now).build_client_verifier().verify(leaf, intermediates)
    except VerificationError as error:
        raise IdentityRefused(f"the certificate does not chain to a trusted root ({error})") from None
    return Generation(key_pem, chain_pem, roots_pem)


def load(directory: Path, spiffe_id: SpiffeId, now: datetime) -> Generation:
    """Read and verify the generation at `directory`. Raises IdentityRefused, also when there is none."""
    try:
        key, chain, roots = ((directory / name).read_bytes() for name in (KEY, CHAIN, ROOTS))
    except OSError as error:
        raise IdentityRefused(f"{error.filename} cannot be read ({error.strerror})") from None
    return verified(key, chain, roots, spiffe_id, now)


def store(root: Path, generation: Generation) -> Path:
    """Write `generation` below `root`, make it `current`, and delete all but the last few; returns its directory.

    A crash at any point leaves the old `current` or the new one, whole.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers = sorted(int(entry.name) for entry in root.iterdir() if entry.name.isdecimal())
    number = numbers[-1] + 1 if numbers else 1
    directory = root / str(number)
    directory.mkdir(mode=0o700)
    for name, content, mode in (
        (KEY, generation.key_pem, 0o600),
        (CHAIN, generation.chain_pem, 0o644),
        (ROOTS, generation.roots_pem, 0o644),
    ):
        write_durably(directory / name, content, mode)
    link = root / f".{CURRENT}"
    link.unlink(missing_ok=True)
    link.symlink_to(str(number))
    link.rename(root / CURRENT)
    _sync(root)
    for old in [*numbers, number][:-KEPT]:
        shutil.rmtree(root / str(old), ignore_errors=True)
    return directory


def write_durably(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is on disk, whole and with `mode`, when this returns; replaces by rename."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
