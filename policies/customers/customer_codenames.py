"""Decides which codename an account gets, what is still missing for it, and what has drifted apart.

Handbook: customer-success#assign-a-customer-codename
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from policies import minor_planets
from policies.confidentiality import Confidential, KnownNames
from policies.customer import CODENAME_LABEL, Account, Kind, Label, Post, Refused
from policies.report import Link, Report

# "As part of the label description in the fleetdm/confidential repo, add the customer or prospect name."
DESCRIPTION_LIMIT = 100  # characters, GitHub's

PUBLIC_DESCRIPTION = "Codename of a customer or prospect who wishes to remain anonymous."


@dataclass(frozen=True)
class Known:
    """What the two repositories, Salesforce and earlier runs hold about codenames."""

    confidential: Sequence[Label]
    public: Sequence[Label]
    reserved: Mapping[str, str]  # minor planet -> Salesforce account id
    planets: Sequence[str]
    customer_names: Collection[Confidential[str]]
    blocked: Collection[str] = ()

    def taken(self) -> set[str]:
        """Gives the planets in use in either repository or reserved for an account."""
        return {planet_of(label.name) for label in (*self.confidential, *self.public)} | set(self.reserved)

    def labels_of(self, account: Account) -> list[str]:
        """Gives the labels of the confidential repository that carry an account's name."""
        return [label.name for label in self.confidential if _same(label.description, account.name)]

    def reserved_for(self, account_id: str) -> str:
        """Gives the planet that an earlier run has reserved for the account, or ""."""
        return next((planet for planet, owner in self.reserved.items() if owner == account_id), "")


@dataclass(frozen=True)
class Assignment:
    """Which planets may become the codename, best first. Exactly one when the account has a codename already."""

    account: Account
    kind: Kind
    candidates: Iterator[str]

    def label(self, planet: str) -> str:
        """Gives the label of a codename."""
        return f"{self.kind}-{planet}"


def planet_of(label: str) -> str:
    """Gives the planet in a codename label, or "" when it is none."""
    found = CODENAME_LABEL.match(label)
    return found[2].lower() if found else ""


def assignment(account: Account, kind: Kind, wished_name: str, known: Known) -> Assignment:
    """Decides on an account's codename.

    Raises:
        Refused: with every reason why not.
    """
    wished = minor_planets.slug(wished_name)
    existing, problems = _existing(account, kind, known)
    if (length := len(account.name.reveal())) > DESCRIPTION_LIMIT:
        problems.append(
            f"The name of account {account.id} makes a label description of {length} characters; GitHub takes "
            f"{DESCRIPTION_LIMIT}. Shorten the account's name in Salesforce."
        )
    if wished and existing and wished != existing:
        problems.append(
            f'Account {account.id} has the codename "{existing}" already. Leave the wished name empty to keep it, or '
            f'rename the label "{kind}-{existing}" in both repositories by hand.'
        )
    if wished_name and not existing:
        problems += _objections(wished_name, known)
    if problems:
        raise Refused(*problems)
    only = existing or wished
    return Assignment(account, kind, iter([only]) if only else _suggestions(account, known))


def settled(account: Account, known: Known) -> str:
    """Gives the label on which both repositories and Salesforce agree for an account, "" when they don't."""
    mapped = known.labels_of(account)
    agreed = mapped == [account.github_label] and _among(account.github_label, known.public)
    return account.github_label if agreed else ""


def kind_of(account: Account, known: Known) -> Kind:
    """Says whether an account's label is a prospect's. One without a label is taken for a customer."""
    return "prospect" if any(label.startswith("prospect-") for label in known.labels_of(account)) else "customer"


def _existing(account: Account, kind: Kind, known: Known) -> tuple[str, list[str]]:
    """Gives the planet that the account has already, if any, and what contradicts it."""
    mapped = known.labels_of(account)
    field = account.github_label
    if field and field not in mapped:
        return "", [_unmapped_field(account, mapped, known)]
    if len(mapped) > 1:
        return "", [
            f"{len(mapped)} labels of the confidential repository carry this account's name: {_listed(mapped)}. "
            "Delete or rename all but one."
        ]
    if not mapped:
        return known.reserved_for(account.id), []
    planet, problems = planet_of(mapped[0]), list[str]()
    if (owner := known.reserved.get(planet, account.id)) != account.id:
        problems.append(
            f'The codename "{planet}" belongs to account {owner}, which has the same name as {account.id}. Merge '
            "the two accounts in Salesforce, or rename one."
        )
    if not mapped[0].startswith(f"{kind}-"):
        problems.append(
            f'Account {account.id} has the label "{mapped[0]}" already. To turn a prospect into a customer, start '
            f'"promote-prospect"; otherwise start again with the kind of that label.'
        )
    return planet, problems


def _unmapped_field(account: Account, mapped: Sequence[str], known: Known) -> str:
    field = account.github_label
    if mapped:
        contradiction = f"but {_listed(mapped)} of the confidential repository carries this account's name"
    elif any(label.name == field for label in known.confidential):
        contradiction = "which stands for another name in the confidential repository"
    else:
        contradiction = "which is no label of the confidential repository"
    return (
        f'The "GitHub label" field of account {account.id} holds "{field}" already, {contradiction}. Find out which is '
        "right, correct the other, and start again."
    )


def _objections(wished_name: str, known: Known) -> list[str]:
    return minor_planets.reasons_against(
        wished_name,
        planets=known.planets,
        taken=known.taken(),
        customer_names=known.customer_names,
        blocked=known.blocked,
    )


def _suggestions(account: Account, known: Known) -> Iterator[str]:
    return minor_planets.suggestions(
        account.id,
        planets=known.planets,
        taken=known.taken(),
        customer_names=known.customer_names,
        blocked=known.blocked,
    )


def none_left(account_id: str) -> Refused:
    """Words that no candidate could be reserved."""
    return Refused(
        f"The name wished for account {account_id} has just been reserved for another account, or no minor planet "
        "is left. Start again with another name."
    )


def assigned(account: Account, label: str) -> Report:
    """Words the result of an assignment."""
    return Report(
        "Customer codename",
        [f'Account {account.id} is "{label}" in public from now on. Attach the label to its issues.'],
        ("Account", "Label"),
        [(Link(account.id, account.url), label)],
    )


@dataclass(frozen=True)
class Promotion:
    """The label a prospect has, and the one it gets."""

    old: str
    new: str


def promotion(account: Account, known: Known) -> Promotion:
    """Decides how the account's prospect label becomes a customer label.

    Raises:
        Refused: it has no codename, or the customer label stands beside the prospect's.
    """
    mapped = known.labels_of(account)
    planet = planet_of(mapped[0]) if len(mapped) == 1 else ""
    if not planet:
        raise Refused(
            f"{len(mapped)} codename labels of the confidential repository carry the name of account {account.id}; "
            'exactly one must. Without one, start "assign-customer-codename".'
        )
    found = Promotion(f"prospect-{planet}", f"customer-{planet}")
    problems = [
        problem
        for where, labels in (("confidential", known.confidential), ("public", known.public))
        if (problem := _unfit_for_promotion(found, where, labels))
    ]
    if account.github_label not in {"", found.old, found.new}:
        problems.append(_unmapped_field(account, mapped, known))
    if problems:
        raise Refused(*problems)
    return found


def _unfit_for_promotion(wanted: Promotion, where: str, labels: Sequence[Label]) -> str:
    match _among(wanted.old, labels), _among(wanted.new, labels):
        case True, True:
            return (
                f'Both "{wanted.old}" and "{wanted.new}" are labels of the {where} repository. Move the issues of '
                "one to the other and delete it."
            )
        case False, False:
            return (
                f'Neither "{wanted.old}" nor "{wanted.new}" is a label of the {where} repository. Start '
                '"assign-customer-codename" first.'
            )
        case _:
            return ""


def promoted(account: Account, label: Promotion) -> Report:
    """Words the result of a promotion."""
    return Report(
        "Prospect became a customer",
        [f'"{label.old}" is "{label.new}" now; issues keep the label.'],
        ("Account", "Label"),
        [(Link(account.id, account.url), label.new)],
    )


@dataclass(frozen=True)
class Drift:
    """Something that no longer agrees, and how to mend it. Holds no names."""

    where: str
    what: str
    fix: str
    url: str = ""


def drift(accounts: Iterable[Account], known: Known) -> list[Drift]:
    """Compares the labels of both repositories and Salesforce's field, in all directions."""
    holders: dict[str, list[Account]] = {}
    for account in accounts:
        holders.setdefault(account.github_label, []).append(account)
    confidential = {label.name: label for label in known.confidential}
    public = {label.name: label for label in known.public}
    return [
        *_one_sided(confidential, public),
        *_unmapped(confidential),
        *_talkative(public),
        *_fields(holders, confidential),
        *_without_account(confidential, holders),
    ]


def _one_sided(confidential: Mapping[str, Label], public: Mapping[str, Label]) -> Iterator[Drift]:
    for name in sorted(confidential.keys() - public.keys()):
        yield Drift(
            name,
            "is a label of the confidential repository only",
            'Start "assign-customer-codename" for its account',
            confidential[name].url,
        )
    for name in sorted(public.keys() - confidential.keys()):
        yield Drift(
            name,
            "is a label of the public repository only, so nobody knows whom it stands for",
            "Add it to the confidential repository with the customer's name as description, or delete it",
            public[name].url,
        )


def _unmapped(confidential: Mapping[str, Label]) -> Iterator[Drift]:
    for name, label in sorted(confidential.items()):
        if not label.description.reveal().strip():
            yield Drift(name, "has no name in its description", "Write the customer's name into it", label.url)


def _talkative(public: Mapping[str, Label]) -> Iterator[Drift]:
    for name, label in sorted(public.items()):
        if label.description.reveal().strip() not in {"", PUBLIC_DESCRIPTION}:
            yield Drift(
                name,
                "has a description of its own in the public repository",
                f'Read it: if it gives the customer away, replace it at once by "{PUBLIC_DESCRIPTION}"',
                label.url,
            )


def _fields(holders: Mapping[str, Sequence[Account]], confidential: Mapping[str, Label]) -> Iterator[Drift]:
    for label, accounts in sorted(holders.items()):
        if len(accounts) > 1:
            ids = _listed([account.id for account in accounts])
            yield Drift(
                label, f"stands in the field of {len(accounts)} accounts: {ids}", "Clear all but one", accounts[0].url
            )
        for account in accounts:
            if label not in confidential:
                yield Drift(
                    account.id,
                    f'holds "{label}", which is no label of the confidential repository',
                    'Correct the field, or clear it and start "assign-customer-codename"',
                    account.url,
                )
            elif not _same(confidential[label].description, account.name):
                yield Drift(
                    account.id,
                    f'holds "{label}", which stands for another name in the confidential repository',
                    "Find out which is right and correct the other",
                    account.url,
                )


def _without_account(confidential: Mapping[str, Label], holders: Mapping[str, object]) -> Iterator[Drift]:
    for name, label in sorted(confidential.items()):
        if name not in holders:
            yield Drift(
                name,
                'stands in no account\'s "GitHub label" field',
                'Start "assign-customer-codename" for its account',
                label.url,
            )


LOOKS_BACK = timedelta(days=7)  # a name that stays is told again every night of its first week, then weekly


def looks_back_to(now: datetime, *, everything: bool) -> datetime | None:
    """Gives since when changed issues and comments are searched; None searches them all."""
    return None if everything else now - LOOKS_BACK


def leaks(posts: Iterable[Post], labels: Iterable[Label], names: KnownNames) -> list[Drift]:
    """Finds customers' real names in what anybody can read. Says whose name it is, never the name."""
    found = [(post.kind, post.url, names.find(post.text)) for post in posts]
    found += [("label", label.url, names.find(f"{label.name} {label.description.reveal()}")) for label in labels]
    return [
        Drift(
            ", ".join(sorted({finding.owner for finding in findings})),
            f"has its real name in a public {kind}",
            "Edit the name out, then delete the old revision in the edit history",
            url,
        )
        for kind, url, findings in found
        if findings
    ]


def audited(drift: Sequence[Drift], leaks: Sequence[Drift], day: date) -> Report:
    """Words what the audit found, names in public first."""
    found = [*leaks, *drift]
    told = f"{len(leaks)} public texts with a real name, {len(drift)} disagreements between GitHub and Salesforce."
    return Report(
        f"Customer codenames, {day:%B %-d, %Y}",
        [told if found else "All labels, descriptions and Salesforce fields agree, and no real name stands in public."],
        ("Where", "What", "Fix"),
        [(Link(each.where, each.url), each.what, each.fix) for each in found],
    )


@dataclass(frozen=True)
class Message:
    """A report to post, and what makes it the same report."""

    report: Report
    key: str


def messages(report: Report, day: date) -> list[Message]:
    """Gives the message to post: one a day for the same findings, none when all is well."""
    digest = hashlib.sha256(report.markdown().encode()).hexdigest()[:12]
    return [Message(report, f"{day}/{digest}")] if report.rows else []


def _among(name: str, labels: Iterable[Label]) -> bool:
    """Says whether GitHub would take the name for one of the labels; it doesn't tell capitals apart."""
    return any(label.name.lower() == name.lower() for label in labels)


def _same(description: Confidential[str], name: Confidential[str]) -> bool:
    return _folded(description) == _folded(name)


def _folded(text: Confidential[str]) -> str:
    return " ".join(text.reveal().casefold().split())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
