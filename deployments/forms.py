"""The procedures that start from a form in Slack: who may start them, and what Slack tells of their parameters."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from prefect import Flow
from prefect.settings import PREFECT_UI_URL
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from flows.support import bug_escalation, bug_reports, developer_on_call
from policies import parameter_form, slack_modals
from policies.customer import Refused
from policies.issue import issue_number
from policies.slack_forms import Entry
from policies.support import bug_duplicates
from policies.support import bug_escalation as escalation
from policies.support import customer_bug_report as filing
from policies.support import developer_on_call as on_call
from policies.support.out_of_hours import message_key
from settings import handbook
from tasks import remembered

Problem = tuple[str, str]  # the path of a parameter, or "" where only the sentence tells; and the sentence


@dataclass(frozen=True)
class Form:
    """A form in Slack.

    title: the modal's and the shortcut's, 24 characters at the most.
    roles: of those who may start it; empty: everybody whom handbook.toml names.
    checked: what the procedure's policy says against the parameters without asking anybody.
    message, channel: the parameters that are filled in with where it was asked for.
    handle: the parameter that is the person's own handle, which they are not asked for.
    hidden: parameters that are not for people.
    """

    flow: Flow[..., Any]
    title: str
    roles: Sequence[str]
    checked: Callable[[Any], Sequence[Problem]]
    message: str = ""
    channel: str = ""
    handle: str = ""
    hidden: Sequence[str] = ("press",)

    @property
    def procedure(self) -> str:
        """Gives the deployment's name."""
        return self.flow.name

    @property
    def entry(self) -> Entry:
        """Gives what people read of it."""
        about = (self.flow.description or "").partition("\n")[0]
        return Entry(self.procedure, self.title, about, self.roles)


# -- what speaks against parameters


def _of_report(said: Any) -> list[Problem]:
    return _of_texts(said.report) + _refused("same_as", lambda: bug_duplicates.choice(said.same_as))


def _of_escalation(said: Any) -> list[Problem]:
    found = _at("issue", escalation.reasons_not_to_begin(said.issue, said.report))
    found += _of_issue(said) if said.issue.strip() else []
    return found + (_of_texts(said.report) if said.report else [])


def _of_texts(report: filing.BugReport) -> list[Problem]:
    names = handbook()
    label = names.by_edition.bug_report_label[names.edition]
    return _somewhere(filing.problems(report, label, names.bug_reports.public_domains))


def _of_issue(said: Any) -> list[Problem]:
    return _refused("issue", lambda: issue_number(said.issue, handbook().repositories.public))


def _of_request(said: Any) -> list[Problem]:
    return _of_issue(said) + _refused("message", lambda: message_key(said.message))


def _of_question(said: Any) -> list[Problem]:
    return _at("question.tried", on_call.bad_text(said.question.tried, "what was tried"))


def _of_summary(said: Any) -> list[Problem]:
    return _at("summary.summary", on_call.bad_text(said.summary.summary, "what was talked about"))


def _at(path: str, sentences: Sequence[str]) -> list[Problem]:
    return [(path, sentence) for sentence in sentences]


def _somewhere(sentences: Sequence[str]) -> list[Problem]:
    return _at("", sentences)


def _refused(path: str, reads: Callable[[], object]) -> list[Problem]:
    try:
        reads()
    except Refused as problem:
        return _at(path, problem.problems)
    return []


SUCCESS = bug_duplicates.TEAM  # support, solutions architects, customer success managers
FORMS = (
    Form(
        bug_reports.file_customer_bug_report,
        "File a customer's bug",
        SUCCESS,
        _of_report,
        message="report.message",
    ),
    Form(
        bug_escalation.escalate_customer_bug,
        "Escalate a bug",
        escalation.TEAM,
        _of_escalation,
        message="report.message",
    ),
    Form(
        developer_on_call.contact_developer_on_call,
        "Ask developer on-call",
        SUCCESS,
        _of_question,
        message="question.issue",
        handle="question.asked_by",
    ),
    Form(
        developer_on_call.post_direct_message_summary,
        "Sum up direct message",
        (),
        _of_summary,
        channel="summary.channel",
        handle="summary.author",
    ),
    Form(
        bug_reports.request_missing_details,
        "Ask for missing details",
        SUCCESS,
        _of_request,
        message="message",
    ),
    Form(bug_escalation.record_reproduction, "Record a reproduction", escalation.TEAM, _of_issue),
)


def named(procedure: str) -> Form | None:
    """Gives the form of a procedure; None when it has none in Slack."""
    return next((form for form in FORMS if form.procedure == procedure), None)


# -- parameters


@cache
def layout(procedure: str) -> parameter_form.Layout:
    """Gives the fields of a procedure's form, from the schema that its deployment has in Prefect."""
    form = named(procedure)
    assert form, f"{procedure} has no form in Slack."
    return parameter_form.layout(form.flow.parameters.model_dump_for_openapi(), [*form.hidden, form.handle])


@cache
def _model(procedure: str) -> type[BaseModel]:
    """Gives the flow's own parameters as a model."""
    form = named(procedure)
    assert form, f"{procedure} has no form in Slack."
    hints = get_type_hints(form.flow.fn, include_extras=True)
    fields: dict[str, Any] = {
        name: (hints[name], ... if each.default is inspect.Parameter.empty else each.default)
        for name, each in inspect.signature(form.flow.fn).parameters.items()
    }
    return create_model("Parameters", __config__=ConfigDict(extra="forbid", hide_input_in_errors=True), **fields)


def problems(form: Form, parameters: Mapping[str, Any]) -> list[Problem]:
    """Names everything that is wrong with parameters, as far as the procedure's model and its policy tell."""
    try:
        said = _model(form.procedure).model_validate(parameters)
    except ValidationError as error:
        return [_told(form, each) for each in error.errors(include_url=False, include_input=False)]
    return list(form.checked(said))


def _told(form: Form, error: Any) -> Problem:
    path = ".".join(str(step) for step in error["loc"])
    helped = next((field.help for field in layout(form.procedure).fields if field.path == path), "")
    return path, slack_modals.sentence(error["type"], error["msg"], helped, error.get("ctx", {}))


def texts(parameters: Mapping[str, Any], path: str = "") -> list[Problem]:
    """Gives every text in parameters with its path."""
    found: list[Problem] = []
    for name, value in parameters.items():
        inside = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            found += texts(value, inside)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, str | list):
            found.append((inside, value if isinstance(value, str) else "\n".join(map(str, value))))  # pyright: ignore[reportUnknownArgumentType]
    return found


# -- what is kept


def is_form(subject: str) -> bool:
    """Says whether a case came from a form."""
    return subject.startswith("form/")


def parameters_of(subject: str) -> dict[str, Any]:
    """Gives the parameters of the form that a case came from.

    Raises:
        Refused: they are not kept any more.
    """
    if (kept := remembered.read(subject)) is None:
        raise Refused("What was filled in is not kept any more. Open the form again.")
    return json.loads(kept)


def prefect_url(path: str) -> str:
    """Gives an address in Prefect's UI."""
    return f"{PREFECT_UI_URL.value() or ''}/{path}"
