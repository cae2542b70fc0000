"""The tags that everything we make carries. Policies, listings and deletions all use these names;
a test holds the shipped policies against them."""

INSTALLATION = "headnode:installation"
ENVIRONMENT = "headnode:environment"
RUN = "headnode:run"
ATTEMPT = "headnode:attempt"
OWNER = "headnode:owner"
DEADLINE = "headnode:deadline"
"""Epoch seconds (UTC) after which the machine may be removed without asking any record."""
HOLD = "headnode:hold"
"""A person's wish to keep a machine: epoch seconds (UTC) until which the reaper leaves it alone."""
ORPHAN = "headnode:orphan"
"""Epoch seconds at which the reaper first saw the machine without a record: mark, wait, look again."""
