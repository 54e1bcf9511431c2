"""The ledger in a database. pki belongs to the platform: none of its tables is a tenant's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, MetaData, Row, Table, delete, insert, select, update

from trustmesh_chassis.storage import ByteText, Database, Reading, UniqueViolation, UtcTime
from trustmesh_chassis.storage.listing import Query, selected
from trustmesh_pki.certificates import AltNames
from trustmesh_pki.errors import IntermediateExists, JoinTokenExists
from trustmesh_pki.ports import Changes, Reads
from trustmesh_pki.trust import Bundle, Cause, Intermediate, IssuedLeaf, JoinToken, Root

METADATA = MetaData()

BUNDLES = Table(
    "bundles",
    METADATA,
    Column("trust_domain", ByteText(255), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
ROOTS = Table(
    "roots",
    METADATA,
    Column("trust_domain", ByteText(255), primary_key=True),
    Column("id", ByteText(64), primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("issue_after", UtcTime, nullable=False),
)
INTERMEDIATES = Table(
    "intermediates",
    METADATA,
    Column("id", ByteText(63), primary_key=True),
    Column("csr", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("certificate", LargeBinary),
    Column("root", ByteText(64), nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("update_time", UtcTime, nullable=False),
    Column("issue_after", UtcTime),
)
JOIN_TOKENS = Table(
    "join_tokens",
    METADATA,
    Column("id", ByteText(63), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("service", ByteText(63), nullable=False),
    Column("dns_names", JSON, nullable=False),
    Column("ip_addresses", JSON, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("expire_time", UtcTime, nullable=False),
    Column("redeem_time", UtcTime),
    Column("key_digest", LargeBinary),
    Column("identity", ByteText(40), nullable=False),
    Index("join_tokens_by_service", "service"),
)
IDENTITIES = Table(
    "identities",
    METADATA,
    Column("id", ByteText(40), primary_key=True),
    Column("service", ByteText(63), nullable=False),
    Column("cause", ByteText(16), nullable=False),
    Column("intermediate", ByteText(63), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("create_time", UtcTime, nullable=False),
    Column("expire_time", UtcTime, nullable=False),
    Index("identities_by_time", "create_time", "id"),
    Index("identities_by_service", "service", "create_time"),
)

_Row = Row[*tuple[Any, ...]]


class SqlUnit:
    """One look at the ledger, or one change of it."""

    def __init__(self, unit: Reading) -> None:
        self._unit = unit

    async def bundle(self, trust_domain: str) -> Bundle:
        sequence = await self._sequence(trust_domain)
        statement = select(ROOTS).where(ROOTS.c.trust_domain == trust_domain).order_by(ROOTS.c.create_time, ROOTS.c.id)
        return Bundle(trust_domain, sequence or 0, tuple(_root(row) for row in await self._unit.execute(statement)))

    async def add_root(self, root: Root) -> None:
        values = {
            "trust_domain": root.trust_domain,
            "id": root.id,
            "certificate": _der(root.certificate),
            "create_time": root.create_time,
            "issue_after": root.issue_after,
        }
        await self._unit.execute(insert(ROOTS).values(values))
        await self._count_change(root.trust_domain)

    async def remove_root(self, root: Root) -> None:
        await self._unit.execute(delete(ROOTS).where(ROOTS.c.trust_domain == root.trust_domain, ROOTS.c.id == root.id))
        await self._count_change(root.trust_domain)

    async def intermediates(self) -> Sequence[Intermediate]:
        statement = select(INTERMEDIATES).order_by(INTERMEDIATES.c.create_time.desc(), INTERMEDIATES.c.id)
        return [_intermediate(row) for row in await self._unit.execute(statement)]

    async def add_intermediate(self, intermediate: Intermediate) -> None:
        try:
            await self._unit.execute(insert(INTERMEDIATES).values(_intermediate_row(intermediate)))
        except UniqueViolation:
            raise IntermediateExists(f"The intermediate {intermediate.id} exists; choose another id.") from None

    async def replace_intermediate(self, intermediate: Intermediate) -> None:
        statement = update(INTERMEDIATES).where(INTERMEDIATES.c.id == intermediate.id)
        await self._unit.execute(statement.values(_intermediate_row(intermediate)))

    async def allowed_names(self, service: str) -> AltNames:
        statement = select(JOIN_TOKENS.c.dns_names, JOIN_TOKENS.c.ip_addresses)
        statement = statement.where(JOIN_TOKENS.c.service == service, JOIN_TOKENS.c.redeem_time.is_not(None))
        names = AltNames()
        for row in await self._unit.execute(statement):
            names = names | _names(row)
        return names

    async def add_join_token(self, token: JoinToken) -> None:
        try:
            await self._unit.execute(insert(JOIN_TOKENS).values(_token_row(token)))
        except UniqueViolation:
            raise JoinTokenExists(f"The join token {token.id} exists; choose another id.") from None

    async def join_token(self, *, digest: bytes | None = None, id: str | None = None) -> JoinToken | None:
        which = JOIN_TOKENS.c.digest == digest if id is None else JOIN_TOKENS.c.id == id
        row = (await self._unit.execute(select(JOIN_TOKENS).where(which).with_for_update())).one_or_none()
        return None if row is None else _token(row)

    async def replace_join_token(self, token: JoinToken) -> None:
        await self._unit.execute(update(JOIN_TOKENS).where(JOIN_TOKENS.c.id == token.id).values(_token_row(token)))

    async def remove_join_token(self, id: str) -> None:
        await self._unit.execute(delete(JOIN_TOKENS).where(JOIN_TOKENS.c.id == id))

    async def join_tokens(self, query: Query) -> Sequence[JoinToken]:
        statement = selected(select(JOIN_TOKENS), JOIN_TOKENS.c, query)
        return [_token(row) for row in await self._unit.execute(statement)]

    async def record(self, leaf: IssuedLeaf) -> None:
        await self._unit.execute(insert(IDENTITIES).values(_leaf_row(leaf)))

    async def identity(self, id: str) -> IssuedLeaf | None:
        row = (await self._unit.execute(select(IDENTITIES).where(IDENTITIES.c.id == id))).one_or_none()
        return None if row is None else _leaf(row)

    async def identities(self, query: Query) -> Sequence[IssuedLeaf]:
        statement = selected(select(IDENTITIES), IDENTITIES.c, query)
        return [_leaf(row) for row in await self._unit.execute(statement)]

    async def forget_identities(self, before: datetime) -> int:
        return (await self._unit.execute(delete(IDENTITIES).where(IDENTITIES.c.expire_time < before))).rowcount

    async def _sequence(self, trust_domain: str) -> int | None:
        statement = select(BUNDLES.c.sequence).where(BUNDLES.c.trust_domain == trust_domain)
        sequence: int | None = (await self._unit.execute(statement)).scalar_one_or_none()
        return sequence

    async def _count_change(self, trust_domain: str) -> None:
        if await self._sequence(trust_domain) is None:
            await self._unit.execute(insert(BUNDLES).values(trust_domain=trust_domain, sequence=1))
        else:
            counted = update(BUNDLES).where(BUNDLES.c.trust_domain == trust_domain)
            await self._unit.execute(counted.values(sequence=BUNDLES.c.sequence + 1))


class SqlLedger:
    """The ledger of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Reads]:
        async with self._database.platform_read() as unit:
            yield SqlUnit(unit)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Changes]:
        async with self._database.platform_unit() as unit:
            yield SqlUnit(unit)


def _der(certificate: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _root(row: _Row) -> Root:
    certificate = x509.load_der_x509_certificate(row.certificate)
    return Root(row.trust_domain, row.id, certificate, row.create_time, row.issue_after)


def _intermediate_row(intermediate: Intermediate) -> dict[str, Any]:
    return {
        "id": intermediate.id,
        "csr": _der(intermediate.csr),
        "sealed_key": intermediate.sealed_key,
        "certificate": None if intermediate.certificate is None else _der(intermediate.certificate),
        "root": intermediate.root,
        "create_time": intermediate.create_time,
        "update_time": intermediate.update_time,
        "issue_after": intermediate.issue_after,
    }


def _intermediate(row: _Row) -> Intermediate:
    return Intermediate(
        id=row.id,
        csr=x509.load_der_x509_csr(row.csr),
        sealed_key=row.sealed_key,
        create_time=row.create_time,
        update_time=row.update_time,
        certificate=None if row.certificate is None else x509.load_der_x509_certificate(row.certificate),
        root=row.root,
        issue_after=row.issue_after,
    )


def _names(row: _Row) -> AltNames:
    return AltNames(frozenset(row.dns_names), frozenset(row.ip_addresses))


def _token_row(token: JoinToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "digest": token.digest,
        "service": token.service,
        "dns_names": sorted(token.names.dns),
        "ip_addresses": sorted(token.names.ip),
        "create_time": token.create_time,
        "expire_time": token.expire_time,
        "redeem_time": token.redeem_time,
        "key_digest": token.key_digest,
        "identity": token.identity,
    }


def _token(row: _Row) -> JoinToken:
    return JoinToken(
        id=row.id,
        digest=row.digest,
        service=row.service,
        names=_names(row),
        create_time=row.create_time,
        expire_time=row.expire_time,
        redeem_time=row.redeem_time,
        key_digest=row.key_digest,
        identity=row.identity,
    )


def _leaf_row(leaf: IssuedLeaf) -> dict[str, Any]:
    return {
        "id": leaf.id,
        "service": leaf.service,
        "cause": leaf.cause.value,
        "intermediate": leaf.intermediate,
        "certificate": _der(leaf.certificate),
        "create_time": leaf.create_time,
        "expire_time": leaf.expire_time,
    }


def _leaf(row: _Row) -> IssuedLeaf:
    return IssuedLeaf(
        id=row.id,
        service=row.service,
        cause=Cause(row.cause),
        intermediate=row.intermediate,
        certificate=x509.load_der_x509_certificate(row.certificate),
        create_time=row.create_time,
        expire_time=row.expire_time,
    )
