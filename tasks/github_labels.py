"""The labels of a repository.

API: https://docs.github.com/rest/issues/labels
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from github import UnknownObjectException
from github.Label import Label as GithubLabel

from policies.confidentiality import Confidential, PublicText
from policies.customer import CODENAME_LABEL, Label
from tasks.effects import Different, Made, Write, perform
from tasks.github_client import Client, Unreadable, explain

LABEL_COLOR = "5319e7"


class Labels(Client):
    """Reads, creates and renames labels."""

    def labels(self) -> list[Label]:
        """Gives every label, 100 a call."""
        with self._reading() as repository:
            return [self._label(label) for label in repository.get_labels()]

    def codename_labels(self) -> list[Label]:
        """Gives the labels that are codenames of customers and prospects."""
        return [label for label in self.labels() if CODENAME_LABEL.match(label.name)]

    def has_label(self, label: str) -> bool:
        """Says whether there is a label."""
        with self._reading() as repository:
            try:
                repository.get_label(label).complete()
            except UnknownObjectException:
                return False
        return True

    def _rename_label(self, old: str, new: str, once: str) -> Made:
        place = f"{old} to {new} in {self.full_name}"

        def send() -> Made:
            with self._writing() as repository:
                label = repository.get_label(old)
                label.edit(new, label.color, label.description or "")
            return self._made(_said(label, new))

        def find(_: datetime) -> Made | None:
            has_old, has_new = self.has_label(old), self.has_label(new)
            if has_old and has_new:
                raise Different(f'Both "{old}" and "{new}" are labels of {self.full_name}. Merge them by hand.')
            return self._made(new) if has_new else None

        request = {"repository": self.full_name, "old": old, "new": new}
        made = self._made(new)
        return perform(Write(once, "GitHub", "rename label", place, request, send, find, explain, made, lasting=True))

    def _create_label(self, name: str, description: PublicText | Confidential[str], once: str) -> Made:
        def text() -> str:
            return description.reveal() if isinstance(description, Confidential) else str(description)

        def send() -> Made:
            with self._writing() as repository:
                label = repository.create_label(name, LABEL_COLOR, text())
            return self._made(_said(label, name))

        def find(_: datetime) -> Made | None:
            with self._reading() as repository:
                try:
                    label = repository.get_label(name).complete()
                except UnknownObjectException:
                    return None
            if (label.description or "") != text():
                raise Different(
                    f'Label "{name}" is already in {self.full_name} with another description. Choose another '
                    "codename, or correct that label first."
                )
            return self._made(name)

        request = {"repository": self.full_name, "name": name, "description": description}
        place = f"{name} in {self.full_name}"
        return perform(
            Write(once, "GitHub", "create label", place, request, send, find, explain, self._made(name), lasting=True)
        )

    def _made(self, label: str) -> Made:
        return Made(label, f"{self.url}/labels/{quote(label)}")

    def _label(self, label: GithubLabel) -> Label:
        return Label(label.name, Confidential(label.description or ""), self._made(label.name).url)


def _said(label: GithubLabel, name: str) -> str:
    """Gives the label's name as GitHub answered it, so that a page of HTML with status 200 is no success."""
    if label.name != name:
        raise Unreadable(f'GitHub answered about "{label.name}" instead of "{name}".')
    return name
