"""Paths of the gateway: google.api.http templates as regular expressions of RE2."""

from __future__ import annotations

import re

SERVICE_PREFIX = "/service"

# A segment never holds what some server might read as a separator: "/", ";" (path parameters), ":" (verbs) or "\\".
_SEGMENT = r"[^/;:\\]+"
_REST = r"[^;:\\]+"
_VARIABLE = re.compile(r"\{[a-z0-9_.]+(?:=([^{}]*))?\}")
_FIELD = re.compile(r"\{([a-z0-9_.]+)")
_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")


class TemplateError(ValueError):
    """A google.api.http template that the gateway cannot serve."""


def template_regex(template: str) -> str:
    """The regular expression of the paths that `template` matches, e.g. "/v1/{name=orgs/*/keys/*}:encrypt".

    Raises TemplateError for what google/api/http.proto does not allow.
    """
    plain = _VARIABLE.sub(lambda found: found.group(1) or "*", template)
    path, colon, verb = plain.partition(":")
    if not path.startswith("/") or (colon and not _LITERAL.fullmatch(verb)):
        raise TemplateError(f"{template!r} is not a path template of google/api/http.proto")
    segments = path[1:].split("/")
    if "**" in segments[:-1]:
        raise TemplateError(f"{template!r} has '**' before its end")
    return "".join("/" + _segment(segment, template) for segment in segments) + (f":{verb}" if colon else "")


def bound_fields(template: str) -> list[str]:
    """Paths of the fields that `template` gives a value, e.g. "name" or "thing.name"."""
    return _FIELD.findall(template)


def specificity(template: str) -> tuple[int, ...]:
    """Sorts templates so that a literal is tried before a wildcard in the same place, and "*" before "**"."""
    plain = _VARIABLE.sub(lambda found: found.group(1) or "*", template)
    return tuple({"*": 1, "**": 2}.get(segment.partition(":")[0], 0) for segment in plain[1:].split("/"))


def _segment(segment: str, template: str) -> str:
    match segment:
        case "*":
            return _SEGMENT
        case "**":
            return _REST
        case _ if _LITERAL.fullmatch(segment):
            return re.escape(segment)
        case _:
            raise TemplateError(f"{template!r} has a segment that is neither a literal nor a wildcard: {segment!r}")
