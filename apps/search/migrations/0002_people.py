from django.db import migrations

# People by the beginning of their name; the table is that of `apps.users`.
_NAMES = "create index concurrently if not exists {0} on users (lower({1}) text_pattern_ops)"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("search", "0001_initial"), ("users", "0001_initial")]

    operations = [
        migrations.RunSQL(
            _NAMES.format("user_username_begins", "username"), "drop index user_username_begins"
        ),
        migrations.RunSQL(_NAMES.format("user_name_begins", "name"), "drop index user_name_begins"),
    ]
