"""The effect ledger: each effect once, or a reason why not. On SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.confidentiality import Confidential
from tasks import effects, ledger, runs
from tasks.effects import (
    AlreadyThere,
    Different,
    Failure,
    IfAbsent,
    LockedOut,
    Made,
    NothingHappened,
    Refused,
    Unclear,
    Write,
)
from tasks.ledger import State
from tests.conftest import environment

NOBODY = "http://127.0.0.1:9"
RUN = runs.Run("run 1", "hang-a-bell", "a test", datetime(2026, 11, 23, tzinfo=UTC))


class Answer(Exception):
    """What the bell shop answers instead of success."""

    def __init__(self, failure: Failure, *, hung: bool = False) -> None:
        super().__init__(failure.reason)
        self.failure, self.hung = failure, hung


@dataclass
class BellShop:
    """A service that hangs bells and remembers them; it answers as told, then well."""

    answers: list[Answer] = field(default_factory=list[Answer])
    bells: list[str] = field(default_factory=list[str])
    looks: int = 0
    can_be_seen: bool = True
    look_fails: int = 0
    slow: float = 0.0

    def write(self, once: str = "hang-a-bell/door", bell: str = "brass") -> Write:
        def send() -> Made:
            return self.hang(bell)

        def find(_: datetime) -> Made | None:
            self.looks += 1
            if self.look_fails:
                self.look_fails -= 1
                raise Answer(Unclear("The shop is closed."))
            return Made("bell found", "http://shop/bell") if self.can_be_seen and bell in self.bells else None

        def explain(error: Exception) -> Failure:
            return error.failure if isinstance(error, Answer) else Unclear(type(error).__name__)

        return Write(once, "Bells", "hang", "the door", {"bell": bell}, send, find, explain, Made("planned"))

    def hang(self, bell: str = "brass") -> Made:
        effects.assert_permitted()
        threading.Event().wait(self.slow)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or answer.hung:
            self.bells.append(bell)
        if answer:
            raise answer
        return Made(f"bell {len(self.bells)}", "http://shop/bell")


@pytest.fixture(autouse=True)
def own_ledger(database_url: str, use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings(
        environment(NOBODY, database_url) | {"HANDBOOK_PATIENCE": "3", "HANDBOOK_LOOK_AGAIN_AFTER": "[0, 0.01]"}
    )


@pytest.fixture
def shop() -> BellShop:
    return BellShop()


def perform(write: Write, run: runs.Run = RUN) -> Made:
    with runs.acting(run):
        return effects.perform(write)


def state(once: str = "hang-a-bell/door") -> State:
    (row,) = ledger.rows(keys=[once])
    return State(row.state)


def test_an_effect_asked_for_twice_happens_once_and_both_learn_what_it_made(shop: BellShop) -> None:
    assert perform(shop.write()) == perform(shop.write()) == Made("bell 1", "http://shop/bell")
    assert shop.bells == ["brass"]


def test_the_intent_is_in_the_ledger_before_the_call(shop: BellShop) -> None:
    seen: list[State] = []
    write = shop.write()
    perform(replace(write, send=lambda: (seen.append(state()), write.send())[1]))
    assert seen == [State.IN_FLIGHT]


def test_two_runs_at_once_have_one_effect(shop: BellShop) -> None:
    shop.slow = 0.3
    with ThreadPoolExecutor(8) as pool:
        made = [pool.submit(perform, shop.write()) for _ in range(8)]
    assert shop.bells == ["brass"]
    assert len({each.result() for each in made}) == 1


def test_a_key_that_stands_for_another_request_sends_nothing(shop: BellShop) -> None:
    perform(shop.write(bell="brass"))
    with pytest.raises(effects.KeyReused, match="already stands for another request"):
        perform(shop.write(bell="silver"))
    assert shop.bells == ["brass"]


def test_a_rate_limit_is_waited_for_and_is_no_failure(shop: BellShop) -> None:
    shop.answers = [Answer(NothingHappened("Too many.", 0.2))]
    assert perform(shop.write()).id == "bell 1"
    assert [row.state for row in ledger.history_of("hang-a-bell/door")] == [
        "in_flight",
        "retry_later",
        "in_flight",
        "done",
    ]


def test_a_long_rate_limit_postpones_the_effect_until_the_next_run(shop: BellShop) -> None:
    shop.answers = [Answer(NothingHappened("Too many.", 3600))]
    with pytest.raises(effects.EffectPostponed, match="Start the run again in 3600 seconds"):
        perform(shop.write())
    assert state() is State.RETRY_LATER
    assert shop.bells == []


def test_a_refused_token_stops_the_run_and_leaves_the_effect_to_the_next(shop: BellShop) -> None:
    shop.answers = [Answer(LockedOut("The token is refused."))]
    with pytest.raises(effects.EffectPostponed, match="The token is refused"):
        perform(shop.write())
    assert perform(shop.write()).id == "bell 1"


def test_a_refusal_is_final_for_the_run_and_a_corrected_request_may_follow(shop: BellShop) -> None:
    shop.answers = [Answer(Refused("No brass here."))]
    with pytest.raises(effects.EffectRefused, match="No brass here"):
        perform(shop.write(bell="brass"))
    assert state() is State.FAILED
    assert perform(shop.write(bell="silver")).id == "bell 1"
    assert shop.bells == ["silver"]


@pytest.mark.parametrize(
    "failure", [Unclear("Time-out."), AlreadyThere("There is one.")], ids=["time-out", "already there"]
)
def test_an_effect_whose_answer_never_came_is_found_and_not_repeated(shop: BellShop, failure: Failure) -> None:
    shop.answers = [Answer(failure, hung=True)]
    assert perform(shop.write()) == Made("bell found", "http://shop/bell")
    assert shop.bells == ["brass"]
    assert state() is State.DONE


def test_an_effect_that_is_surely_absent_is_sent_again_when_a_repeat_is_safe(shop: BellShop) -> None:
    shop.answers = [Answer(Unclear("Reset."))]
    assert perform(shop.write()).id == "bell 1"
    assert shop.looks == 2, "it must be looked for as often as the settings say"


def test_an_effect_that_must_not_be_repeated_waits_for_a_person(shop: BellShop) -> None:
    shop.answers, shop.can_be_seen = [Answer(Unclear("Reset."), hung=True)], False
    for _ in range(2):
        with pytest.raises(effects.EffectParked, match="waits for a person"):
            perform(replace(shop.write(), if_absent=IfAbsent.PARK))
    assert shop.bells == ["brass"]
    assert state() is State.PARKED


def test_a_parked_effect_that_shows_up_later_is_done(shop: BellShop) -> None:
    test_an_effect_that_must_not_be_repeated_waits_for_a_person(shop)
    shop.can_be_seen = True
    assert perform(replace(shop.write(), if_absent=IfAbsent.PARK)) == Made("bell found", "http://shop/bell")
    assert state() is State.DONE


def test_a_person_settles_a_parked_effect_as_done(shop: BellShop) -> None:
    test_an_effect_that_must_not_be_repeated_waits_for_a_person(shop)
    ledger.settle("hang-a-bell/door", "Kathy", "I see it at the door", "http://door")
    assert perform(shop.write()) == Made("http://door", "http://door")
    assert ledger.history_of("hang-a-bell/door")[-1].started_by == "Kathy"


def test_a_person_allows_a_parked_effect_once_more(shop: BellShop) -> None:
    test_an_effect_that_must_not_be_repeated_waits_for_a_person(shop)
    ledger.settle("hang-a-bell/door", "Kathy", "there is none", None)
    perform(replace(shop.write(), if_absent=IfAbsent.PARK))
    assert shop.bells == ["brass", "brass"]


def test_a_person_cannot_settle_what_is_unknown_or_under_way(shop: BellShop) -> None:
    with pytest.raises(LookupError, match="no effect"):
        ledger.settle("hang-a-bell/window", "Kathy", "why not", None)
    write = shop.write()

    def settle_meanwhile() -> Made:
        with pytest.raises(ValueError, match="is at work"):
            ledger.settle(write.once, "Kathy", "impatience", None)
        return shop.hang()

    perform(replace(write, send=settle_meanwhile))


def test_something_else_in_its_place_waits_for_a_person(shop: BellShop) -> None:
    def another(_: datetime) -> Made:
        raise Different("A silver bell hangs there.")

    shop.answers = [Answer(AlreadyThere("There is one."))]
    with pytest.raises(effects.EffectParked, match="A silver bell hangs there"):
        perform(replace(shop.write(), find=another))


def test_when_looking_fails_too_the_next_run_looks_first(shop: BellShop) -> None:
    shop.answers, shop.look_fails = [Answer(Unclear("Time-out."), hung=True)], 1
    with pytest.raises(effects.EffectInDoubt, match="it will look first"):
        perform(shop.write())
    assert perform(shop.write()).id == "bell found"
    assert shop.bells == ["brass"]


def test_a_service_that_stays_down_ends_the_run_and_loses_nothing(shop: BellShop) -> None:
    shop.answers = [Answer(Unclear("502."))] * 50
    with pytest.raises(effects.EffectPostponed, match="rounds did not settle it"):
        perform(shop.write())
    shop.answers = []
    assert perform(shop.write()).id == "bell 1"
    assert shop.bells == ["brass"]


def test_after_a_kill_the_next_run_waits_for_the_lease_and_looks_before_it_sends(shop: BellShop) -> None:
    write = shop.write()
    killed = ledger.claim(write.once, intent(write, lease=timedelta(seconds=0.4)))
    assert isinstance(killed, ledger.Grant)
    shop.bells.append("brass")
    assert perform(write) == Made("bell found", "http://shop/bell")
    assert shop.bells == ["brass"]
    assert ledger.finish(killed, "late", "") is False, "the killed attempt's epoch is over"


def test_an_attempt_whose_lease_is_over_sends_nothing(shop: BellShop) -> None:
    write = shop.write()
    grant = ledger.claim(write.once, intent(write, lease=timedelta(seconds=-1)))
    assert isinstance(grant, ledger.Grant)
    assert effects._at_once(effects._send(write, grant)) is None  # pyright: ignore[reportPrivateUsage, reportArgumentType]  # a paused process wakes up here
    assert shop.bells == []


def test_an_attempt_that_another_run_has_taken_over_sends_nothing(shop: BellShop) -> None:
    write = shop.write()
    paused = ledger.claim(write.once, intent(write, lease=timedelta(seconds=0)))
    assert isinstance(paused, ledger.Grant)
    perform(write)
    assert effects._at_once(effects._send(write, paused)) is None  # pyright: ignore[reportPrivateUsage, reportArgumentType]
    assert shop.bells == ["brass"]


def test_a_write_outside_the_ledger_is_refused() -> None:
    with pytest.raises(effects.OutsideLedger, match=r"effects\.perform"):
        effects.assert_permitted()


def test_an_effect_without_a_run_behind_it_is_refused(shop: BellShop) -> None:
    with pytest.raises(RuntimeError, match="No run is under way"):
        effects.perform(shop.write())
    assert shop.bells == []


def test_a_dry_run_says_what_it_would_do_and_leaves_no_trace(shop: BellShop) -> None:
    dry = runs.Run("run 2", "hang-a-bell", "a test", RUN.at, dry_run=True)
    assert perform(shop.write(), dry) == Made("planned")
    assert shop.bells == []
    assert ledger.rows() == []
    assert [(outcome.target, outcome.outcome) for outcome in dry.outcomes] == [("the door", "would be done")]


def test_a_service_that_repeats_a_name_does_not_get_it_into_reason_or_ledger(shop: BellShop) -> None:
    secret = Confidential("Northwind Traders")
    shop.answers = [Answer(Refused("Data value too large: Northwind Traders"))]
    with pytest.raises(effects.EffectRefused, match=r"too large: \*\*\*") as refused:
        perform(replace(shop.write(), request={"name": secret}))
    assert refused.value.__cause__ is None
    assert "Northwind" not in str(
        [tuple(row) for row in ledger.rows()] + [tuple(row) for row in ledger.history_of("hang-a-bell/door")]
    )


def test_what_is_there_already_is_not_sent(shop: BellShop) -> None:
    shop.bells.append("brass")
    assert perform(replace(shop.write(), lasting=True)).id == "bell found"
    assert shop.bells == ["brass"]
    assert ledger.rows() == []


def test_what_a_person_has_undone_is_not_done_again_in_silence(shop: BellShop) -> None:
    lasting = replace(shop.write(), lasting=True)
    perform(lasting)
    shop.bells.clear()
    with pytest.raises(effects.Undone, match="gone since"):
        perform(lasting)
    ledger.settle(lasting.once, "Kathy", "the storm took it", None)
    perform(lasting)
    assert shop.bells == ["brass"]


def test_two_lasting_runs_at_once_have_one_effect(shop: BellShop) -> None:
    shop.slow = 0.3
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(perform, replace(shop.write(), lasting=True)) for _ in range(4)]
    assert all(each.result() for each in made)
    assert shop.bells == ["brass"]


def test_a_request_that_has_no_canonical_form_is_refused_before_the_intent(shop: BellShop) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        perform(replace(shop.write(), request={"bell": object()}))
    assert ledger.rows() == []


def test_the_audit_says_who_did_what_when_with_which_link(shop: BellShop) -> None:
    perform(shop.write())
    (row,) = ledger.rows(states=[State.DONE])
    assert (row.procedure, row.run_id, row.started_by, row.made_url) == (
        "hang-a-bell",
        "run 1",
        "a test",
        "http://shop/bell",
    )
    assert row.updated_at.tzinfo is UTC


def test_one_owner_keeps_one_name_and_two_owners_get_two() -> None:
    assert ledger.reserve("codename", "account 1", iter(["pallas", "juno"])) == "pallas"
    assert ledger.reserve("codename", "account 1", iter(["vesta"])) == "pallas"
    assert ledger.reserve("codename", "account 2", iter(["pallas", "juno"])) == "juno"
    assert ledger.reserve("codename", "account 3", iter(["pallas"])) is None
    assert ledger.reserved("codename") == {"pallas": "account 1", "juno": "account 2"}


def test_a_race_for_names_gives_each_owner_its_own() -> None:
    names = [f"planet{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        owners = [f"account {number}" for number in range(4)] * 2
        waiting = [pool.submit(ledger.reserve, "codename", owner, iter(names)) for owner in owners]
    given = [each.result() for each in waiting]
    assert given[:4] == given[4:]
    assert len(set(given)) == 4


def intent(write: Write, lease: timedelta) -> ledger.Intent:
    return ledger.Intent(
        effects.fingerprint(write), "Bells", "hang", "the door", "hang-a-bell", "killed run", "a test", lease
    )


def test_without_a_ledger_there_is_no_effect(shop: BellShop, use_settings: Callable[[Mapping[str, str]], None]) -> None:
    use_settings({"HANDBOOK_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none?connect_timeout=1"})
    with pytest.raises(Exception, match="connection"):
        perform(shop.write())
    assert shop.bells == []
