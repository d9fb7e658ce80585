"""The effect ledger: effects, their history, reservations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("action", sa.String(80), nullable=False),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("intent_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("lease_until", sa.DateTime),
        sa.Column("not_before", sa.DateTime),
        sa.Column("made_id", sa.String(300)),
        sa.Column("made_url", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("procedure", sa.String(120), nullable=False),
        sa.Column("run_id", sa.String(120), nullable=False, index=True),
        sa.Column("started_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "effect_history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(300), nullable=False, index=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("run_id", sa.String(120), nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "reservations",
        sa.Column("scope", sa.String(60), primary_key=True),
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.UniqueConstraint("scope", "owner", name="one_name_an_owner"),
    )


def downgrade() -> None:
    op.drop_table("reservations")
    op.drop_table("effect_history")
    op.drop_table("effects")
