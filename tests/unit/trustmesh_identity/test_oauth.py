from base64 import b64encode
from urllib.parse import quote_plus, urlencode

import pytest

from trustmesh_identity.authz.oauth import MAX_BODY, OAuthError, TokenRequest, read_token_request

FORM = ("content-type", "application/x-www-form-urlencoded")
GRANT = {"grant_type": "client_credentials"}
SECRET = {"client_id": "demo.a", "client_secret": "s1"}


def basic(client_id: str = "demo.a", secret: str = "s1") -> tuple[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "authorization", "Basic " + b64encode(pair.encode()).decode()


def read(headers: list[tuple[str, str]], form: dict[str, str] | str | bytes, query: str = "") -> TokenRequest:
    text = urlencode(form) if isinstance(form, dict) else form
    return read_token_request(headers, query, text.encode() if isinstance(text, str) else text, "trustmesh")


@pytest.mark.parametrize(
    ("headers", "form", "expected"),
    [
        ([FORM, basic()], GRANT, TokenRequest("demo.a", "s1", ())),
        ([FORM, basic()], GRANT | {"client_id": "demo.a"}, TokenRequest("demo.a", "s1", ())),
        ([FORM, basic("a:b", "s&+%é")], GRANT, TokenRequest("a:b", "s&+%é", ())),
        ([FORM], GRANT | SECRET, TokenRequest("demo.a", "s1", ())),
        ([FORM], GRANT | SECRET | {"scope": "kms.* a.b"}, TokenRequest("demo.a", "s1", ("kms.*", "a.b"))),
        ([FORM], GRANT | SECRET | {"scope": "", "resource": "", "unknown": "1"}, TokenRequest("demo.a", "s1", ())),
        ([FORM], GRANT | SECRET | {"resource": "trustmesh", "audience": "trustmesh"}, TokenRequest("demo.a", "s1", ())),
        ([("content-type", f"{FORM[1].upper()}; charset=UTF-8")], GRANT | SECRET, TokenRequest("demo.a", "s1", ())),
    ],
)
def test_reads(headers: list[tuple[str, str]], form: dict[str, str], expected: TokenRequest) -> None:
    assert read(headers, form) == expected


REFUSED = {
    "no content type": ([basic()], GRANT, "", "invalid_request", 415),
    "JSON": ([("content-type", "application/json"), basic()], b"{}", "", "invalid_request", 415),
    "multipart": ([("content-type", "multipart/form-data"), basic()], GRANT, "", "invalid_request", 415),
    "content type twice": ([FORM, FORM, basic()], GRANT, "", "invalid_request", 400),
    "parameters in the URL": ([FORM, basic()], GRANT, "grant_type=client_credentials", "invalid_request", 400),
    "long body": ([FORM], b"a=" + b"b" * MAX_BODY, "", "invalid_request", 413),
    "not UTF-8": ([FORM], b"a=%ff", "", "invalid_request", 400),
    "not ASCII": ([FORM], b"a=\xff", "", "invalid_request", 400),
    "no equals sign": ([FORM], b"grant_type", "", "invalid_request", 400),
    "many parameters": ([FORM], "&".join(f"p{n}=1" for n in range(33)), "", "invalid_request", 400),
    "duplicate grant_type": ([FORM, basic()], b"grant_type=client_credentials&grant_type=password", "", "invalid_request", 400),
    "duplicate same scope": ([FORM, basic()], urlencode(GRANT) + "&scope=a&scope=a", "", "invalid_request", 400),
    "duplicate unknown": ([FORM, basic()], urlencode(GRANT) + "&x=&x=", "", "invalid_request", 400),
    "Authorization twice": ([FORM, basic(), basic()], GRANT, "", "invalid_request", 400),
    "two methods": ([FORM, basic()], GRANT | SECRET, "", "invalid_request", 400),
    "other client_id than Basic": ([FORM, basic()], GRANT | {"client_id": "demo.b"}, "", "invalid_request", 400),
    "client assertion": ([FORM], GRANT | {"client_assertion": "x"}, "", "invalid_request", 400),
    "assertion type and Basic": ([FORM, basic()], GRANT | {"client_assertion_type": "x"}, "", "invalid_request", 400),
    "no authentication": ([FORM], GRANT, "", "invalid_client", 401),
    "secret missing": ([FORM], GRANT | {"client_id": "demo.a"}, "", "invalid_client", 401),
    "id missing": ([FORM], GRANT | {"client_secret": "s1"}, "", "invalid_client", 401),
    "Bearer": ([FORM, ("authorization", "Bearer x")], GRANT, "", "invalid_client", 401),
    "Basic not base64": ([FORM, ("authorization", "Basic !")], GRANT, "", "invalid_client", 401),
    "Basic empty": ([FORM, ("authorization", "Basic")], GRANT, "", "invalid_client", 401),
    "Basic without colon": ([FORM, ("authorization", "Basic YQ==")], GRANT, "", "invalid_client", 401),
    "Basic not UTF-8": ([FORM, ("authorization", "Basic /zr/")], GRANT, "", "invalid_client", 401),
    "Basic bad escape": ([FORM, ("authorization", "Basic " + b64encode(b"%ff:a").decode())], GRANT, "", "invalid_client", 401),
    "Basic empty secret": ([FORM, basic(secret="")], GRANT, "", "invalid_client", 401),
    "no grant_type": ([FORM, basic()], {"scope": "a"}, "", "invalid_request", 400),
    "empty body": ([FORM, basic()], b"", "", "invalid_request", 400),
    "password": (
        [FORM, basic()],
        {"grant_type": "password", "username": "u", "password": "p"},
        "",
        "unsupported_grant_type",
        400,
    ),
    "implicit": ([FORM, basic()], {"grant_type": "implicit"}, "", "unsupported_grant_type", 400),
    "authorization_code": ([FORM, basic()], {"grant_type": "authorization_code"}, "", "unsupported_grant_type", 400),
    "grant type's case": ([FORM, basic()], {"grant_type": "Client_Credentials"}, "", "unsupported_grant_type", 400),
    "resource": ([FORM, basic()], GRANT | {"resource": "https://elsewhere"}, "", "invalid_target", 400),
    "audience": ([FORM, basic()], GRANT | {"audience": "elsewhere"}, "", "invalid_target", 400),
    "scope two spaces": ([FORM, basic()], GRANT | {"scope": "a  b"}, "", "invalid_scope", 400),
    "scope quote": ([FORM, basic()], GRANT | {"scope": 'a"'}, "", "invalid_scope", 400),
    "many scopes": ([FORM, basic()], GRANT | {"scope": " ".join(map(str, range(101)))}, "", "invalid_scope", 400),
}


@pytest.mark.parametrize(("headers", "form", "query", "error", "status"), REFUSED.values(), ids=REFUSED)
def test_refuses(headers: list[tuple[str, str]], form: dict[str, str] | str | bytes, query: str, error: str, status: int) -> None:
    with pytest.raises(OAuthError) as refused:
        read(headers, form, query)
    assert (refused.value.error, refused.value.status) == (error, status)
    assert refused.value.description.isascii() and "s1" not in str(refused.value)
