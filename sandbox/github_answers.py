"""The state as GitHub's JSON. Every address in it leads back to the sandbox."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.github_access import Token
from sandbox.github_state import Comment, Event, Issue, Label, Release, Repository, State, User

JSON = dict[str, Any]

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
ORGANIZATION_LINKS = {
    "repos_url": "/repos",
    "events_url": "/events",
    "hooks_url": "/hooks",
    "issues_url": "/issues",
    "members_url": "/members{/member}",
    "public_members_url": "/public_members{/member}",
}


def stamp(at: datetime) -> str:
    """Words a moment as GitHub does: "2026-11-23T18:00:00Z"."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answers:
    """Gives each object as JSON."""

    def __init__(self, state: State) -> None:
        self.state = state

    def page(self, path: str) -> str:
        """Gives the address that a person opens."""
        return f"{self.state.world.public_url}/github/{path}"

    def api(self, repository: Repository, path: str = "") -> str:
        return self.page(f"repos/{repository.full_name}{path}")

    # People

    def user(self, user: User) -> JSON:
        login = quote(user.login)
        url = self.page(f"users/{login}")
        return {
            "login": user.login,
            "id": user.id,
            "node_id": user.node_id,
            "avatar_url": f"{url}/avatar",
            "gravatar_id": "",
            "url": url,
            "html_url": self.page(login),
            "type": user.kind,
            "user_view_type": "public",
            "site_admin": False,
            **{name: url + path for name, path in USER_LINKS.items()},
        }

    def whole_user(self, user: User) -> JSON:
        unsaid = dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"))
        none = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
        times = dict.fromkeys(("created_at", "updated_at"), FOUNDED)
        return {**self.user(user), "name": user.name, "blog": "", **unsaid, **none, **times}

    def organization(self) -> JSON:
        login = self.state.organization
        url, owner = self.page(f"orgs/{login}"), self.state.user(login)
        return {
            "login": login,
            "id": owner.id,
            "node_id": owner.node_id,
            "url": url,
            "html_url": self.page(login),
            "avatar_url": f"{url}/avatar",
            "description": None,
            "type": "Organization",
            "has_organization_projects": False,
            "has_repository_projects": False,
            "public_repos": sum(not each.private for each in self.state.repositories.values()),
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "archived_at": None,
            **{name: url + path for name, path in ORGANIZATION_LINKS.items()},
        }

    def organization_in_events(self) -> JSON:
        """Words the organization as webhooks do: shorter."""
        whole = self.organization()
        kept = ("login", "id", "node_id", "url", "avatar_url", "description", *ORGANIZATION_LINKS)
        return {name: whole[name] for name in kept}

    def association(self, user: User) -> str:
        return "MEMBER" if self.state.belongs_to_team(user) else "NONE"

    # Repositories, labels, releases

    def repository(self, repository: Repository, token: Token | None = None) -> JSON:
        page, url = self.page(repository.full_name), self.api(repository)
        still_open = sum(issue.state == "open" for issue in repository.issues.values())
        may_write = token is not None and repository.full_name.lower() in token.repositories
        counts = "forks forks_count stargazers_count watchers watchers_count size network_count subscribers_count"
        absent = "fork has_projects has_wiki has_pages has_discussions archived disabled is_template"
        return {
            "id": repository.id,
            "node_id": repository.node_id,
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "owner": self.user(self.state.user(repository.owner)) | {"type": "Organization"},
            "description": repository.description,
            "url": url,
            "html_url": page,
            "clone_url": f"{page}.git",
            "git_url": f"{page}.git",
            "ssh_url": f"{page}.git",
            "svn_url": page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "topics": [],
            "default_branch": "main",
            "has_issues": True,
            "open_issues": still_open,
            "open_issues_count": still_open,
            "permissions": {"admin": False, "maintain": False, "push": may_write, "triage": may_write, "pull": True},
            **dict.fromkeys(("created_at", "updated_at", "pushed_at"), stamp(repository.created_at)),
            **dict.fromkeys(counts.split(), 0),
            **dict.fromkeys(absent.split(), False),
            **{name: url + path for name, path in REPOSITORY_LINKS.items()},
        }

    def label(self, label: Label) -> JSON:
        return {
            "id": label.id,
            "node_id": label.node_id,
            "url": self.api(label.repository, f"/labels/{quote(label.name, safe='')}"),
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def label_page(self, label: Label) -> str:
        return self.page(f"{label.repository.full_name}/labels/{quote(label.name, safe='')}")

    def release(self, release: Release) -> JSON:
        url = self.api(release.repository, f"/releases/{release.id}")
        tag = quote(release.tag_name, safe="")
        return {
            "id": release.id,
            "node_id": release.node_id,
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "html_url": self.page(f"{release.repository.full_name}/releases/tag/{tag}"),
            "tarball_url": self.api(release.repository, f"/tarball/{tag}"),
            "zipball_url": self.api(release.repository, f"/zipball/{tag}"),
            "tag_name": release.tag_name,
            "target_commitish": "main",
            "name": release.name,
            "body": release.body,
            "draft": release.draft,
            "prerelease": release.prerelease,
            "immutable": False,
            "author": self.user(release.author),
            "assets": [],
            "created_at": stamp(release.published_at),
            "published_at": None if release.draft else stamp(release.published_at),
        }

    def file(self, repository: Repository, path: str, text: str) -> JSON:
        """Words a file as its contents. https://docs.github.com/rest/repos/contents#get-repository-content"""
        content = text.encode()
        sha = hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
        url = f"{self.api(repository, f'/contents/{quote(path)}')}?ref=main"
        git, page = self.api(repository, f"/git/blobs/{sha}"), self.page(f"{repository.full_name}/blob/main/{path}")
        return {
            "type": "file",
            "encoding": "base64",
            "size": len(content),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": base64.encodebytes(content).decode(),
            "sha": sha,
            "url": url,
            "git_url": git,
            "html_url": page,
            "download_url": page,
            "_links": {"self": url, "git": git, "html": page},
        }

    # Issues

    def issue_page(self, issue: Issue) -> str:
        return self.page(f"{issue.repository.full_name}/{'pull' if issue.is_pull else 'issues'}/{issue.number}")

    def issue_api(self, issue: Issue) -> str:
        return self.api(issue.repository, f"/issues/{issue.number}")

    def issue(self, issue: Issue) -> JSON:
        url = self.issue_api(issue)
        assignees = [self.user(user) for user in issue.assignees]
        return {
            "id": issue.id,
            "node_id": issue.node_id,
            "number": issue.number,
            "url": url,
            "repository_url": self.api(issue.repository),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": self.issue_page(issue),
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "state_reason": issue.state_reason,
            "user": self.user(issue.user),
            "labels": [self.label(label) for label in issue.labels],
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
            "milestone": None,
            "locked": False,
            "active_lock_reason": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "closed_by": None,
            "author_association": self.association(issue.user),
            "performed_via_github_app": None,
            "reactions": _no_reactions(url),
            **({"pull_request": self._pull(issue)} if issue.is_pull else {}),
        }

    def _pull(self, issue: Issue) -> JSON:
        """Gives what tells a pull request among issues; its own methods aren't built."""
        page, url = self.issue_page(issue), self.api(issue.repository, f"/pulls/{issue.number}")
        return {"url": url, "html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}

    def comment_page(self, comment: Comment) -> str:
        return f"{self.issue_page(comment.issue)}#issuecomment-{comment.id}"

    def comment(self, comment: Comment) -> JSON:
        url = self.api(comment.issue.repository, f"/issues/comments/{comment.id}")
        return {
            "id": comment.id,
            "node_id": comment.node_id,
            "url": url,
            "issue_url": self.issue_api(comment.issue),
            "html_url": self.comment_page(comment),
            "body": comment.body,
            "user": self.user(comment.user),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(comment.user),
            "performed_via_github_app": None,
            "reactions": _no_reactions(url),
        }

    def event(self, event: Event) -> JSON:
        return {
            "id": event.id,
            "node_id": event.node_id,
            "url": self.api(event.issue.repository, f"/issues/events/{event.id}"),
            "actor": self.user(event.actor),
            "event": event.event,
            "commit_id": None,
            "commit_url": None,
            "created_at": stamp(event.created_at),
            "performed_via_github_app": None,
            **self._what(event),
        }

    def _what(self, event: Event) -> JSON:
        if event.label:
            return {"label": {"name": event.label.name, "color": event.label.color}}
        if event.assignee:
            return {"assignee": self.user(event.assignee), "assigner": self.user(event.actor)}
        if event.rename:
            return {"rename": dict(zip(("from", "to"), event.rename, strict=True))}
        return {"state_reason": event.state_reason}

    def timeline(self, issue: Issue) -> list[Event | Comment]:
        """Gives events and comments in the order in which they came."""
        entries: list[Event | Comment] = [*issue.events, *issue.comments]
        return sorted(entries, key=lambda entry: (entry.created_at, entry.id))

    def timeline_entry(self, entry: Event | Comment) -> JSON:
        if isinstance(entry, Event):
            return self.event(entry)
        return {**self.comment(entry), "event": "commented", "actor": self.user(entry.user)}

    # The whole, for tests and the console

    def dump(self) -> JSON:
        people = [
            {"login": user.login, "name": user.name or user.login, "is_member": self.state.belongs_to_team(user)}
            for user in self.state.users.values()
            if user.kind == "User"
        ]
        return {"people": people, "repositories": [self._dumped(each) for each in self.state.repositories.values()]}

    def _dumped(self, repository: Repository) -> JSON:
        return {
            "full_name": repository.full_name,
            "private": repository.private,
            "labels": [
                {"name": label.name, "color": label.color, "description": label.description or ""}
                for label in repository.labels.values()
            ],
            "issues": [self._dumped_issue(issue) for issue in repository.issues.values()],
            "releases": list(repository.releases),
        }

    def _dumped_issue(self, issue: Issue) -> JSON:
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body or "",
            "state": issue.state,
            "state_reason": issue.state_reason,
            "user": issue.user.login,
            "labels": [label.name for label in issue.labels],
            "assignees": [user.login for user in issue.assignees],
            "comments": [
                {"user": each.user.login, "body": each.body, "created_at": stamp(each.created_at)}
                for each in issue.comments
            ],
            "events": [
                {"event": each.event, "actor": each.actor.login, "created_at": stamp(each.created_at), **_named(each)}
                for each in issue.events
            ],
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
            "html_url": self.issue_page(issue),
        }


FOUNDED = "2020-01-01T00:00:00Z"


def _no_reactions(url: str) -> JSON:
    kinds = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}


def _named(event: Event) -> Mapping[str, Any]:
    if event.label:
        return {"label": event.label.name}
    if event.assignee:
        return {"assignee": event.assignee.login}
    return {"from": event.rename[0], "to": event.rename[1]} if event.rename else {}
