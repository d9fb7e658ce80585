"""The webhook deliveries of a repository that did not arrive. GitHub never sends one again by itself.

API: https://docs.github.com/rest/repos/webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, cast

from github import UnknownObjectException
from github.Hook import Hook
from github.HookDelivery import HookDeliverySummary

from tasks.effects import Made, Write, perform
from tasks.github_client import Client, explain

WEBHOOK_PATH = "/github"  # of the gateway


@dataclass(frozen=True)
class FailedDelivery:
    """A delivery that did not arrive: the hook's id, the failed attempt's id, and the guid of all its attempts."""

    hook: int
    id: int
    guid: str
    status: int


class Deliveries(Client):
    """Finds what failed, and asks for it again."""

    def failed_deliveries(self, since: datetime) -> list[FailedDelivery]:
        """Gives the webhook deliveries to us that failed since a moment and have not arrived on a later attempt."""
        with self._reading() as repository:
            try:
                hooks: list[Hook] = list(repository.get_hooks())
            except UnknownObjectException:  # the token may not see webhooks; docs/connecting.md names the right
                return []
            found = [
                FailedDelivery(hook.id, delivery.id or 0, delivery.guid or "", delivery.status_code or 0)
                for hook in hooks
                if _address(hook).endswith(WEBHOOK_PATH)
                for delivery in takewhile(_since(since), repository.get_hook_deliveries(hook.id))
            ]
        arrived = {each.guid for each in found if 200 <= each.status < 300}
        latest = {each.guid: each for each in reversed(found)}
        return [each for guid, each in latest.items() if guid not in arrived]

    def ask_for_delivery_again(self, failed: FailedDelivery) -> Made:
        """Has GitHub send a delivery again; once for each attempt that failed."""
        place = f"{self.full_name} {failed.guid}"

        def send() -> Made:
            path = f"/repos/{self.full_name}/hooks/{failed.hook}/deliveries/{failed.id}/attempts"
            with self._writing() as repository:
                repository.requester.requestJsonAndCheck("POST", path)
            return Made(failed.guid)

        def find(_: datetime) -> Made | None:
            return Made(failed.guid) if self._was_tried_after(failed) else None

        request = {"repository": self.full_name, "delivery": failed.guid, "attempt": str(failed.id)}
        once = f"sweeper/delivery/{failed.guid}/{failed.id}"
        return perform(
            Write(once, "GitHub", "redeliver webhook", place, request, send, find, explain, Made(failed.guid))
        )

    def _was_tried_after(self, failed: FailedDelivery) -> bool:
        """Says whether the delivery has a later attempt. GitHub lists the newest first, and one once it is over."""
        with self._reading() as repository:
            later = takewhile(lambda each: each.id != failed.id, repository.get_hook_deliveries(failed.hook))
            return any(each.guid == failed.guid for each in later)


def _address(hook: Hook) -> str:
    config = cast("Mapping[str, Any]", hook.config)  # pyright: ignore[reportUnknownMemberType]
    return str(config.get("url", ""))


def _since(moment: datetime) -> Callable[[HookDeliverySummary], bool]:
    def is_later(delivery: HookDeliverySummary) -> bool:
        return delivery.delivered_at is not None and delivery.delivered_at >= moment

    return is_later
