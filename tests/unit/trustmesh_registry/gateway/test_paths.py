"""Templates of google/api/http.proto as regular expressions."""

from __future__ import annotations

import re

import pytest

from trustmesh_registry.gateway.paths import TemplateError, bound_fields, specificity, template_regex

KEY = "/v1/{name=orgs/*/keys/*}"


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/v1/ping", "/v1/ping"),
        (KEY, "/v1/orgs/demo/keys/one"),
        (f"{KEY}:encrypt", "/v1/orgs/demo/keys/one:encrypt"),
        ("/v1/{id}", "/v1/a%20b"),
        ("/v1/{thing.name=orgs/*}/parts", "/v1/orgs/demo/parts"),
        ("/v1/{name=files/**}", "/v1/files/a/b/c"),
        ("/v1/keys:batchGet", "/v1/keys:batchGet"),
    ],
)
def test_a_template_matches_its_paths(template: str, path: str) -> None:
    assert re.fullmatch(template_regex(template), path)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/orgs/demo/keys/one:encrypt",
        "/v1/orgs/demo/keys/one/",
        "/v1/orgs/demo/keys/",
        "/v1/orgs//keys/one",
        "/v1/orgs/de/mo/keys/one",
        "/v1/orgs/demo/keys/one;a=b",
        "/v1/orgs/demo;/keys/one",
        "/v1/orgs/demo\\keys/keys/one",
        "/v1/orgs/a:b/keys/one",
        "x/v1/orgs/demo/keys/one",
    ],
)
def test_a_variable_never_takes_a_separator(path: str) -> None:
    assert not re.fullmatch(template_regex(KEY), path)


@pytest.mark.parametrize(
    "template", ["v1/a", "/v1/**/a", "/v1/a*", "/v1/{name=orgs/*", "/v1/a:b:c", "/v1/a:", "/v1/(a|b)", "/v1//a", "/v1/{Name}", ""]
)
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        template_regex(template)


def test_a_literal_is_tried_before_a_wildcard() -> None:
    templates = ["/v1/{name=**}", "/v1/{name=*/two}", "/v1/{name=one/*}", "/v1/one/two", "/v1/one/*:verb"]
    assert sorted(templates, key=specificity)[0] == "/v1/one/two"
    assert sorted(templates, key=specificity)[-1] == "/v1/{name=**}"
    assert specificity("/v1/one/*:verb") < specificity("/v1/{name=*/two}")


def test_dots_of_a_literal_are_no_wildcards() -> None:
    assert not re.fullmatch(template_regex("/v1/a.b"), "/v1/axb")


def test_the_fields_that_a_path_gives() -> None:
    assert bound_fields("/v1/{thing.name=orgs/*/things/*}/parts/{part_id}") == ["thing.name", "part_id"]
