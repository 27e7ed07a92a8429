"""How many public lists each account is on, of the lists that there are."""

from django.db import migrations

COUNT = """
update users set listed_count = counted.n
  from (select member.user_id, count(*)::int as n
          from list_members member join lists on lists.id = member.list_id
         where not lists.is_private group by member.user_id) counted
 where users.id = counted.user_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("graph", "0002_lists"),
        ("users", "0004_listed_count"),
    ]
    operations = [migrations.RunSQL(COUNT, migrations.RunSQL.noop)]
