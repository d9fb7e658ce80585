"""Who calls, and what they may touch: tokens, and the tokens that a GitHub App gets for its JSON web token.

Sources: https://docs.github.com/rest/authentication/authenticating-to-the-rest-api,
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from sandbox.github_refusals import Refusal, bad_credentials, not_found, out_of_reach
from sandbox.github_state import Repository, State

TOKEN_LIFE = timedelta(hours=1)
LONGEST_ASSERTION = 600  # seconds that an app's JSON web token may live
QUOTA = 5_000  # calls an hour; counted and shown, never refused
PERMISSIONS = {"contents": "write", "issues": "write", "members": "read", "metadata": "read"}


@dataclass(frozen=True)
class Token:
    """Who has it, and which repositories it may write to."""

    login: str
    repositories: frozenset[str]  # full names in small letters
    permissions: Mapping[str, str]
    expires_at: datetime | None = None


@dataclass(frozen=True)
class App:
    id: str
    public_key: str
    installation_id: int
    login: str


class Access:
    """The tokens, and what they allow."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.clear()

    def clear(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.apps: dict[int, App] = {}  # by installation
        self._calls: Counter[tuple[str, str, datetime]] = Counter()

    def token(self, authorization: str) -> Token:
        """Gives whom a header names.

        Raises:
            Refusal: the token is unknown or has expired.
        """
        scheme, _, value = authorization.partition(" ")
        token = self.tokens.get(value.strip())
        if scheme.lower() not in {"token", "bearer"} or token is None or self._is_over(token):
            raise bad_credentials()
        return token

    def _is_over(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self.state.world.clock.now()

    # Repositories

    def repository(self, full_name: str, token: Token) -> Repository:
        """Gives a repository that the token may read; GitHub hides the others."""
        repository = self.state.repositories.get(full_name.lower())
        if repository is None or not self.may_read(repository, token):
            raise not_found()
        return repository

    def may_read(self, repository: Repository, token: Token) -> bool:
        return not repository.private or repository.full_name.lower() in token.repositories

    def readable(self, token: Token) -> dict[str, Repository]:
        return {name: each for name, each in self.state.repositories.items() if self.may_read(each, token)}

    def check_write(self, repository: Repository, token: Token, area: str = "issues") -> None:
        """Raises Refusal unless the token may write there; one that can't even read learns of no repository."""
        if not self.may_read(repository, token):
            raise not_found()
        if repository.full_name.lower() not in token.repositories or token.permissions.get(area) != "write":
            raise out_of_reach()

    def check_hooks(self, repository: Repository, token: Token, *, write: bool = False) -> None:
        """Raises Refusal unless the token may see the webhooks, or write there; to others there are none."""
        levels = {"write"} if write else {"read", "write"}
        if (
            repository.full_name.lower() not in token.repositories
            or token.permissions.get("repository_hooks") not in levels
        ):
            raise not_found()

    # Apps

    def installation_token(
        self, authorization: str, installation: int, names: Iterable[str] | None, permissions: Mapping[str, str] | None
    ) -> tuple[str, Token]:
        """Makes a token for an app's installation, for an hour.

        Raises:
            Refusal: the app isn't who it says, or asks for more than the installation has.
        """
        app = self._app(authorization, installation)
        owned = {each.name.lower(): each for each in self.state.repositories.values()}
        wanted = {name.lower() for name in names} if names is not None else set(owned)
        if not wanted <= set(owned):
            raise Refusal(422, NOT_INSTALLED)
        if permissions and not all(_within(level, PERMISSIONS.get(area)) for area, level in permissions.items()):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
        full_names = frozenset(owned[name].full_name.lower() for name in wanted)
        expires_at = self.state.now() + TOKEN_LIFE
        token = Token(app.login, full_names, permissions or PERMISSIONS, expires_at)
        text = f"ghs_{self.state.world.random.getrandbits(180):036x}"
        self.tokens[text] = token
        return text, token

    def _app(self, authorization: str, installation: int) -> App:
        """Finds the app by its JSON web token, by real time: the app's own clock is not the sandbox's."""
        if installation not in self.apps:
            raise not_found()
        app = self.apps[installation]
        try:
            claims = jwt.decode(
                authorization.partition(" ")[2],
                app.public_key,
                algorithms=["RS256"],
                options={"require": ["exp", "iat", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise Refusal(401, f"{EXPIRY} must be a numeric value representing a future time") from None
        except jwt.PyJWTError:
            raise Refusal(401, "A JSON web token could not be decoded") from None
        if claims["exp"] > time.time() + LONGEST_ASSERTION:
            raise Refusal(401, f"{EXPIRY} is too far in the future")
        if str(claims["iss"]) != app.id:
            raise Refusal(401, "A JSON web token could not be decoded")
        return app

    # While a call is answered

    @contextmanager
    def acting(self, token: Token) -> Generator[None]:
        """Lets effects be the token's, unless somebody else has been made to act."""
        world = self.state.world
        before = world.actor
        world.actor = before if before == "somebody else" else token.login
        try:
            yield
        finally:
            world.actor = before

    def rate_headers(self, token: Token, resource: str) -> dict[str, str]:
        """Counts a call and words where the hour stands."""
        self._calls[self._hour(token, resource)] += 1
        standing = self.standing(token, resource)
        headers = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in standing.items()}
        return {**headers, "X-RateLimit-Resource": resource}

    def standing(self, token: Token, resource: str) -> dict[str, int]:
        *_, hour = key = self._hour(token, resource)
        used, reset = self._calls[key], int((hour + timedelta(hours=1)).timestamp())
        return {"limit": QUOTA, "remaining": max(0, QUOTA - used), "used": used, "reset": reset}

    def _hour(self, token: Token, resource: str) -> tuple[str, str, datetime]:
        return token.login, resource, self.state.now().replace(minute=0, second=0)


EXPIRY = "'Expiration time' claim ('exp')"
NOT_INSTALLED = "There is at least one repository that does not exist or is not accessible to the parent installation."


def _within(asked: str, granted: str | None) -> bool:
    return granted is not None and (asked == granted or (asked, granted) == ("read", "write"))
