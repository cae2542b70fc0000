"""The service's XML: small documents, written and read."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from typing import Any

from local.clouds.azure.blob import errors


def document(name: str, parts: Any, **attributes: str) -> bytes:
    """A document of one element; `parts` are its text (or a tuple of text and attributes), its elements
    by name, or a list of mappings of one element each."""
    root = ElementTree.Element(name, attributes)
    _fill(root, parts)
    return b'<?xml version="1.0" encoding="utf-8"?>' + ElementTree.tostring(root)


def parsed(body: bytes, name: str) -> ElementTree.Element:
    """The root element of a body. Raises Refused when it is another one, or no XML; a document type
    is not read at all."""
    if b"<!DOCTYPE" in body:
        raise errors.bad_xml()
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 (no document type, so no entities)
    except ElementTree.ParseError:
        raise errors.bad_xml() from None
    if root.tag != name:
        raise errors.bad_xml()
    return root


def _fill(element: ElementTree.Element, parts: Any) -> None:
    if isinstance(parts, tuple):
        element.text = parts[0]
        element.attrib |= parts[1]
    elif isinstance(parts, Mapping):
        for name, inner in parts.items():
            _fill(ElementTree.SubElement(element, name), inner)
    elif isinstance(parts, Sequence) and not isinstance(parts, str):
        for each in parts:
            _fill(element, each)
    else:
        element.text = str(parts)
