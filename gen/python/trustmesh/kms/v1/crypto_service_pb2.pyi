from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.rpc import status_pb2 as _status_pb2
from trustmesh.options.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EncryptRequest(_message.Message):
    __slots__ = ("name", "plaintext", "additional_authenticated_data", "plaintext_crc32c", "additional_authenticated_data_crc32c")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    name: str
    plaintext: bytes
    additional_authenticated_data: bytes
    plaintext_crc32c: int
    additional_authenticated_data_crc32c: int
    def __init__(self, name: _Optional[str] = ..., plaintext: _Optional[bytes] = ..., additional_authenticated_data: _Optional[bytes] = ..., plaintext_crc32c: _Optional[int] = ..., additional_authenticated_data_crc32c: _Optional[int] = ...) -> None: ...

class EncryptResponse(_message.Message):
    __slots__ = ("version", "ciphertext", "ciphertext_crc32c", "verified_plaintext_crc32c", "verified_additional_authenticated_data_crc32c")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_PLAINTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    version: str
    ciphertext: bytes
    ciphertext_crc32c: int
    verified_plaintext_crc32c: bool
    verified_additional_authenticated_data_crc32c: bool
    def __init__(self, version: _Optional[str] = ..., ciphertext: _Optional[bytes] = ..., ciphertext_crc32c: _Optional[int] = ..., verified_plaintext_crc32c: _Optional[bool] = ..., verified_additional_authenticated_data_crc32c: _Optional[bool] = ...) -> None: ...

class DecryptRequest(_message.Message):
    __slots__ = ("name", "ciphertext", "additional_authenticated_data", "ciphertext_crc32c", "additional_authenticated_data_crc32c")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    name: str
    ciphertext: bytes
    additional_authenticated_data: bytes
    ciphertext_crc32c: int
    additional_authenticated_data_crc32c: int
    def __init__(self, name: _Optional[str] = ..., ciphertext: _Optional[bytes] = ..., additional_authenticated_data: _Optional[bytes] = ..., ciphertext_crc32c: _Optional[int] = ..., additional_authenticated_data_crc32c: _Optional[int] = ...) -> None: ...

class DecryptResponse(_message.Message):
    __slots__ = ("version", "plaintext", "plaintext_crc32c", "verified_ciphertext_crc32c", "verified_additional_authenticated_data_crc32c")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_CIPHERTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    version: str
    plaintext: bytes
    plaintext_crc32c: int
    verified_ciphertext_crc32c: bool
    verified_additional_authenticated_data_crc32c: bool
    def __init__(self, version: _Optional[str] = ..., plaintext: _Optional[bytes] = ..., plaintext_crc32c: _Optional[int] = ..., verified_ciphertext_crc32c: _Optional[bool] = ..., verified_additional_authenticated_data_crc32c: _Optional[bool] = ...) -> None: ...

class SignRequest(_message.Message):
    __slots__ = ("name", "data", "sha256_digest", "message_crc32c")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: bytes
    sha256_digest: bytes
    message_crc32c: int
    def __init__(self, name: _Optional[str] = ..., data: _Optional[bytes] = ..., sha256_digest: _Optional[bytes] = ..., message_crc32c: _Optional[int] = ...) -> None: ...

class SignResponse(_message.Message):
    __slots__ = ("version", "signature", "signature_crc32c", "verified_message_crc32c")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    version: str
    signature: bytes
    signature_crc32c: int
    verified_message_crc32c: bool
    def __init__(self, version: _Optional[str] = ..., signature: _Optional[bytes] = ..., signature_crc32c: _Optional[int] = ..., verified_message_crc32c: _Optional[bool] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("name", "data", "sha256_digest", "signature", "message_crc32c", "signature_crc32c")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: bytes
    sha256_digest: bytes
    signature: bytes
    message_crc32c: int
    signature_crc32c: int
    def __init__(self, name: _Optional[str] = ..., data: _Optional[bytes] = ..., sha256_digest: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., message_crc32c: _Optional[int] = ..., signature_crc32c: _Optional[int] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("version", "valid", "verified_message_crc32c", "verified_signature_crc32c")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_SIGNATURE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    version: str
    valid: bool
    verified_message_crc32c: bool
    verified_signature_crc32c: bool
    def __init__(self, version: _Optional[str] = ..., valid: _Optional[bool] = ..., verified_message_crc32c: _Optional[bool] = ..., verified_signature_crc32c: _Optional[bool] = ...) -> None: ...

class BatchEncryptRequest(_message.Message):
    __slots__ = ("name", "items")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[EncryptItem]
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[EncryptItem, _Mapping]]] = ...) -> None: ...

class EncryptItem(_message.Message):
    __slots__ = ("plaintext", "additional_authenticated_data", "plaintext_crc32c", "additional_authenticated_data_crc32c")
    PLAINTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_FIELD_NUMBER: _ClassVar[int]
    PLAINTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    plaintext: bytes
    additional_authenticated_data: bytes
    plaintext_crc32c: int
    additional_authenticated_data_crc32c: int
    def __init__(self, plaintext: _Optional[bytes] = ..., additional_authenticated_data: _Optional[bytes] = ..., plaintext_crc32c: _Optional[int] = ..., additional_authenticated_data_crc32c: _Optional[int] = ...) -> None: ...

class BatchEncryptResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[EncryptResult]
    def __init__(self, results: _Optional[_Iterable[_Union[EncryptResult, _Mapping]]] = ...) -> None: ...

class EncryptResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: EncryptResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[EncryptResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchDecryptRequest(_message.Message):
    __slots__ = ("name", "items")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[DecryptItem]
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[DecryptItem, _Mapping]]] = ...) -> None: ...

class DecryptItem(_message.Message):
    __slots__ = ("ciphertext", "additional_authenticated_data", "ciphertext_crc32c", "additional_authenticated_data_crc32c")
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_CRC32C_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_AUTHENTICATED_DATA_CRC32C_FIELD_NUMBER: _ClassVar[int]
    ciphertext: bytes
    additional_authenticated_data: bytes
    ciphertext_crc32c: int
    additional_authenticated_data_crc32c: int
    def __init__(self, ciphertext: _Optional[bytes] = ..., additional_authenticated_data: _Optional[bytes] = ..., ciphertext_crc32c: _Optional[int] = ..., additional_authenticated_data_crc32c: _Optional[int] = ...) -> None: ...

class BatchDecryptResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[DecryptResult]
    def __init__(self, results: _Optional[_Iterable[_Union[DecryptResult, _Mapping]]] = ...) -> None: ...

class DecryptResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: DecryptResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[DecryptResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchSignRequest(_message.Message):
    __slots__ = ("name", "items")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[SignItem]
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[SignItem, _Mapping]]] = ...) -> None: ...

class SignItem(_message.Message):
    __slots__ = ("data", "sha256_digest", "message_crc32c")
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    sha256_digest: bytes
    message_crc32c: int
    def __init__(self, data: _Optional[bytes] = ..., sha256_digest: _Optional[bytes] = ..., message_crc32c: _Optional[int] = ...) -> None: ...

class BatchSignResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[SignResult]
    def __init__(self, results: _Optional[_Iterable[_Union[SignResult, _Mapping]]] = ...) -> None: ...

class SignResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: SignResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[SignResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchVerifyRequest(_message.Message):
    __slots__ = ("name", "items")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    items: _containers.RepeatedCompositeFieldContainer[VerifyItem]
    def __init__(self, name: _Optional[str] = ..., items: _Optional[_Iterable[_Union[VerifyItem, _Mapping]]] = ...) -> None: ...

class VerifyItem(_message.Message):
    __slots__ = ("data", "sha256_digest", "signature", "message_crc32c", "signature_crc32c")
    DATA_FIELD_NUMBER: _ClassVar[int]
    SHA256_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_CRC32C_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    sha256_digest: bytes
    signature: bytes
    message_crc32c: int
    signature_crc32c: int
    def __init__(self, data: _Optional[bytes] = ..., sha256_digest: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., message_crc32c: _Optional[int] = ..., signature_crc32c: _Optional[int] = ...) -> None: ...

class BatchVerifyResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[VerifyResult]
    def __init__(self, results: _Optional[_Iterable[_Union[VerifyResult, _Mapping]]] = ...) -> None: ...

class VerifyResult(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: VerifyResponse
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[VerifyResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
