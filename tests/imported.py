"""What the fork server imports before the first start."""

import flows.customers.customer_codenames
import flows.customers.expansion_opportunities
import tasks.slack

assert flows
assert tasks
