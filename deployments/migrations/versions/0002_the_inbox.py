"""The inbox, cases, decisions, deadlines, runs that go on, and what is remembered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(40), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("what", sa.String(100), nullable=False),
        sa.Column("facts", sa.Text),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("received_at", sa.DateTime, nullable=False),
    )
    op.create_index("inbox_by_state", "inbox", ["state", "received_at"])
    op.create_table(
        "cases",
        sa.Column("procedure", sa.String(80), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("reason", sa.Text),
        sa.Column("opened_by", sa.String(200), nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("settled_at", sa.DateTime),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.DateTime),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("batch", sa.String(120)),
        sa.Column("run_id", sa.String(60), index=True),
        sa.Column("handed_at", sa.DateTime),
        sa.Column("facts", sa.Text),
    )
    op.create_index("cases_to_hand_over", "cases", ["procedure", "batch", "state"])
    op.create_table(
        "decisions",
        sa.Column("procedure", sa.String(80), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("decision", sa.String(60), nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
    )
    op.create_table(
        "deadlines",
        sa.Column("procedure", sa.String(80), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("due_at", sa.DateTime, nullable=False, index=True),
        sa.Column("settled_at", sa.DateTime),
    )
    op.create_table(
        "runs_continued",
        sa.Column("run_id", sa.String(60), primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("as_run", sa.String(60), index=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "remembered",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )


def downgrade() -> None:
    for table in ("remembered", "runs_continued", "deadlines", "decisions", "cases", "inbox"):
        op.drop_table(table)
