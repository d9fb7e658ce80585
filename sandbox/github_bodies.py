"""What calls may say, in body and query. A field that GitHub doesn't know is refused: ignoring it hides mistakes."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

from sandbox.github_refusals import Refusal, invalid


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Gives the fields that the caller named, null or not."""
        return self.model_dump(exclude_unset=True)


def _name_of(label: object) -> object:
    """GitHub takes labels by name, and as objects with a name."""
    return label.get("name") if isinstance(label, dict) else label  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


LabelName = Annotated[str, BeforeValidator(_name_of)]


class NewLabel(Said):
    name: str
    color: str | None = None
    description: str | None = None


class LabelChange(Said):
    new_name: str | None = None
    color: str | None = None
    description: str | None = None


class NewIssue(Said):
    title: str
    body: str | None = None
    labels: list[LabelName] | None = None
    assignees: list[str] | None = None


class IssueChange(Said):
    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None
    labels: list[LabelName] | None = None
    assignees: list[str] | None = None


class LabelNames(Said):
    labels: list[LabelName]


class Assignees(Said):
    assignees: list[str]


class CommentBody(Said):
    body: str


class NewRelease(Said):
    tag_name: str
    target_commitish: str | None = None
    name: str | None = None
    body: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    generate_release_notes: Literal[False] | None = None
    make_latest: Literal["true", "false", "legacy"] | None = None


class TokenRequest(Said):
    repositories: list[str] | None = None
    permissions: dict[str, str] | None = None


class HookConfig(Said):
    url: str | None = None
    content_type: Literal["json", "form"] = "form"
    secret: str = ""
    insecure_ssl: Literal["0", "1", 0, 1] = "0"


class NewHook(Said):
    name: Literal["web"] = "web"
    config: HookConfig = HookConfig()
    events: list[str] = ["push"]
    active: bool = True


class NoQuery(Said):
    pass


class Paging(Said):
    per_page: int = 30
    page: int = 1

    def slice(self, total: int) -> tuple[slice, int]:
        """Gives which items the page holds, and the number of the last page."""
        size = self.size
        return slice((self.number - 1) * size, self.number * size), max(1, -(-total // size))

    @property
    def size(self) -> int:
        return min(100, max(1, self.per_page))

    @property
    def number(self) -> int:
        return max(1, self.page)


class FromCursor(Said):
    per_page: int = 30
    cursor: str = ""


class Changed(Paging):
    since: AwareDatetime | None = None


class RepositoryComments(Changed):
    sort: Literal["created", "updated"] = "created"
    direction: Literal["asc", "desc"] | None = None


class IssueQuery(Changed):
    state: Literal["open", "closed", "all"] = "open"
    labels: str = ""
    creator: str = ""
    assignee: str = ""
    sort: Literal["created", "updated", "comments"] = "created"
    direction: Literal["asc", "desc"] = "desc"


class IssueSearch(Paging):
    q: str = ""
    sort: Literal["created", "updated", "comments"] | None = None
    order: Literal["asc", "desc"] = "desc"


class LabelSearch(Paging):
    repository_id: int
    q: str = ""
    sort: Literal["created", "updated"] | None = None
    order: Literal["asc", "desc"] = "desc"


AnySaid = TypeVar("AnySaid", bound=Said)


def read_body(model: type[AnySaid], body: bytes, resource: str, *, bare_list: str = "") -> AnySaid:
    """Reads a JSON body. `bare_list` names the field that a list without an object around it is for.

    Raises:
        Refusal: worded as GitHub does.
    """
    try:
        said: Any = json.loads(body or b"{}")
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    match said:
        case list() if bare_list:
            return _validate(model, {bare_list: cast(Any, said)}, resource)
        case dict():
            return _validate(model, cast(Any, said), resource)
        case _:
            raise Refusal(400, "Body should be a JSON object")


def read_query(model: type[AnySaid], query: dict[str, str], resource: str) -> AnySaid:
    return _validate(model, query, resource)


def _validate(model: type[AnySaid], said: object, resource: str) -> AnySaid:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise _refusal(error, resource) from None


def _refusal(error: ValidationError, resource: str) -> Refusal:
    problem = error.errors(include_url=False)[0]
    field, kind = "/".join(str(part) for part in problem["loc"]), problem["type"]
    shown = json.dumps(problem["input"], default=str)
    match kind:
        case "missing":
            missing = {"resource": resource, "code": "missing_field", "field": field}
            return Refusal(422, f'Invalid request.\n\n"{field}" wasn\'t supplied.', missing)
        case "extra_forbidden":
            unknown = {"resource": resource, "code": "unknown_field", "field": field}
            return Refusal(422, f'Invalid request.\n\n"{field}" is not a permitted key.', unknown)
        case "literal_error":
            return invalid(resource, field, value=problem["input"])
        case _:
            return Refusal(422, f"Invalid request.\n\nFor 'properties/{field}', {shown}: {problem['msg']}.")
