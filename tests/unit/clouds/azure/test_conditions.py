"""The language of conditions of role assignments, as far as it is evaluated."""

import pytest

from local.clouds.azure.authorization.conditions import Asked, UnreadableCondition, read

ACCOUNT = "@Resource[Microsoft.Storage/storageAccounts:name]"
CONTAINER = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name]"
ASKED = Asked(
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    {
        "microsoft.storage/storageaccounts:name": "store",
        "microsoft.storage/storageaccounts/blobservices/containers:name": "it's",
    },
)
YES, NO = f"{ACCOUNT} StringEquals 'store'", f"{ACCOUNT} StringEquals 'Store'"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (YES, True),
        (NO, False),
        (f"{CONTAINER} StringEquals 'it''s'", True),
        ("ActionMatches{'microsoft.storage/*/blobs/READ'}", True),
        ("ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'}", False),
        (f"{NO} OR {YES} AND {YES}", True),
        (f"{YES} OR {YES} AND {NO}", True),
        (f"({YES} OR {YES}) AND {NO}", False),
        (f"NOT {NO} AND {YES}", True),
        (f"!({YES} && {NO})", True),
        (f"!{YES} || {NO}", False),
        (f"(( {YES} ))", True),
        (f"!(!({YES}))", True),
        (f"\n{YES.lower().replace('stringequals', 'STRINGEQUALS')}\n", True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool):
    assert read(text)(ASKED) is holds


def test_an_attribute_that_is_not_there_equals_nothing():
    assert not read(YES)(Asked("any/read"))
    assert not read(f"{ACCOUNT} StringEquals ''")(Asked("any/read"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "(",
        f"({YES}",
        f"{YES})",
        f"{YES} {YES}",
        f"{YES} AND",
        f"{ACCOUNT} StringLike 'st*'",
        f"{ACCOUNT} StringEquals store",
        f"{ACCOUNT} StringEquals {{'store'}}",
        f"{ACCOUNT} StringEquals 'open",
        "@Request[Microsoft.Storage/storageAccounts:name] StringEquals 'store'",
        "@Resource[Microsoft.Storage/storageAccounts:kind] StringEquals 'store'",
        "ActionMatches('a/read')",
        "ActionMatches{a/read}",
        "SubOperationMatches{'Blob.List'}",
        "(" * 100 + YES + ")" * 100,
        "!" * 100 + YES,
    ],
)
def test_what_is_not_understood_is_refused(text: str):
    with pytest.raises(UnreadableCondition):
        read(text)
