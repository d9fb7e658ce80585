"""A scenario: what the world looks like, what is started, and which effects must follow. One a flow."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests import scenarios


@dataclass(frozen=True)
class Expected:
    """An effect that must be in the sandbox's log exactly once.

    target: a regular expression for all of it. saying: one that is found in its detail, across lines.
    at_most: how often it may come when nobody knows whether it has; for texts in an emergency.
    at_least: 0 for what comes only where something goes wrong.
    """

    service: str
    action: str
    target: str
    saying: str = ""
    at_most: int = 1
    at_least: int = 1

    def matches(self, effect: Mapping[str, Any]) -> bool:
        return (
            (effect["service"], effect["action"]) == (self.service, self.action)
            and re.fullmatch(self.target, effect["target"]) is not None
            and re.search(self.saying, str(effect["detail"]), re.DOTALL) is not None
        )


@dataclass(frozen=True)
class Scenario:
    """One start of one flow."""

    flow: str  # module path of the flow, as in prefect.yaml
    parameters: Mapping[str, Any]
    seed: Mapping[str, Any]  # on top of the sandbox's empty seed
    expected: Sequence[Expected]
    names: Sequence[str]  # real names that must not reach any public place
    now: str = "2026-11-23T18:00:00+00:00"
    elsewhere: int = 0  # effects that the sandbox doesn't see
    needs_prefect: bool = False  # it changes something in Prefect, so that only the whole product can run it

    @property
    def name(self) -> str:
        """Gives the flow function's name."""
        return self.flow.rpartition(".")[2]

    @property
    def deployment(self) -> str:
        """Gives "flow/deployment" as Prefect names it."""
        dashed = self.name.replace("_", "-")
        return f"{dashed}/{dashed}"

    @property
    def usual(self) -> int:
        """Gives how many effects there are where nothing goes wrong."""
        return sum(each.at_least for each in self.expected)

    def unmet(self, effects: Sequence[Mapping[str, Any]]) -> list[str]:
        """Says what is wrong with the effects that came: missing, doubled, or not asked for."""
        came = [(each, sum(map(each.matches, effects))) for each in self.expected]
        wrong = [
            f"{times} times instead of once: {expected}"
            for expected, times in came
            if not expected.at_least <= times <= expected.at_most
        ]
        return wrong + [
            f"not asked for: {effect['service']} {effect['action']} {effect['target']}"
            for effect in effects
            if not any(expected.matches(effect) for expected in self.expected)
        ]


def all_scenarios() -> list[Scenario]:
    """Gives the scenario of every module in tests/scenarios."""
    modules = sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))
    return [importlib.import_module(f"tests.scenarios.{name}").SCENARIO for name in modules]
