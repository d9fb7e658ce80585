"""Customer codenames, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from policies.confidentiality import Confidential, KnownNames
from policies.customer import Account, Kind, Label, Post, Refused
from policies.customers import customer_codenames as policy

ID, OTHER_ID = "001Ux0000000001IAA", "001Ux0000000002IAA"
NAME = "Quillfeather Logistics"
PLANETS = ("Pallas", "Juno", "Vesta", "Astraea", "Hebe", "Flora", "Metis", "Thalia")


def account(name: str = NAME, field: str = "", account_id: str = ID) -> Account:
    return Account(account_id, Confidential(name), field, "Jason Lewis", f"https://sf/{account_id}")


def label(name: str, description: str = "") -> Label:
    return Label(name, Confidential(description), f"https://github/{name}")


def known(
    confidential: tuple[Label, ...] = (), public: tuple[Label, ...] = (), reserved: dict[str, str] | None = None
) -> policy.Known:
    return policy.Known(confidential, public, reserved or {}, PLANETS, [Confidential(NAME)])


def assign(customer: Account, known: policy.Known, kind: Kind = "customer", wished: str = "") -> list[str]:
    found = policy.assignment(customer, kind, wished, known)
    return [found.label(planet) for planet in found.candidates]


def test_a_new_customer_is_offered_appropriate_planets_in_an_order_of_its_own() -> None:
    mine = assign(account(), known())
    assert sorted(mine) == sorted(f"customer-{planet.lower()}" for planet in PLANETS)
    assert mine == assign(account(), known()), "The order must be the same each time."
    assert mine != assign(account(account_id=OTHER_ID), known())


def test_a_prospect_gets_a_prospect_label() -> None:
    assert all(name.startswith("prospect-") for name in assign(account(), known(), "prospect"))


def test_a_wished_planet_is_the_only_candidate() -> None:
    assert assign(account(), known(), wished="Vesta") == ["customer-vesta"]


@pytest.mark.parametrize(
    ("labels", "public"),
    [((label("customer-vesta", "Marlowe"),), ()), ((), (label("prospect-vesta"),)), ((label("Customer-VESTA"),), ())],
    ids=["in the confidential repository", "for a prospect in the public one", "in capitals"],
)
def test_a_planet_in_use_is_neither_offered_nor_granted(labels: tuple[Label, ...], public: tuple[Label, ...]) -> None:
    assert "customer-vesta" not in assign(account(), known(labels, public))
    with pytest.raises(Refused, match="vesta"):
        assign(account(), known(labels, public), wished="Vesta")


def test_a_planet_reserved_for_another_account_is_not_offered() -> None:
    assert "customer-juno" not in assign(account(), known(reserved={"juno": OTHER_ID}))


def test_a_planet_reserved_by_an_earlier_run_for_this_account_is_kept() -> None:
    assert assign(account(), known(reserved={"hebe": ID})) == ["customer-hebe"]


def test_another_wish_than_the_planet_of_an_earlier_run_is_refused() -> None:
    with pytest.raises(Refused, match='has the codename "hebe" already'):
        assign(account(), known(reserved={"hebe": ID}), wished="Vesta")


def test_a_name_that_is_no_minor_planet_is_refused() -> None:
    with pytest.raises(Refused, match="Nosuchplanet"):
        assign(account(), known(), wished="Nosuchplanet")


def test_a_customer_whose_name_is_in_a_confidential_description_has_that_codename() -> None:
    assert assign(account(), known((label("customer-metis", NAME),))) == ["customer-metis"]


def test_capitals_and_spaces_in_a_description_make_no_difference() -> None:
    assert assign(account(), known((label("customer-metis", "  QUILLFEATHER  logistics "),))) == ["customer-metis"]


def test_a_codename_finished_in_one_place_only_is_finished_not_replaced() -> None:
    half = known((label("customer-metis", NAME),), (), {"metis": ID})
    assert assign(account(), half) == ["customer-metis"]


def test_a_field_that_agrees_with_the_mapping_keeps_its_codename() -> None:
    assert assign(account(field="customer-metis"), known((label("customer-metis", NAME),))) == ["customer-metis"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ((), "is no label of the confidential repository"),
        ((label("customer-vesta", "Marlowe and Daughters"),), "stands for another name"),
        ((label("customer-metis", NAME),), '"customer-metis" of the confidential repository carries this account'),
    ],
    ids=["a label nobody knows", "another customer's label", "a label beside the mapped one"],
)
def test_a_field_that_holds_another_label_asks_a_person(labels: tuple[Label, ...], said: str) -> None:
    with pytest.raises(Refused, match=said):
        assign(account(field="customer-vesta"), known(labels))


def test_two_labels_with_one_name_ask_a_person() -> None:
    with pytest.raises(Refused, match=r'2 labels .* "customer-metis", "customer-hebe"'):
        assign(account(), known((label("customer-metis", NAME), label("customer-hebe", NAME))))


def test_two_accounts_of_one_name_ask_a_person() -> None:
    with pytest.raises(Refused, match=f"belongs to account {OTHER_ID}, which has the same name"):
        assign(account(), known((label("customer-metis", NAME),), reserved={"metis": OTHER_ID}))


def test_a_prospects_codename_becomes_a_customers_by_promotion_only() -> None:
    with pytest.raises(Refused, match="promote-prospect"):
        assign(account(), known((label("prospect-metis", NAME),)))


def test_a_description_over_100_characters_is_refused_and_one_of_100_is_not() -> None:
    assert assign(account(100 * "q"), known())
    with pytest.raises(Refused, match="101 characters; GitHub takes 100"):
        assign(account(101 * "q"), known())


def test_all_problems_are_named_at_once_and_never_with_the_name() -> None:
    with pytest.raises(Refused) as refused:
        assign(account(101 * "q"), known(), wished="Nosuchplanet")
    assert "for 2 reasons" in str(refused.value)
    assert "qqq" not in str(refused.value)


def test_promotion_renames_prospect_to_customer() -> None:
    both = (label("prospect-metis", NAME),), (label("prospect-metis"),)
    assert policy.promotion(account(field="prospect-metis"), known(*both)) == policy.Promotion(
        "prospect-metis", "customer-metis"
    )


def test_a_promotion_stopped_half_way_goes_on() -> None:
    half = known((label("customer-metis", NAME),), (label("prospect-metis"),))
    assert policy.promotion(account(field="prospect-metis"), half).new == "customer-metis"


@pytest.mark.parametrize(
    ("confidential", "public", "field", "said"),
    [
        ((), (), "", "0 codename labels"),
        ((label("prospect-metis", NAME),), (), "", 'Neither "prospect-metis" nor "customer-metis"'),
        (
            (label("prospect-metis", NAME),),
            (label("prospect-metis"), label("customer-metis")),
            "",
            'Both "prospect-metis" and "customer-metis" are labels of the public repository',
        ),
        (
            (label("prospect-metis", NAME),),
            (label("prospect-metis"),),
            "customer-vesta",
            'holds "customer-vesta" already',
        ),
    ],
    ids=["no codename", "no public label", "both labels in public", "another label in Salesforce"],
)
def test_a_promotion_that_would_lose_something_asks_a_person(
    confidential: tuple[Label, ...], public: tuple[Label, ...], field: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        policy.promotion(account(field=field), known(confidential, public))


def drift(accounts: list[Account], confidential: tuple[Label, ...], public: tuple[Label, ...]) -> list[tuple[str, str]]:
    return [(each.where, each.what) for each in policy.drift(accounts, known(confidential, public))]


def test_what_agrees_is_no_drift() -> None:
    assert drift([account(field="customer-metis")], (label("customer-metis", NAME),), (label("customer-metis"),)) == []


@pytest.mark.parametrize(
    ("accounts", "confidential", "public", "where", "said"),
    [
        (
            [account(field="customer-a")],
            (label("customer-a", NAME),),
            (),
            "customer-a",
            "the confidential repository only",
        ),
        ([], (), (label("customer-a"),), "customer-a", "nobody knows whom it stands for"),
        (
            [account(field="customer-a")],
            (label("customer-a"),),
            (label("customer-a"),),
            "customer-a",
            "no name in its desc",
        ),
        (
            [account(field="customer-a")],
            (label("customer-a", NAME),),
            (label("customer-a", "the big one"),),
            "customer-a",
            "a description of its own",
        ),
        ([account(field="customer-b")], (), (), ID, "which is no label of the confidential repository"),
        ([account(field="customer-a")], (label("customer-a", "Marlowe"),), (label("customer-a"),), ID, "another name"),
        ([], (label("customer-a", NAME),), (label("customer-a"),), "customer-a", "stands in no account"),
        (
            [account(field="customer-a"), account(field="customer-a", account_id=OTHER_ID)],
            (label("customer-a", NAME),),
            (label("customer-a"),),
            "customer-a",
            "the field of 2 accounts",
        ),
    ],
    ids=[
        "label in the confidential repository only",
        "label in the public repository only",
        "no name in the confidential description",
        "a description in public",
        "a field without a label",
        "a field that names somebody else's label",
        "a label without an account",
        "two accounts with one label",
    ],
)
def test_each_kind_of_drift_is_told_with_its_place_and_a_fix(
    accounts: list[Account], confidential: tuple[Label, ...], public: tuple[Label, ...], where: str, said: str
) -> None:
    found = policy.drift(accounts, known(confidential, public))
    assert [each for each in found if each.where == where and said in each.what and each.fix and each.url], found


def test_a_name_in_public_is_told_by_place_and_owner_and_not_repeated() -> None:
    names = KnownNames([(f"Salesforce account {ID}", Confidential(NAME))])
    posts = [
        Post("issue", "https://github/1", "Quillfeather Logistics sees it too"),
        Post("comment", "https://github/1#2", "the same here"),
    ]
    found = policy.leaks(posts, [label("bug", "of QUILLFEATHER-LOGISTICS")], names)
    assert [(each.where, each.url) for each in found] == [
        (f"Salesforce account {ID}", "https://github/1"),
        (f"Salesforce account {ID}", "https://github/bug"),
    ]
    report = policy.audited([], found, date(2026, 11, 23))
    assert "uillfeather" not in report.markdown() + str(report.slack_blocks()) + report.slack_text()


def test_all_well_is_said_in_prefect_and_not_in_slack() -> None:
    report = policy.audited([], [], date(2026, 11, 23))
    assert "no real name stands in public" in report.markdown()
    assert policy.messages(report, date(2026, 11, 23)) == []


def test_the_same_findings_are_told_once_a_day() -> None:
    found = policy.drift([], known((label("customer-a", NAME),), ()))
    day = date(2026, 11, 23)
    first, again = (policy.messages(policy.audited(found, [], day), day) for _ in range(2))
    assert [message.key for message in first] == [message.key for message in again]
    tomorrow = day + timedelta(days=1)
    assert policy.messages(policy.audited(found, [], tomorrow), tomorrow)[0].key != first[0].key


def test_the_nightly_audit_looks_back_a_week_and_the_weekly_one_at_everything() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert policy.looks_back_to(now, everything=False) == datetime(2026, 11, 16, tzinfo=UTC)
    assert policy.looks_back_to(now, everything=True) is None
