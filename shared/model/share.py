"""What several environments have together: one set of queues for those with the same specification."""

from typing import ClassVar

from shared.model.records import Record


class Share(Record, frozen=True, kw_only=True):
    """Who uses it. The store's compare-and-swap makes it a count that no crash and no race can falsify.

    An environment becomes a member before it makes anything of it, and the last one takes it apart before
    it stops being one. `closing` is that last one's id: nobody joins any more until all of it is gone.
    """

    kind: ClassVar[str] = "share"

    members: tuple[str, ...] = ()
    closing: str = ""
