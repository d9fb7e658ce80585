"""What a network and a service do to a write: before the service has done it, and after."""

from __future__ import annotations

FAULTS = [
    *("500_before", "403_retry_after", "429", "reset_before"),
    *("500_after", "reset_after", "timeout_after", "malformed"),
]
