"""Applications with keys of their own, tokens of four kinds, and the two flows that make them."""

import secrets

from django.db import migrations, models


def give_keys(apps, schema_editor):
    """A consumer key for each application; its secret is made by its owner."""
    for one in apps.get_model("users", "Application").objects.filter(consumer_key=""):
        one.consumer_key = secrets.token_hex(12)
        one.save(update_fields=["consumer_key"])


class Migration(migrations.Migration):
    dependencies = [("users", "0001_initial")]

    operations = [
        migrations.AddField(
            "application",
            "description",
            models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            "application", "website", models.CharField(blank=True, default="", max_length=200)
        ),
        migrations.AddField(
            "application",
            "client_secret_digest",
            models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField("application", "is_confidential", models.BooleanField(default=True)),
        migrations.AddField(
            "application", "consumer_key", models.CharField(default="", max_length=40)
        ),
        migrations.RunPython(give_keys, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            "application", "consumer_key", models.CharField(max_length=40, unique=True)
        ),
        migrations.AddField(
            "application", "consumer_secret", models.TextField(blank=True, default="")
        ),
        migrations.AddField("application", "bearer_generation", models.IntegerField(default=0)),
        migrations.AddField(
            "application", "redirect_uris", models.TextField(blank=True, default="")
        ),
        migrations.AddField(
            "application",
            "access",
            models.CharField(
                choices=[("read", "Read"), ("write", "Read and write")],
                default="write",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            "accesstoken",
            "digest",
            models.CharField(max_length=66, primary_key=True, serialize=False),
        ),
        migrations.AddField(
            "accesstoken",
            "kind",
            models.CharField(
                choices=[
                    ("user", "bearer of a person"),
                    ("app", "bearer of an application"),
                    ("refresh", "makes new bearer tokens"),
                    ("oauth1", "signs requests of a person"),
                ],
                default="user",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            "accesstoken", "user_id", models.BigIntegerField(blank=True, null=True)
        ),
        migrations.AddField(
            "accesstoken", "family_id", models.BigIntegerField(blank=True, null=True)
        ),
        migrations.AddField("accesstoken", "secret", models.TextField(blank=True, default="")),
        migrations.AddField("accesstoken", "used_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddIndex(
            "accesstoken", models.Index(fields=["application_id"], name="token_of_application")
        ),
        migrations.AddIndex(
            "accesstoken", models.Index(fields=["family_id"], name="token_of_family")
        ),
        migrations.CreateModel(
            name="AuthorizationCode",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("application_id", models.BigIntegerField()),
                ("user_id", models.BigIntegerField()),
                ("family_id", models.BigIntegerField()),
                ("redirect_uri", models.TextField()),
                ("scopes", models.TextField()),
                ("code_challenge", models.CharField(max_length=128)),
                ("challenge_method", models.CharField(max_length=8)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "authorization_codes",
                "indexes": [models.Index(fields=["expires_at"], name="code_by_expiry")],
            },
        ),
        migrations.CreateModel(
            name="RequestToken",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("secret", models.TextField()),
                ("application_id", models.BigIntegerField()),
                ("callback", models.TextField()),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                ("verifier_digest", models.CharField(blank=True, default="", max_length=64)),
                ("tries", models.SmallIntegerField(default=0)),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "request_tokens",
                "indexes": [models.Index(fields=["expires_at"], name="request_token_by_expiry")],
            },
        ),
    ]
