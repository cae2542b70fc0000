"""Refusals of blob storage: XML where ARM has JSON, and codes of its own."""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from local.clouds.answer import Answer
from local.clouds.azure.errors import Refused

RESOURCE = "https://storage.azure.com"
"""What tokens for storage are made out to."""


@dataclass
class StorageRefused(Refused):
    """A refusal in the service's own form; a HEAD gets only its headers."""

    elements: dict[str, str] = field(default_factory=dict)
    """Further elements of the body, such as AuthenticationErrorDetail."""

    def answer(self) -> Answer:
        """The whole answer."""
        more = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in self.elements.items())
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{escape(self.code)}</Code>'
            f"<Message>{escape(self.message)}</Message>{more}</Error>"
        )
        headers = [("Content-Type", "application/xml"), ("x-ms-error-code", self.code), *self.headers.items()]
        return Answer(self.status, body.encode(), headers)


def unmodelled(what: str) -> StorageRefused:
    """The emulator's own refusal: nobody taught it this."""
    return StorageRefused(501, "NotImplemented", f"The emulated Azure does not know {what}.")


def no_account(name: str) -> StorageRefused:
    """An account that does not exist. The real cloud has no such host then."""
    return StorageRefused(404, "ResourceNotFound", f"There is no storage account '{name}'.")


def no_container() -> StorageRefused:
    """404 of a container."""
    return StorageRefused(404, "ContainerNotFound", "The specified container does not exist.")


def no_blob() -> StorageRefused:
    """404 of a blob."""
    return StorageRefused(404, "BlobNotFound", "The specified blob does not exist.")


def container_exists() -> StorageRefused:
    """A container of that name is there already."""
    return StorageRefused(409, "ContainerAlreadyExists", "The specified container already exists.")


def blob_exists() -> StorageRefused:
    """Somebody wanted to be the first."""
    return StorageRefused(409, "BlobAlreadyExists", "The specified blob already exists.")


def wrong_type() -> StorageRefused:
    """An append to a block blob, or a block for an append blob."""
    return StorageRefused(409, "InvalidBlobType", "The blob type is invalid for this operation.")


def condition_not_met(status: int = 412) -> StorageRefused:
    """A conditional header; reads of what is unchanged are 304."""
    said = "The condition specified using HTTP conditional header(s) is not met."
    return StorageRefused(status, "ConditionNotMet", said)


def append_position() -> StorageRefused:
    """The blob's length is not what x-ms-blob-condition-appendpos says."""
    said = "The append position condition specified was not met."
    return StorageRefused(412, "AppendPositionConditionNotMet", said)


def max_size() -> StorageRefused:
    """The blob would get longer than x-ms-blob-condition-maxsize."""
    return StorageRefused(
        412, "MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met."
    )


def too_many_blocks(limit: int) -> StorageRefused:
    """An append blob takes so many blocks and no more."""
    said = f"The committed block count cannot exceed the maximum limit of {limit:,} blocks."
    return StorageRefused(409, "BlockCountExceedsLimit", said)


def too_large(limit: int) -> StorageRefused:
    """A body beyond what one call may bring."""
    said = "The request body is too large and exceeds the maximum permissible limit."
    return StorageRefused(413, "RequestBodyTooLarge", said, elements={"MaxLimit": str(limit)})


def bad_header(name: str, value: str) -> StorageRefused:
    """400 for a header that can not be read."""
    return StorageRefused(
        400,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
        elements={"HeaderName": name, "HeaderValue": value},
    )


def missing_header(name: str) -> StorageRefused:
    """400 for a header that must be there."""
    said = "An HTTP header that's mandatory for this request is not specified."
    return StorageRefused(400, "MissingRequiredHeader", said, elements={"HeaderName": name})


def bad_query(name: str, value: str, code: str = "InvalidQueryParameterValue") -> StorageRefused:
    """400 for a query parameter."""
    said = "Value for one of the query parameters specified in the request URI is invalid."
    return StorageRefused(
        400, code, said, elements={"QueryParameterName": name, "QueryParameterValue": value}
    )


def bad_range(size: int) -> StorageRefused:
    """416: the range begins behind the end."""
    said = "The range specified is invalid for the current size of the resource."
    return StorageRefused(416, "InvalidRange", said, {"Content-Range": f"bytes */{size}"})


def bad_xml() -> StorageRefused:
    """400 for a body."""
    return StorageRefused(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")


def bad_name() -> StorageRefused:
    """400 for a container's name: 3 to 63 lower-case letters, digits and single hyphens."""
    said = "The specifed resource name contains invalid characters."
    return StorageRefused(400, "InvalidResourceName", said)


def bad_metadata() -> StorageRefused:
    """400 for a name of metadata: those of C#'s identifiers."""
    said = "The metadata specified is invalid. It has characters that are not permitted."
    return StorageRefused(400, "InvalidMetadata", said)


def bad_block_list() -> StorageRefused:
    """400: a block list names a block that is not there."""
    return StorageRefused(400, "InvalidBlockList", "The specified block list is invalid.")


def bad_block() -> StorageRefused:
    """400: ids are base64, and of the same length within a blob."""
    return StorageRefused(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")


def bad_digest() -> StorageRefused:
    """400: the body is not what Content-MD5 says."""
    said = "The MD5 value specified in the request did not match with the MD5 value calculated by the server."
    return StorageRefused(400, "Md5Mismatch", said)
