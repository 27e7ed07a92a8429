"""The event log, its cursor, the deliveries and the dead letters."""

from django.db import migrations

FORWARD = """
-- An epoch is one life of one cluster: transaction ids are comparable only inside it.
create table epochs (
  epoch integer primary key,
  system_identifier text not null,
  opened_at timestamptz not null default clock_timestamp()
);

-- cache 1: ids rise in the order of the inserts, so two changes of one row keep their order.
create sequence event_log_id_seq cache 1;

create table event_log (
  id bigint not null default nextval('event_log_id_seq'),
  -- The statement's clock, not now(): a long transaction must not write into an old day.
  at timestamptz not null default clock_timestamp(),
  epoch integer not null,
  xid xid8 not null default pg_current_xact_id(),
  topic text not null,
  key text not null,
  payload jsonb not null,
  trace text,
  -- Reads of a range of ids: a backlog, one delivery, a replay.
  primary key (id, at)
) partition by range (at);
alter sequence event_log_id_seq owned by event_log.id;
-- The relay's read: what the cursor's snapshot has not seen.
create index event_log_unseen on event_log (epoch, xid, id);

create table relay_cursor (
  name text primary key,
  epoch integer not null,
  -- What this snapshot sees has been handed out.
  snap text not null,
  -- While a backlog is walked by id: its end and the last id handed out.
  target text,
  id bigint not null default 0,
  -- The highest id ever handed out; after a restore, ids above it are new whatever their xid says.
  top bigint not null default 0,
  at timestamptz not null default clock_timestamp()
);

create table relay_lease (
  name text primary key,
  owner text not null,
  token bigint not null,
  expires timestamptz not null
);
insert into relay_lease (name, owner, token, expires) values ('main', '', 0, '-infinity');

create table deliveries (
  id bigint generated always as identity primary key,
  subscriber text not null,
  epoch integer not null,
  -- The events: not seen by s0, seen by s1 (null: any), of this range of ids, of the
  -- subscriber's topics. Nothing else is needed to read them again, at any time.
  s0 text not null,
  s1 text,
  from_id bigint not null,
  to_id bigint not null,
  since timestamptz not null,
  until timestamptz not null,
  n integer not null,
  late boolean not null default false,
  attempts integer not null default 0,
  starts integer not null default 0,
  failures integer not null default 0,
  error text not null default '',
  -- infinity: not published yet.
  due timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  check (from_id <= to_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- The sweeper: what is overdue.
create index deliveries_due on deliveries (due) where due < 'infinity';
-- Flow control: what waits, oldest first.
create index deliveries_waiting on deliveries (subscriber, late, id) where due = 'infinity';

create table dead_letters (
  id bigint generated always as identity primary key,
  subscriber text not null,
  epoch integer not null,
  event_id bigint not null,
  at timestamptz not null,
  topic text not null,
  key text not null,
  payload jsonb not null,
  error text not null,
  parked_at timestamptz not null default clock_timestamp(),
  -- Set while a retry is under way; the letter goes when it succeeds.
  retried_at timestamptz,
  unique (subscriber, event_id)
);

-- The life of each state Redis, and when it was last seen alive.
create table redis_runs (
  instance text primary key,
  run_id text not null,
  seen_at timestamptz not null
);
"""
BACKWARD = """
drop table event_log, relay_cursor, relay_lease, deliveries, dead_letters, epochs, redis_runs cascade;
"""


class Migration(migrations.Migration):
    dependencies = []
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
