"""The filter of ListKeys."""

from __future__ import annotations

import pytest

from trustmesh_chassis.storage.listing import InvalidFilter
from trustmesh_kms.filters import parse_filter
from trustmesh_kms.keys import Algorithm, Purpose
from trustmesh_kms.ports import KeyFilter

GOOD = {
    "": KeyFilter(),
    "  ": KeyFilter(),
    "purpose = SIGN_VERIFY": KeyFilter(purpose=Purpose.SIGN_VERIFY),
    "algorithm=XAES_256_GCM": KeyFilter(algorithm=Algorithm.XAES_256_GCM),
    'labels.team = "web"': KeyFilter(labels={"team": "web"}),
    'labels.team = ""': KeyFilter(labels={"team": ""}),
    "labels.team = web AND labels.env=prod": KeyFilter(labels={"team": "web", "env": "prod"}),
    'purpose = ENCRYPT_DECRYPT AND algorithm = AES_256_GCM AND labels.a = "AND"': KeyFilter(
        Purpose.ENCRYPT_DECRYPT, Algorithm.AES_256_GCM, {"a": "AND"}
    ),
}

BAD = [
    "purpose",
    "purpose =",
    "purpose = NONE",
    "purpose = SIGN_VERIFY OR purpose = ENCRYPT_DECRYPT",
    "purpose = SIGN_VERIFY AND purpose = SIGN_VERIFY",
    "purpose = SIGN_VERIFY AND",
    "name = k",
    "labels. = web",
    "labels.Team = web",
    'labels.team = "web',
    "labels.team = 'web'",
    "labels.team != web",
    'labels.team = "web" OR 1=1 --"',
    "labels.team = web; DROP TABLE keys",
    " AND ".join(f"labels.l{i} = v" for i in range(9)),
]


@pytest.mark.parametrize(("text", "expected"), GOOD.items(), ids=GOOD)
def test_reads_equalities_joined_by_and(text: str, expected: KeyFilter) -> None:
    assert parse_filter(text) == expected


@pytest.mark.parametrize("text", BAD)
def test_refuses_all_else_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidFilter) as failure:
        parse_filter(text)
    assert [violation.field for violation in failure.value.fields] == ["filter"]
