"""What a state Redis that may be alive was not told."""

from django.db import migrations

# A row is there from the commit of the change until the event log has repeated it.
_UNTOLD = """
create table untold_changes (
  id bigint generated always as identity primary key,
  at timestamptz not null default now()
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("infra", "0005_brownout_switch"),
    ]

    operations = [
        migrations.RunSQL(_UNTOLD, "drop table untold_changes"),
    ]
