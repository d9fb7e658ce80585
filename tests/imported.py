"""What the fork server imports before the first start."""

from deployments import warm

__all__ = ["warm"]
