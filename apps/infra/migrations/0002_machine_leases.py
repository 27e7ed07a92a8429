"""Leases of Snowflake machine ids.

Without a model on purpose: the test runner's flush must not take a lease away from a process.
"""

from django.db import migrations

_LEASES = """
create table machine_leases (
  machine integer primary key check (machine between 0 and 1023),
  token uuid not null,
  until_ms bigint not null
)
"""


class Migration(migrations.Migration):
    """Add `machine_leases`."""

    dependencies = [("infra", "0001_event_log")]
    operations = [migrations.RunSQL(_LEASES, "drop table machine_leases")]
