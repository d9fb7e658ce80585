"""The ledger's engine for coroutines: the same promises, with commits that many share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection

from tasks import database, effects, ledger, runs
from tasks.database import GroupCommit, Transaction
from tasks.effects import Failure, IfAbsent, Made, NothingHappened, Unclear, Write, aperform
from tests.conftest import environment

NOBODY = "http://127.0.0.1:9"
RUN = runs.Run("run 1", "hang-a-bell", "a test", datetime(2026, 11, 23, tzinfo=UTC))


@dataclass
class Kitchen:
    """A service that bakes, slowly, and answers as told first."""

    answers: list[Failure] = field(default_factory=list[Failure])
    baked: list[str] = field(default_factory=list[str])
    at_once: int = 0
    most_at_once: int = 0

    def write(self, cake: str, budget: ledger.Budget | None = None, if_absent: IfAbsent = IfAbsent.REPEAT) -> Write:
        async def send() -> Made:
            effects.assert_permitted()
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            await asyncio.sleep(0.01)
            self.at_once -= 1
            if self.answers:
                raise RuntimeError(self.answers.pop(0))
            self.baked.append(cake)
            return Made(cake)

        async def find(_: datetime) -> Made | None:
            return Made(cake) if cake in self.baked else None

        def explain(error: Exception) -> Failure:
            return error.args[0]

        return Write(
            f"bake/{cake}",
            "Kitchen",
            "bake",
            cake,
            {"cake": cake},
            send,
            find,
            explain,
            Made(""),
            if_absent,
            budget=budget,
        )


@pytest.fixture
def kitchen(database_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> Iterator[Kitchen]:
    use_settings(environment(NOBODY, database_url))
    with runs.acting(RUN):
        yield Kitchen()


def together(*writes: Write) -> list[Made | BaseException]:
    """Performs all at once, with commits in groups."""

    async def all_of_them() -> list[Made | BaseException]:
        group = GroupCommit()
        try:
            with database.committing_together(group):
                return list(await asyncio.gather(*map(aperform, writes), return_exceptions=True))
        finally:
            await group.close()

    return asyncio.run(all_of_them())


def test_many_effects_happen_side_by_side_and_once_each(kitchen: Kitchen) -> None:
    cakes = [f"cake {number}" for number in range(30)]
    together(*(kitchen.write(cake) for cake in [*cakes, *cakes]))
    assert sorted(kitchen.baked) == sorted(cakes)
    assert kitchen.most_at_once > 5
    assert {row.state for row in ledger.rows()} == {ledger.State.DONE}


def test_an_unclear_answer_is_looked_for_before_it_is_repeated(kitchen: Kitchen) -> None:
    kitchen.answers = [Unclear("no answer")]
    assert together(kitchen.write("strudel")) == [Made("strudel")]
    assert kitchen.baked == ["strudel"]
    states = [move.state for move in ledger.history_of("bake/strudel")]
    assert states == ["in_flight", "in_doubt", "in_doubt", "in_flight", "done"]


def test_what_may_not_be_repeated_is_parked_when_it_cannot_be_found(kitchen: Kitchen) -> None:
    kitchen.answers = [Unclear("no answer")]
    (outcome,) = together(kitchen.write("soufflé", if_absent=IfAbsent.PARK))
    assert isinstance(outcome, effects.EffectParked)
    assert kitchen.baked == []


def test_a_refusal_for_now_is_waited_out(kitchen: Kitchen) -> None:
    kitchen.answers = [NothingHappened("busy", 0.05)]
    assert together(kitchen.write("torte")) == [Made("torte")]


def test_what_is_over_the_budget_is_not_sent_and_leaves_no_row(kitchen: Kitchen) -> None:
    def within_budget(cake: str) -> Write:
        return kitchen.write(cake, ledger.Budget("cakes today", cake, 3))

    outcomes = together(*(within_budget(f"cake {number}") for number in range(10)))
    assert len(kitchen.baked) == 3
    assert sum(isinstance(outcome, effects.OverBudget) for outcome in outcomes) == 7
    assert len(ledger.rows()) == 3
    together(*(within_budget(cake) for cake in kitchen.baked))
    assert len(kitchen.baked) == 3, "Who has a place keeps it."


def test_one_transaction_that_fails_does_not_take_the_others_with_it(kitchen: Kitchen) -> None:
    @Transaction
    def breaks(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")

    async def all_of_them() -> list[object]:
        group = GroupCommit()
        reserving = [group.run(ledger.reserve, "shelf", f"jar {number}", ["a", "b", "c"]) for number in range(3)]
        outcomes = await asyncio.gather(*reserving, group.run(breaks), return_exceptions=True)
        await group.close()
        return list(outcomes)

    *reserved, broken = asyncio.run(all_of_them())
    assert sorted(map(str, reserved)) == ["a", "b", "c"]
    assert isinstance(broken, Exception)


def test_a_function_that_blocks_holds_up_nobody(kitchen: Kitchen) -> None:
    def send() -> Made:
        effects.assert_permitted()
        return Made("blocking")

    slow = kitchen.write("slow")
    blocking = Write("bake/blocking", "Kitchen", "bake", "blocking", {}, send, slow.find, slow.explain, Made(""))
    assert together(blocking, slow) == [Made("blocking"), Made("slow")]


def test_a_dry_run_sends_nothing(kitchen: Kitchen) -> None:
    dry = runs.Run("run 2", "hang-a-bell", "a test", RUN.at, dry_run=True)
    with runs.acting(dry):
        asyncio.run(aperform(kitchen.write("gateau")))
    assert kitchen.baked == []
    assert [outcome.outcome for outcome in dry.outcomes] == ["would be done"]


def test_without_a_ledger_only_the_exception_sends(
    kitchen: Kitchen, use_settings: Callable[[Mapping[str, str]], None]
) -> None:
    use_settings({"HANDBOOK_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=1"})
    with pytest.raises(Exception, match="connection"):
        asyncio.run(aperform(kitchen.write("crumble")))
    assert kitchen.baked == []
    asyncio.run(effects.asend_without_ledger(kitchen.write("emergency ration")))
    assert kitchen.baked == ["emergency ration"]
