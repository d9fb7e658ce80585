"""Users and user groups. https://docs.slack.dev/reference/methods#users, https://docs.slack.dev/reference/methods#usergroups"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from sandbox.slack_calls import Arguments, Ids, Method, Paging, page
from sandbox.slack_refusals import Refusal
from sandbox.slack_state import Answer, Caller, State, User, Usergroup

EMAILS = "users:read.email"


class AllUsers(Paging):
    include_locale: bool = False
    team_id: str = ""


class OneUser(Arguments):
    user: str = ""
    include_locale: bool = False


class Email(Arguments):
    email: str = ""


class Profile(Arguments):
    user: str = ""
    include_labels: bool = False


class Groups(Arguments):
    include_users: bool = False
    include_count: bool = False
    include_disabled: bool = False
    team_id: str = ""


class GroupUsers(Arguments):
    usergroup: str
    include_disabled: bool = False
    team_id: str = ""


class SetGroupUsers(Arguments):
    usergroup: str
    users: Ids = Field(min_length=1)
    include_count: bool = False
    team_id: str = ""


class NewGroup(Arguments):
    name: str
    handle: str = ""
    description: str = ""
    include_count: bool = False
    team_id: str = ""


class People:
    """The methods of `auth.*`, `users.*` and `usergroups.*`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def methods(self) -> list[Method]:
        read, groups, change = ("users:read",), ("usergroups:read",), ("usergroups:write",)
        profiles = ("users.profile:read", "users:read")
        return [
            Method("auth.test", Arguments, self.auth_test),
            Method("users.list", AllUsers, self.all_users, read, forms_only=True),
            Method("users.info", OneUser, self.one_user, read, forms_only=True),
            Method("users.lookupByEmail", Email, self.by_email, (EMAILS,), forms_only=True),
            Method("users.profile.get", Profile, self.profile, profiles, forms_only=True),
            Method("usergroups.list", Groups, self.groups, groups, forms_only=True),
            Method("usergroups.users.list", GroupUsers, self.group_users, groups, forms_only=True),
            Method("usergroups.users.update", SetGroupUsers, self.set_group_users, change),
            Method("usergroups.create", NewGroup, self.create_group, change),
        ]

    def auth_test(self, caller: Caller, _: Arguments) -> Answer:
        return {
            "url": f"{self.state.address()}/",
            "team": self.state.team["name"],
            "team_id": self.state.team["id"],
            "user": self.state.user_name(caller.user_id),
            "user_id": caller.user_id,
            "bot_id": caller.bot_id,
            "is_enterprise_install": False,
        }

    # Users

    def all_users(self, caller: Caller, said: AllUsers) -> Answer:
        users, cursor = page(said, sorted(self.state.users.values(), key=_id), _id)
        return {"members": [self.shown(caller, each) for each in users], "response_metadata": {"next_cursor": cursor}}

    def one_user(self, caller: Caller, said: OneUser) -> Answer:
        return {"user": self.shown(caller, self._user(said.user))}

    def by_email(self, caller: Caller, said: Email) -> Answer:
        for user in self.state.users.values():
            if said.email and user.email.lower() == said.email.lower() and not user.deleted:
                return {"user": self.shown(caller, user)}
        raise Refusal("users_not_found")

    def profile(self, caller: Caller, said: Profile) -> Answer:
        return {"profile": self.shown(caller, self._user(said.user or caller.user_id))["profile"]}

    def _user(self, user_id: str) -> User:
        if user_id not in self.state.users:
            raise Refusal("user_not_found")
        return self.state.users[user_id]

    def shown(self, caller: Caller | None, user: User) -> Answer:
        """Gives a user as Slack's JSON has it, with the address if the caller may see it. No caller sees everything."""
        profile = {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}
        if user.email and (caller is None or EMAILS in caller.scopes):
            profile["email"] = user.email
        offset = self.state.world.clock.now().astimezone(ZoneInfo(user.tz)).utcoffset() or timedelta()
        return {
            "id": user.id,
            "team_id": user.team_id,
            "name": user.name,
            "real_name": user.real_name,
            "deleted": user.deleted,
            "tz": user.tz,
            "tz_offset": int(offset.total_seconds()),
            "is_bot": user.is_bot,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": user.is_ultra_restricted,
            "is_stranger": not self.state.knows(user, caller),
            "profile": profile,
        }

    # User groups

    def groups(self, caller: Caller, said: Groups) -> Answer:
        groups = self.state.usergroups.values()
        return {"usergroups": [self._described(each, users=said.include_users) for each in groups]}

    def group_users(self, caller: Caller, said: GroupUsers) -> Answer:
        return {"users": self._group(said.usergroup).users}

    def set_group_users(self, caller: Caller, said: SetGroupUsers) -> Answer:
        group, users = self._group(said.usergroup), list(dict.fromkeys(said.users))
        if not all(self._may_belong(user) for user in users):
            raise Refusal("invalid_users")
        if set(users) != set(group.users):
            group.users = users
            self.state.world.record("slack", "set user group", f"@{group.handle}", users=users)
        return {"usergroup": self._described(group, users=True)}

    def _may_belong(self, user_id: str) -> bool:
        """Bots, guests and people who have left belong to no user group."""
        user = self.state.users.get(user_id)
        return user is not None and not (user.is_bot or user.deleted or user.is_restricted or user.is_ultra_restricted)

    def create_group(self, caller: Caller, said: NewGroup) -> Answer:
        groups = self.state.usergroups.values()
        handle = said.handle or said.name.lower().replace(" ", "-")
        if any(group.name == said.name for group in groups):
            raise Refusal("name_already_exists")
        if self.state.named(handle) or handle in {
            *(g.handle for g in groups),
            *(u.name for u in self.state.users.values()),
        }:
            raise Refusal("handle_already_exists")
        group = Usergroup(self.state.new_id("S"), handle, said.name, description=said.description)
        self.state.usergroups[group.id] = group
        self.state.world.record("slack", "create user group", f"@{handle}", id=group.id, name=group.name)
        return {"usergroup": self._described(group, users=True)}

    def _group(self, group_id: str) -> Usergroup:
        if group_id not in self.state.usergroups:
            raise Refusal("no_such_subteam")
        return self.state.usergroups[group_id]

    def _described(self, group: Usergroup, *, users: bool) -> Answer:
        shown: Answer = {
            "id": group.id,
            "team_id": self.state.team["id"],
            "is_usergroup": True,
            "name": group.name,
            "description": group.description,
            "handle": group.handle,
            "is_external": False,
            "date_delete": 0,
            "user_count": len(group.users),
        }
        return shown | ({"users": group.users} if users else {})


def _id(user: User) -> str:
    return user.id
