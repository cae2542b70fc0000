"""What the steps say, as the Functions host keeps it: it takes a line's text alone."""

import json
import logging

FACTS = ("step", "subject", "outcome", "why", "machine")


class Facts(logging.Filter):
    """Adds a line's facts to its text. The subject correlates the lines of all functions about it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every line through."""
        facts = {name: str(value) for name, value in vars(record).items() if name in FACTS}
        if facts:
            record.msg, record.args = f"{record.getMessage()} {json.dumps(facts)}", ()
        return True


def with_facts(logger: logging.Logger) -> None:
    """Makes the logger do so from now on. Idempotent."""
    if not any(isinstance(each, Facts) for each in logger.filters):
        logger.addFilter(Facts())
