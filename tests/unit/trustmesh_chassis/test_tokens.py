import json
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustmesh_chassis.errors import Unauthenticated, Unavailable
from trustmesh_chassis.tokens import MAX_TOKEN_LENGTH, JwksError, Principal, TokenVerifier, covers, parse_jwks

ISSUER = "https://localhost:8443"
NOW = datetime(2026, 11, 21, 2, 0, 0, tzinfo=UTC)
SECOND = int(NOW.timestamp())
LEEWAY = 5
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)

HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
CLAIMS = {
    "iss": ISSUER,
    "aud": "trustmesh",
    "sub": "orgs/demo/clients/all",
    "client_id": "c1",
    "exp": SECOND + 600,
    "iat": SECOND,
    "jti": "t1",
    "scope": "kms.* petstore.pets.get",
    "orgs": ["demo"],
}


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(header: object = HEADER, claims: object = CLAIMS, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """A token around `header` and `claims`; text and bytes go in as they are."""
    parts = [
        part if isinstance(part, bytes) else (part if isinstance(part, str) else json.dumps(part)).encode()
        for part in (header, claims)
    ]
    data = ".".join(map(base64url, parts))
    return f"{data}.{base64url(raw_signature(key, data.encode()))}"


def jwk(kid: str = "k1", key: ec.EllipticCurvePrivateKey = KEY, **members: object) -> dict[str, object]:
    numbers = key.public_key().public_numbers()
    x, y = (base64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y} | members


def jwks(*keys: object) -> str:
    return json.dumps({"keys": keys})


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(clock: Clock) -> TokenVerifier:
    verifier = TokenVerifier(ISSUER, "trustmesh", clock, leeway=timedelta(seconds=LEEWAY))
    verifier.use_jwks(jwks(jwk()))
    return verifier


def test_verify_gives_the_principal(verifier: TokenVerifier) -> None:
    principal = verifier.verify(signed())
    assert principal == Principal(
        subject="orgs/demo/clients/all",
        client_id="c1",
        orgs=frozenset({"demo"}),
        scopes=frozenset({"kms.*", "petstore.pets.get"}),
        assurance=0,
        token_id="t1",
        expires=SECOND + 600,
    )
    assert principal.acts_in("demo") and not principal.acts_in("other")


@pytest.mark.parametrize(
    ("changed", "assurance"),
    [
        ({"acr": "urn:trustmesh:acr:single-factor"}, 1),
        ({"acr": "urn:trustmesh:acr:multi-factor"}, 2),
        ({"acr": "urn:trustmesh:acr:phishing-resistant"}, 3),
        ({"acr": "gold"}, 0),
        ({"acr": ["urn:trustmesh:acr:phishing-resistant"]}, 0),
    ],
)
def test_verify_reads_the_assurance(verifier: TokenVerifier, changed: dict[str, object], assurance: int) -> None:
    assert verifier.verify(signed(claims=CLAIMS | changed)).assurance == assurance


@pytest.mark.parametrize(
    "token",
    [
        signed(HEADER | {"typ": "application/AT+JWT"}),
        signed(HEADER | {"unknown": 1}),
        signed(claims=CLAIMS | {"aud": ["elsewhere", "trustmesh"]}),
        signed(claims=CLAIMS | {"nbf": SECOND}),
        signed(claims={name: value for name, value in CLAIMS.items() if name not in ("scope", "orgs")}),
    ],
    ids=["media type in full", "unknown header", "audience list", "nbf now", "no scope and no orgs"],
)
def test_verify_accepts(verifier: TokenVerifier, token: str) -> None:
    assert verifier.verify(token).token_id == "t1"


def hmac_token(key: bytes) -> str:
    data = ".".join(base64url(json.dumps(part).encode()) for part in (HEADER | {"alg": "HS256"}, CLAIMS))
    return f"{data}.{base64url(digest(key, data.encode(), sha256))}"


def rsa_token() -> str:
    data = ".".join(base64url(json.dumps(part).encode()) for part in (HEADER | {"alg": "RS256", "kid": "rsa"}, CLAIMS))
    return f"{data}.{base64url(RSA_KEY.sign(data.encode(), PKCS1v15(), SHA256()))}"


def unsigned(alg: str, signature: str = "") -> str:
    return signed(HEADER | {"alg": alg}).rpartition(".")[0] + "." + signature


def der_signed() -> str:
    data = signed().rpartition(".")[0]
    return f"{data}.{base64url(KEY.sign(data.encode(), ec.ECDSA(SHA256())))}"


def stray_bits() -> str:
    """The valid token with another spelling of its last base64url character: the same bytes decode from it."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = signed()
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

REFUSED = {
    # signature and algorithm
    "none": (unsigned("none"), "algorithm"),
    "nOnE": (unsigned("nOnE"), "algorithm"),
    "none with a signature": (unsigned("none", "AA"), "algorithm"),
    "empty signature": (unsigned("ES256"), "signature"),
    "psychic signature": (unsigned("ES256", base64url(bytes(64))), "signature"),
    "signature of another length": (unsigned("ES256", base64url(bytes(65))), "signature"),
    "DER signature": (der_signed(), "signature"),
    "another key's signature": (signed(key=OTHER_KEY), "signature"),
    "another spelling of the signature": (stray_bits(), "canonical"),
    "HS256 keyed with the public PEM": (hmac_token(PEM), "algorithm"),
    "HS256 keyed with the public DER": (hmac_token(DER), "algorithm"),
    "HS256 keyed with the public point": (hmac_token(POINT), "algorithm"),
    "HS256 keyed with nothing": (hmac_token(b""), "algorithm"),
    "RS256 with a known RSA key": (rsa_token(), "algorithm"),
    "ES256 over a key of another algorithm": (signed(HEADER | {"kid": "rsa"}), "key is unknown"),
    "ES384": (signed(HEADER | {"alg": "ES384"}), "algorithm"),
    "es256": (signed(HEADER | {"alg": "es256"}), "algorithm"),
    "alg list": (signed(HEADER | {"alg": ["ES256"]}), "algorithm"),
    "no alg": (signed({"typ": "at+jwt", "kid": "k1"}), "algorithm"),
    # the key's name
    "unknown kid": (signed(HEADER | {"kid": "k2"}), "key is unknown"),
    "kid traversal": (signed(HEADER | {"kid": "../../../../dev/null"}), "key is unknown"),
    "kid SQL": (signed(HEADER | {"kid": "k2' UNION SELECT 'k1'--"}), "key is unknown"),
    "kid URL": (signed(HEADER | {"kid": "http://127.0.0.1:1/k1"}), "key is unknown"),
    "kid 64 KB": (signed(HEADER | {"kid": "k" * 65536}), "longer"),
    "kid object": (signed(HEADER | {"kid": {"k1": 1}}), "key is unknown"),
    "kid empty": (signed(HEADER | {"kid": ""}), "key is unknown"),
    "no kid": (signed({"alg": "ES256", "typ": "at+jwt"}), "key is unknown"),
    # headers that name, bring or change something
    "jku": (signed(HEADER | {"jku": "http://127.0.0.1:1/jwks"}), "header"),
    "x5u": (signed(HEADER | {"x5u": "http://127.0.0.1:1/cert"}), "header"),
    "x5c": (signed(HEADER | {"x5c": [b64encode(DER).decode()]}), "header"),
    "embedded jwk": (signed(HEADER | {"jwk": jwk(key=OTHER_KEY)}, key=OTHER_KEY), "header"),
    "unknown crit": (signed(HEADER | {"crit": ["bork"], "bork": True}), "header"),
    "empty crit": (signed(HEADER | {"crit": []}), "header"),
    "b64 in crit": (signed(HEADER | {"crit": ["b64"], "b64": False}), "header"),
    "b64 alone": (signed(HEADER | {"b64": False}), "header"),
    "compressed": (signed(HEADER | {"zip": "DEF"}), "header"),
    # other tokens of the same issuer
    "ID token": (signed(HEADER | {"typ": "JWT"}), "type"),
    "refresh token": (signed(HEADER | {"typ": "rt+jwt"}), "type"),
    "logout token": (signed(HEADER | {"typ": "logout+jwt"}), "type"),
    "no typ": (signed({"alg": "ES256", "kid": "k1"}), "type"),
    "typ list": (signed(HEADER | {"typ": ["at+jwt"]}), "type"),
    # shape
    "empty": ("", "not a signed JWT"),
    "one part": ("token", "not a signed JWT"),
    "JWE": (signed() + ".AA.AA", "not a signed JWT"),
    "padding": (signed().replace(".", "=.", 1), "base64url"),
    "line end": (signed() + "\n", "base64url"),
    "not ASCII": (signed().replace(".", ".\ud800", 1), "not a signed JWT"),
    "standard alphabet": (signed()[:-4] + "++//", "base64url"),
    "oversize": (signed(claims=CLAIMS | {"pad": "p" * MAX_TOKEN_LENGTH}), "longer"),
    "header is a list": (signed(["ES256"]), "JSON"),
    "header is not JSON": (signed("{"), "JSON"),
    "header is not UTF-8": (signed(b'{"alg":"\xff"}'), "JSON"),
    "header twice alg": (signed('{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"k1"}'), "JSON"),
    "claims nested too deeply": (signed(claims="[" * 5000), "JSON"),
    "claims with NaN": (signed(claims=json.dumps(CLAIMS | {"exp": float("nan")})), "JSON"),
    "duplicate claims": (signed(claims=json.dumps(CLAIMS)[:-1] + ', "orgs": ["platform"]}'), "JSON"),
    "duplicate nested": (signed(claims=json.dumps(CLAIMS)[:-1] + ', "act": {"sub": "a", "sub": "b"}}'), "JSON"),
    # claims
    "wrong iss": (signed(claims=CLAIMS | {"iss": ISSUER + "/"}), "issuer"),
    "wrong aud": (signed(claims=CLAIMS | {"aud": "elsewhere"}), "audience"),
    "wrong aud list": (signed(claims=CLAIMS | {"aud": ["elsewhere"]}), "audience"),
    "aud substring": (signed(claims=CLAIMS | {"aud": "trustmesh2"}), "audience"),
    "exp text": (signed(claims=CLAIMS | {"exp": str(SECOND + 600)}), "exp"),
    "exp true": (signed(claims=CLAIMS | {"exp": True}), "exp"),
    "exp fraction": (signed(claims=CLAIMS | {"exp": SECOND + 0.5}), "exp"),
    "exp endless": (signed(claims=CLAIMS | {"exp": 10**30}), "exp"),
    "exp infinite": (signed(claims=json.dumps(CLAIMS).replace(str(SECOND + 600), "1e999")), "exp"),
    "nbf text": (signed(claims=CLAIMS | {"nbf": "0"}), "nbf"),
    "iat negative": (signed(claims=CLAIMS | {"iat": -1}), "iat"),
    "sub empty": (signed(claims=CLAIMS | {"sub": ""}), "sub"),
    "sub number": (signed(claims=CLAIMS | {"sub": 1}), "sub"),
    "sub line end": (signed(claims=CLAIMS | {"sub": "a\nb"}), "sub"),
    "sub surrogate": (signed(claims=CLAIMS | {"sub": "\ud800"}), "sub"),
    "sub long": (signed(claims=CLAIMS | {"sub": "s" * 513}), "sub"),
    "orgs text": (signed(claims=CLAIMS | {"orgs": "demo"}), "orgs"),
    "orgs number": (signed(claims=CLAIMS | {"orgs": [1]}), "orgs"),
    "orgs path": (signed(claims=CLAIMS | {"orgs": ["demo/../platform"]}), "orgs"),
    "scope list": (signed(claims=CLAIMS | {"scope": ["*"]}), "scope"),
    "scope two spaces": (signed(claims=CLAIMS | {"scope": "a  b"}), "scope"),
    "scope quote": (signed(claims=CLAIMS | {"scope": 'a"b'}), "scope"),
} | {
    f"no {name}": (signed(claims={k: v for k, v in CLAIMS.items() if k != name}), why)
    for name, why in {
        "iss": "issuer",
        "aud": "audience",
        "exp": "exp",
        "iat": "iat",
        "sub": "sub",
        "client_id": "client_id",
        "jti": "jti",
    }.items()
}


@pytest.mark.parametrize(("token", "why"), REFUSED.values(), ids=REFUSED)
def test_verify_refuses(verifier: TokenVerifier, token: str, why: str) -> None:
    verifier.use_jwks(jwks(jwk(), {"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": "AQAB", "e": "AQAB"}))
    with pytest.raises(Unauthenticated, match=why):
        verifier.verify(token)
    with pytest.raises(Unauthenticated, match=why):
        verifier.verify(token)


def test_refusal_shows_nothing_of_the_token(verifier: TokenVerifier) -> None:
    for token, _ in REFUSED.values():
        with pytest.raises(Unauthenticated) as refused:
            verifier.verify(token)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
        assert len(refused.value.message) < 100


@pytest.mark.parametrize(
    ("changed", "seconds", "valid"),
    [
        ({"exp": SECOND}, LEEWAY - 1, True),
        ({"exp": SECOND}, LEEWAY - 0.001, True),
        ({"exp": SECOND}, LEEWAY, False),
        ({"exp": SECOND}, LEEWAY + 1, False),
        ({"nbf": SECOND}, -LEEWAY - 1, False),
        ({"nbf": SECOND, "iat": SECOND - 60}, -LEEWAY - 0.001, False),
        ({"nbf": SECOND, "iat": SECOND - 60}, -LEEWAY, True),
        ({"nbf": SECOND, "iat": SECOND - 60}, -LEEWAY + 1, True),
        ({"iat": SECOND}, -LEEWAY - 1, False),
        ({"iat": SECOND}, -LEEWAY, True),
        ({"iat": SECOND, "nbf": SECOND - 60}, -LEEWAY - 1, False),
    ],
)
def test_verify_at_the_edges_of_the_leeway(
    verifier: TokenVerifier, clock: Clock, changed: dict[str, object], seconds: float, valid: bool
) -> None:
    clock.now = NOW + timedelta(seconds=seconds)
    token = signed(claims=CLAIMS | changed)
    if valid:
        assert verifier.verify(token).token_id == "t1"
    else:
        with pytest.raises(Unauthenticated):
            verifier.verify(token)


def test_remembered_token_expires_to_the_moment(verifier: TokenVerifier, clock: Clock) -> None:
    token = signed()
    first = verifier.verify(token)
    clock.now = NOW + timedelta(seconds=600 + LEEWAY - 0.001)
    assert verifier.verify(token) is first
    clock.now = NOW + timedelta(seconds=600 + LEEWAY)
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token)


def test_remembered_token_is_not_valid_before_its_time(verifier: TokenVerifier, clock: Clock) -> None:
    token = signed()
    verifier.verify(token)
    clock.now = NOW - timedelta(hours=1)
    with pytest.raises(Unauthenticated, match="not valid yet"):
        verifier.verify(token)


def test_rotation_keeps_tokens_of_published_keys_and_refuses_the_rest(verifier: TokenVerifier) -> None:
    old, new = signed(), signed(HEADER | {"kid": "k2"}, key=OTHER_KEY)
    verifier.verify(old)
    verifier.use_jwks(jwks(jwk(), jwk("k2", OTHER_KEY)))
    assert verifier.verify(old) == verifier.verify(new)
    verifier.use_jwks(jwks(jwk("k2", OTHER_KEY)))
    assert set(verifier.keys) == {"k2"}
    with pytest.raises(Unauthenticated, match="key is unknown"):
        verifier.verify(old)
    assert verifier.verify(new).token_id == "t1"


def test_remembers_at_most_so_many_and_forgets_the_least_recently_used(clock: Clock) -> None:
    verifier = TokenVerifier(ISSUER, "trustmesh", clock, cache_size=2)
    verifier.use_jwks(jwks(jwk()))
    tokens = [signed(claims=CLAIMS | {"jti": str(number)}) for number in range(3)]
    first, second = (verifier.verify(token) for token in tokens[:2])
    assert verifier.verify(tokens[0]) is first
    verifier.verify(tokens[2])
    assert verifier.verify(tokens[0]) is first
    assert verifier.verify(tokens[1]) is not second


def test_verify_without_keys_is_unavailable(clock: Clock) -> None:
    with pytest.raises(Unavailable) as unavailable:
        TokenVerifier(ISSUER, "trustmesh", clock).verify(signed())
    assert unavailable.value.retry_after == 1.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("\ud800", "not JSON"),
        (b"\xff", "not JSON"),
        ("[]", "not JSON"),
        ("{}", "list"),
        ('{"keys": {}}', "list"),
        (jwks(*[jwk(str(number)) for number in range(65)]), "at most"),
        (jwks("k1"), "not an object"),
        (jwks(), "no ES256"),
        (jwks(jwk(use="enc")), "no ES256"),
        (jwks(jwk(alg="ES384")), "no ES256"),
        (jwks(jwk(d="AA")), "private"),
        (jwks(jwk(), {"kty": "oct", "k": "AA"}), "private"),
        (jwks(jwk(), jwk()), "twice"),
        (jwks(jwk(kid="")), "kid"),
        (jwks(jwk(kid="k" * 129)), "kid"),
        (jwks(jwk(kid=1)), "kid"),  # type: ignore[arg-type]  # a kid of another type is the case
        (jwks(jwk(kty="OKP")), "P-256"),
        (jwks(jwk(crv="secp256k1")), "P-256"),
        (jwks(jwk(x="AA")), "32 bytes"),
        (jwks(jwk(x=1)), "32 bytes"),
        (jwks(jwk(x="!")), "base64url"),
        (jwks(jwk(y=jwk(key=OTHER_KEY)["y"])), "point"),
    ],
)
def test_unusable_jwks_leaves_the_keys_in_use(verifier: TokenVerifier, text: str | bytes, why: str) -> None:
    token = signed()
    before = verifier.verify(token)
    with pytest.raises(JwksError, match=why):
        verifier.use_jwks(text)
    assert verifier.verify(token) is before


def test_parse_jwks_takes_bytes() -> None:
    assert parse_jwks(jwks(jwk()).encode())["k1"] == KEY.public_key()


@pytest.mark.parametrize(
    ("scope", "permission", "granted"),
    [
        ("kms.keys.encrypt", "kms.keys.encrypt", True),
        ("kms.keys.encrypt", "kms.keys.decrypt", False),
        ("kms.keys.encrypt", "kms.keys.encrypt.more", False),
        ("kms.*", "kms.keys.encrypt", True),
        ("kms.keys.*", "kms.keys.encrypt", True),
        ("kms.keys.*", "kms.keyrings.get", False),
        ("kms.*", "kmsx.keys.get", False),
        ("kms.*", "kms.keys.*", True),
        ("kms.keys.*", "kms.*", False),
        ("kms*", "kms.keys.get", False),
        ("*", "kms.keys.get", True),
        ("*", "*", True),
        ("kms.*", "*", False),
        (".*", "kms.keys.get", False),
    ],
)
def test_covers(scope: str, permission: str, granted: bool) -> None:
    assert covers(scope, permission) is granted


def test_may_is_decided_once(verifier: TokenVerifier) -> None:
    principal = verifier.verify(signed())
    assert [principal.may(name) for name in ("kms.keys.get", "petstore.pets.get", "petstore.pets.delete")] == [True, True, False]
    assert [principal.may(name) for name in ("kms.keys.get", "petstore.pets.get", "petstore.pets.delete")] == [True, True, False]
    assert "decisions" not in repr(principal)
