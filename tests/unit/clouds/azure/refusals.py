"""How the SDKs tell of a refusal."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError


def refused(act: Any, *arguments: Any, **named: Any) -> tuple[int, str]:
    """The status and the code with which a call is turned down."""
    with pytest.raises(HttpResponseError) as caught:
        act(*arguments, **named)
    return caught.value.status_code, caught.value.error.code
