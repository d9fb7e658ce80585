"""What IT decides: hosts, tokens, the database, sandbox or live. Names that the handbook gives live in handbook.toml.

Read from the environment and from `.env` (`.env.example` lists every variable). Secrets are `SecretStr`: they are shown
nowhere, and only the client factories in `tasks/` take them out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from policies.handbook import Handbook, parse

ROOT = Path(__file__).parent
STATE = ROOT / ".state"


class Settings(BaseSettings):
    """Every variable, with the prefix `HANDBOOK_` in the environment.

    Raises:
        pydantic.ValidationError: names all variables that are missing or wrong, never their values.
    """

    model_config = SettingsConfigDict(
        env_prefix="HANDBOOK_", env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    sandbox_url: str = Field("", description="The sandbox to work on instead of the live services, or empty.")
    database_url: SecretStr = Field(
        SecretStr(f"sqlite:///{STATE / 'handbook.sqlite'}"),
        description="The effect ledger's database: sqlite:///file or postgresql+psycopg://user:password@host/name.",
    )
    handbook_file: Path = Field(ROOT / "handbook.toml", description="The names that the handbook gives.")
    handbook_additions: Path | None = Field(
        None, description="A TOML file of the same form with what is not public: Slack ids, phone numbers, mailboxes."
    )
    prefect_url: str = Field("http://127.0.0.1:4200", description="Prefect's server, for links and for the gateway.")
    public_url: str = Field("", description="Where others reach the gateway, such as https://hooks.example.com.")

    github_url: str = Field("https://api.github.com", description="GitHub's API.")
    github_public_token: SecretStr = Field(
        SecretStr(""), description="Fine-grained token for the public repository only: issues read and write."
    )
    github_confidential_token: SecretStr = Field(
        SecretStr(""), description="Fine-grained token for the confidential repository only: issues read and write."
    )

    salesforce_domain: str = Field("fleetdm.my", description="My Domain without .salesforce.com.")
    salesforce_app_url: str = Field("https://fleetdm.lightning.force.com", description="Where people open records.")
    salesforce_api_version: str = Field("64.0", description="REST API version.")
    salesforce_consumer_key: SecretStr = Field(SecretStr(""), description="Connected app, client credentials flow.")
    salesforce_consumer_secret: SecretStr = Field(SecretStr(""), description="Connected app, client credentials flow.")

    slack_url: str = Field("https://slack.com/api/", description="Slack's Web API, with the slash at its end.")
    slack_web_url: str = Field("https://fleetdm.slack.com", description="Where people read messages.")
    slack_bot_token: SecretStr = Field(SecretStr(""), description="Bot token (xoxb-) of the internal app.")

    google_service_account: SecretStr = Field(
        SecretStr(""), description="Key of the service account that may act for mailboxes: the JSON text, or its file."
    )

    unthread_url: str = Field("https://api.unthread.io/api", description="Unthread's API.")
    unthread_web_url: str = Field(
        "https://app.unthread.io/dashboard/conversations", description="Where people open tickets, before the id."
    )
    unthread_api_key: SecretStr = Field(SecretStr(""), description="The key of a service account.")
    applicant_salt: SecretStr = Field(
        SecretStr(""), description="A long random text. Applicants' addresses are kept as hashes made with it."
    )

    twilio_account_sid: str = Field("", description="The account's id, AC and 32 digits.")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="The account's auth token; it signs webhooks too.")
    twilio_from: str = Field("", description="Our number, or the id (MG...) of a messaging service.")

    zoom_url: str = Field("https://api.zoom.us/v2", description="Zoom's API.")
    zoom_login_url: str = Field("https://zoom.us/oauth/token", description="Where Zoom gives tokens.")
    zoom_account_id: SecretStr = Field(
        SecretStr(""), description="The account's id, as the server-to-server app shows it."
    )
    zoom_client_id: SecretStr = Field(SecretStr(""), description="The server-to-server app's client id.")
    zoom_client_secret: SecretStr = Field(SecretStr(""), description="The server-to-server app's client secret.")

    # Secrets of webhooks; each may be two, separated by a comma, while it is being rotated.
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="The app's signing secret.")
    github_webhook_secret: SecretStr = Field(SecretStr(""), description="The secret of the repositories' webhooks.")
    unthread_webhook_secret: SecretStr = Field(SecretStr(""), description="The secret of the webhook subscription.")
    alertmanager_token: SecretStr = Field(SecretStr(""), description="The bearer token that Alertmanager sends.")
    salesforce_webhook_key: SecretStr = Field(SecretStr(""), description="`key` in the outbound message's address.")
    salesforce_organization: str = Field("", description="The org's 18-character id, which outbound messages name.")
    sns_topics: SecretStr = Field(SecretStr(""), description="ARNs of the SNS topics that may speak, comma-separated.")

    connect_timeout: float = Field(3.05, gt=0, description="Seconds to reach a service.")
    read_timeout: float = Field(20.0, gt=0, description="Seconds to wait for a service's answer.")
    look_again_after: tuple[float, ...] = Field(
        (0.0, 5.0, 20.0),
        min_length=1,
        description="Seconds before each look for an effect whose answer never came; services may show it late.",
    )
    patience: float = Field(
        90.0, ge=0, description="Seconds a run waits for a lease or a Retry-After before it gives up."
    )
    slack_reads_a_minute: int = Field(
        45, gt=0, description="Calls of a method of Slack's third tier, of which Slack takes 50 a minute."
    )
    github_pace: float = Field(1.0, ge=0, description="Seconds between two writes to GitHub, as its guide asks.")
    fixed_time: AwareDatetime | None = Field(None, description="The time it is; only with a sandbox.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.sandbox_url:
            if urlsplit(self.sandbox_url).hostname not in {"127.0.0.1", "localhost", "::1"}:
                raise ValueError("HANDBOOK_SANDBOX_URL must be on this machine, such as http://127.0.0.1:4300.")
            return self
        if self.fixed_time:
            raise ValueError("HANDBOOK_FIXED_TIME is for the sandbox only. Remove it to work on the live services.")
        return self

    @property
    def lease_seconds(self) -> float:
        """How long one attempt at a write may take: longer than its connection and answer can."""
        return 1.5 * (self.connect_timeout + self.read_timeout)

    def require(self, *names: str) -> None:
        """Stops before a client is built without its credentials.

        Raises:
            SettingsIncomplete: naming every empty variable.
        """
        empty = [name for name in names if not _text(getattr(self, name))]
        if empty:
            raise SettingsIncomplete([f"HANDBOOK_{name.upper()}" for name in empty])


class SettingsIncomplete(Exception):
    """Variables that a procedure needs are empty."""

    def __init__(self, variables: list[str]) -> None:
        self.variables = variables
        super().__init__(
            f"Not set: {', '.join(variables)}. Add them to .env; docs/connecting.md says where to get each."
        )


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")


@cache
def settings() -> Settings:
    """Gives the settings, read once a process.

    Raises:
        SystemExit: with one sentence a wrong variable.
    """
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        problems = [
            f"HANDBOOK_{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" if each["loc"] else str(each["msg"])
            for each in error.errors(include_input=False, include_url=False)
        ]
        raise SystemExit("The settings are not usable:\n  " + "\n  ".join(problems)) from None


@cache
def handbook() -> Handbook:
    """Gives the names of handbook.toml, read once a process.

    Raises:
        policies.handbook.HandbookError: with file, line and what to do for every mistake in it.
    """
    file, additions = settings().handbook_file, settings().handbook_additions
    added = (ROOT / additions).read_text(encoding="utf-8") if additions else ""
    return parse(file.read_text(encoding="utf-8"), file.name, added)
