"""Webhooks, measured: from the request to the reply in Slack, with and without trouble."""
