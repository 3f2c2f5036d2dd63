-- +goose Up

-- What holds for the whole service. There is one row.
CREATE TABLE settings (
    id               boolean     PRIMARY KEY DEFAULT true CHECK (id),
    paused           boolean     NOT NULL DEFAULT false,
    paused_reason    text        NOT NULL DEFAULT '',
    paused_by        text        NOT NULL DEFAULT '',
    paused_at        timestamptz,
    min_gap          interval    NOT NULL DEFAULT '15 minutes' CHECK (min_gap >= '0'),
    daily_cap        integer     NOT NULL DEFAULT 3 CHECK (daily_cap >= 0),
    quiet_hours      text        NOT NULL DEFAULT '23:00-07:00',
    online_age       interval    NOT NULL DEFAULT '72 hours' CHECK (online_age >= '0'),
    relogin_keeps    interval    NOT NULL DEFAULT '30 minutes' CHECK (relogin_keeps >= '0'),
    max_lateness     interval    NOT NULL DEFAULT '30 minutes' CHECK (max_lateness >= '0'),
    time_zone        text        NOT NULL DEFAULT 'Asia/Shanghai',
    require_approval boolean     NOT NULL DEFAULT false,
    auto_resend      boolean     NOT NULL DEFAULT false,
    callback_secret  text        NOT NULL DEFAULT encode(sha256(gen_random_uuid()::text::bytea), 'hex'),
    -- The database this row was written in; a restored copy finds another one (see docs/operations.md).
    deployment       text        NOT NULL DEFAULT '',
    -- A pause says why and since when, so that nobody finds it unexplained.
    CONSTRAINT paused_with_reason CHECK (paused = (paused_at IS NOT NULL) AND (NOT paused OR paused_reason <> ''))
);
INSERT INTO settings DEFAULT VALUES;

-- What the replicas know of the gateway. There is one row.
CREATE TABLE gateway_status (
    id          boolean     PRIMARY KEY DEFAULT true CHECK (id),
    observed_at timestamptz,                       -- last successful look at who is online
    down_since  timestamptz,                       -- null = the last look succeeded
    error       text        NOT NULL DEFAULT ''
);
INSERT INTO gateway_status DEFAULT VALUES;

CREATE TABLE replicas (
    name         text        PRIMARY KEY,
    version      text        NOT NULL DEFAULT '',
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    in_flight    integer     NOT NULL DEFAULT 0
);

CREATE TABLE instances (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wc_id           text        NOT NULL UNIQUE CHECK (wc_id ~ '^[A-Za-z0-9_.@-]{1,64}$'),
    w_id            text        NOT NULL DEFAULT '',
    name            text        NOT NULL DEFAULT '',
    groups          text[]      NOT NULL DEFAULT '{}',
    time_zone       text        NOT NULL DEFAULT 'Asia/Shanghai',
    online          boolean     NOT NULL DEFAULT false,
    online_since    timestamptz,
    missing_since   timestamptz,
    offline_at      timestamptz,
    offline_reason  text        NOT NULL DEFAULT '',
    matured_at      timestamptz,                   -- set by hand; null = online_since + online_age
    paused          boolean     NOT NULL DEFAULT false,
    paused_reason   text        NOT NULL DEFAULT '',
    paused_by       text        NOT NULL DEFAULT '',
    paused_at       timestamptz,
    min_gap         interval    CHECK (min_gap >= '0'),        -- null = as in settings
    daily_cap       integer     CHECK (daily_cap >= 0),        -- null = as in settings
    quiet_hours     text,                                      -- null = as in settings, '' = none
    online_age      interval    CHECK (online_age >= '0'),     -- null = as in settings
    next_slot_at    timestamptz NOT NULL DEFAULT '-infinity',
    slot_reason     text        NOT NULL DEFAULT 'gap' CHECK (slot_reason IN ('gap', 'backoff')),
    sent_on         date        NOT NULL DEFAULT '-infinity',  -- the local day that sent_count is of
    sent_count      integer     NOT NULL DEFAULT 0,
    in_flight       bigint,
    -- Derived, by instance_gate: the earliest instant at which the instance may send its earliest
    -- scheduled post; null = nothing may be sent as things stand.
    ready_at        timestamptz,
    hold_reason     text,                                      -- what moved ready_at beyond that post's due time
    version         bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    -- While a post is being sent its instance is not ready for another.
    CONSTRAINT in_flight_is_not_ready CHECK (in_flight IS NULL OR ready_at IS NULL),
    -- Nothing is sent from an instance that is offline or paused.
    CONSTRAINT closed_is_not_ready CHECK (ready_at IS NULL OR (online AND NOT paused)),
    -- A zone that PostgreSQL does not know would break every claim, not only this instance's.
    CONSTRAINT known_time_zone CHECK ((timestamptz '2026-01-01 00:00Z' AT TIME ZONE time_zone) IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

-- Serves the claim: a seek to the instances that may send now.
CREATE INDEX instances_ready_idx ON instances (ready_at) WHERE ready_at IS NOT NULL;

CREATE TYPE post_state AS ENUM (
    'draft', 'pending', 'scheduled', 'claimed', 'sending', 'sent', 'failed', 'unknown', 'missed', 'cancelled');

CREATE TABLE posts (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id       bigint      NOT NULL REFERENCES instances (id),
    state             post_state  NOT NULL,
    due_at            timestamptz,
    max_lateness      interval    NOT NULL CHECK (max_lateness >= '0'), -- 0 = no limit
    miss_at           timestamptz,                                      -- from then on it may not be sent; null = no limit
    content           text        NOT NULL,
    title             text        NOT NULL,
    description       text        NOT NULL,
    url               text        NOT NULL,
    thumb_url         text        NOT NULL,
    visibility        text        NOT NULL CHECK (visibility IN ('', 'everyone', 'allow', 'deny')),
    visible_users     text[]      NOT NULL DEFAULT '{}',
    visible_labels    text[]      NOT NULL DEFAULT '{}',
    first_comment     text        NOT NULL DEFAULT '',
    external_key      text        CHECK (external_key <> ''),
    author            text        NOT NULL,
    source            text        NOT NULL,
    version           bigint      NOT NULL DEFAULT 1,
    attempt           integer     NOT NULL DEFAULT 0,
    claim_token       bigint,                      -- names the last claim; kept after it, so that a late result finds its post
    claimed_by        text        NOT NULL DEFAULT '',
    lease_until       timestamptz,
    intent_at         timestamptz,                 -- when the last call was committed to
    call_until        timestamptz,                 -- no call of that intent begins after this instant
    finished_at       timestamptz,
    held_for          text,                        -- what held it when it was claimed or missed
    reconcile_at      timestamptz,                 -- next read-back; null = none planned
    reconcile_round   integer     NOT NULL DEFAULT 0,
    moment_id         text        CHECK (moment_id ~ '^[0-9]{1,32}$'),
    moment_created_at timestamptz,
    proof             jsonb,                       -- what a read-back found stored; null = see the delivered attempt's reply
    error             text        NOT NULL DEFAULT '',
    recall_mode       text        NOT NULL DEFAULT '' CHECK (recall_mode IN ('', 'delete', 'private')),
    recalled_at       timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    -- Only a draft may still lack its time or its audience.
    CONSTRAINT complete_unless_draft CHECK (state IN ('draft', 'cancelled') OR (due_at IS NOT NULL AND visibility <> '')),
    -- An audience that is limited names somebody; an empty list never means everyone.
    CONSTRAINT audience_named CHECK (visibility IN ('', 'everyone') = (visible_users = '{}' AND visible_labels = '{}')),
    -- A lease belongs to a post in flight, and to no other.
    CONSTRAINT leased_iff_in_flight CHECK ((state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)),
    -- Whatever is in flight can be told from an earlier claim of the same post.
    CONSTRAINT in_flight_has_token CHECK (lease_until IS NULL OR claim_token IS NOT NULL),
    -- No call without a committed intent.
    CONSTRAINT sending_has_intent CHECK (state <> 'sending' OR (intent_at IS NOT NULL AND call_until IS NOT NULL)),
    -- Success is a moment that can be named.
    CONSTRAINT sent_has_moment CHECK (state <> 'sent' OR moment_id IS NOT NULL),
    -- Read-backs settle doubts and nothing else.
    CONSTRAINT reconcile_unknown_only CHECK (reconcile_at IS NULL OR state = 'unknown')
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

-- Statistics taken while the queue was empty would make the planner shun the partial indexes below.
ALTER TABLE posts ALTER COLUMN state SET STATISTICS 0;

-- An instance's earliest scheduled post. The only index with this predicate: a second one would be
-- tried for the same queries, and under some statistics wrongly.
CREATE INDEX posts_scheduled_idx ON posts (instance_id, due_at, id) WHERE state = 'scheduled';
-- One post of an instance in flight, whatever the code does.
CREATE UNIQUE INDEX posts_in_flight_idx ON posts (instance_id) WHERE state IN ('claimed', 'sending');
-- Leases that ran out.
CREATE INDEX posts_lease_idx ON posts (lease_until) WHERE lease_until IS NOT NULL;
-- Posts past their lateness limit.
CREATE INDEX posts_miss_idx ON posts (miss_at) WHERE state = 'scheduled' AND miss_at IS NOT NULL;
-- Doubts to be read back.
CREATE INDEX posts_reconcile_idx ON posts (reconcile_at) WHERE reconcile_at IS NOT NULL;
-- Lists in order of time.
CREATE INDEX posts_due_idx ON posts (due_at, id);
-- What a person has to look at; stays small however long the history.
CREATE INDEX posts_attention_idx ON posts (state, due_at, id) WHERE state IN ('draft', 'pending', 'failed', 'unknown', 'missed');
-- The caller's own name for a post.
CREATE UNIQUE INDEX posts_external_key_idx ON posts (external_key) WHERE external_key IS NOT NULL;
-- A moment belongs to one post: a read-back can never credit it to two.
CREATE UNIQUE INDEX posts_moment_idx ON posts (instance_id, moment_id) WHERE moment_id IS NOT NULL;

-- One row a call of the gateway.
CREATE TABLE attempts (
    post_id     bigint      NOT NULL,
    number      integer     NOT NULL,
    started_at  timestamptz NOT NULL,
    duration    interval    NOT NULL DEFAULT '0',
    replica     text        NOT NULL DEFAULT '',
    w_id        text        NOT NULL DEFAULT '',
    verdict     text        NOT NULL CHECK (verdict IN ('delivered', 'rejected', 'never_left', 'in_doubt')),
    cause       text        NOT NULL DEFAULT '',
    message     text        NOT NULL DEFAULT '',
    request     text        NOT NULL DEFAULT '',
    reply       text        NOT NULL DEFAULT '',
    http_status integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (post_id, number, started_at)
) PARTITION BY RANGE (started_at);
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- The audit trail. Append-only: what happened stays as it was written.
CREATE SEQUENCE events_id_seq;
CREATE TABLE events (
    id          bigint      NOT NULL DEFAULT nextval('events_id_seq'),
    at          timestamptz NOT NULL DEFAULT now(),
    post_id     bigint,
    instance_id bigint,
    action      text        NOT NULL,
    from_state  text        NOT NULL DEFAULT '',
    to_state    text        NOT NULL DEFAULT '',
    actor       text        NOT NULL,
    source      text        NOT NULL,
    detail      jsonb,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE events_id_seq OWNED BY events.id;
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX events_post_idx ON events (post_id, id) WHERE post_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events_default FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Makes the monthly partitions from the given month on. Called at migration and by housekeeping; a row
-- that comes before its partition goes to the default one and is never refused.
-- +goose StatementBegin
CREATE FUNCTION ensure_partitions(first_month date, months integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month  date;
    child  text;
    made   integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('momentcast.ensure_partitions'));
    FOREACH parent IN ARRAY ARRAY['attempts', 'events'] LOOP
        FOR n IN 0..months - 1 LOOP
            month := (date_trunc('month', first_month) + make_interval(months => n))::date;
            child := format('%s_%s', parent, to_char(month, 'YYYYMM'));
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            IF parent = 'events' THEN
                EXECUTE format('CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', child);
            END IF;
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
-- +goose StatementEnd
SELECT ensure_partitions((now() AT TIME ZONE 'UTC')::date, 4);

-- A comment below a sent moment: a step of its own, which never touches the post's state.
CREATE TABLE first_comments (
    post_id     bigint      PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    state       text        NOT NULL CHECK (state IN ('waiting', 'due', 'sending', 'sent', 'failed', 'unknown')),
    due_at      timestamptz,
    lease_until timestamptz,
    attempt     integer     NOT NULL DEFAULT 0,
    error       text        NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now(),
    -- Only what is due or on its way has a time.
    CONSTRAINT due_has_time CHECK ((state = 'due') = (due_at IS NOT NULL)),
    CONSTRAINT sending_has_lease CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);
CREATE INDEX first_comments_due_idx ON first_comments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX first_comments_lease_idx ON first_comments (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE api_tokens (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text        NOT NULL CHECK (name <> ''),
    hash         bytea       NOT NULL UNIQUE CHECK (octet_length(hash) = 32), -- SHA-256 of the token; the token itself is shown once
    scopes       text[]      NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write', 'operate', 'admin']),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

-- What was answered to a creation that carried an Idempotency-Key.
CREATE TABLE idempotency_keys (
    actor        text        NOT NULL,
    key          text        NOT NULL CHECK (key <> ''),
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    post_ids     bigint[]    NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_age_idx ON idempotency_keys (created_at);

-- The end of the quiet span around at, or at itself outside of one. quiet is 'HH:MM-HH:MM'.
-- +goose StatementBegin
CREATE FUNCTION quiet_end(at timestamptz, zone text, quiet text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    t0    time := left(quiet, 5)::time;
    t1    time := right(quiet, 5)::time;
    local timestamp := at AT TIME ZONE zone;
    now   time := local::time;
    day   date := local::date;
BEGIN
    IF t0 < t1 AND now >= t0 AND now < t1 THEN
        RETURN (day + t1) AT TIME ZONE zone;
    ELSIF t0 > t1 AND now < t1 THEN
        RETURN (day + t1) AT TIME ZONE zone;
    ELSIF t0 > t1 AND now >= t0 THEN
        RETURN (day + 1 + t1) AT TIME ZONE zone;
    END IF;
    RETURN at;
END $$;
-- +goose StatementEnd

-- When the instance may send its earliest scheduled post, which is due at due, and which rule says so.
-- The one definition of ready_at; moment.Instance.Gate decides the same in Go. One SELECT, so that the
-- planner can fold it into the statements that use it; OFFSET 0 keeps it from writing the same
-- expressions out dozens of times on the way.
-- +goose StatementBegin
CREATE FUNCTION instance_gate(i instances, s settings, due timestamptz)
RETURNS TABLE (ready_at timestamptz, reason text) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN due IS NULL OR i.paused OR NOT i.online OR i.missing_since IS NOT NULL
                  OR i.online_since IS NULL OR i.w_id = '' OR i.in_flight IS NOT NULL
                THEN NULL ELSE q.at END,
           CASE WHEN due IS NULL THEN NULL
                WHEN i.paused THEN 'instance_paused'
                WHEN NOT i.online OR i.missing_since IS NOT NULL OR i.online_since IS NULL OR i.w_id = '' THEN 'offline'
                WHEN i.in_flight IS NOT NULL THEN 'in_flight'
                WHEN q.at > greatest(c.at, now()) THEN 'quiet_hours'
                WHEN c.capped THEN 'daily_cap'
                WHEN i.next_slot_at > greatest(due, m.at) THEN i.slot_reason
                WHEN m.at > due THEN 'online_age'
           END
    FROM (SELECT coalesce(i.matured_at, i.online_since + coalesce(i.online_age, s.online_age)) AS at,
                 coalesce(i.daily_cap, s.daily_cap) AS cap,
                 coalesce(i.quiet_hours, s.quiet_hours) AS quiet) m
    CROSS JOIN LATERAL (SELECT greatest(due, m.at, i.next_slot_at) AS at OFFSET 0) a
    CROSS JOIN LATERAL (SELECT m.cap > 0 AND i.sent_count >= m.cap
                           AND (greatest(a.at, now()) AT TIME ZONE i.time_zone)::date <= i.sent_on AS capped OFFSET 0) d
    CROSS JOIN LATERAL (SELECT d.capped,
                               CASE WHEN d.capped THEN (i.sent_on + 1)::timestamp AT TIME ZONE i.time_zone ELSE a.at END AS at OFFSET 0) c
    CROSS JOIN LATERAL (SELECT CASE WHEN m.quiet = '' THEN c.at
                                    ELSE greatest(c.at, nullif(quiet_end(greatest(c.at, now()), i.time_zone, m.quiet), greatest(c.at, now())))
                               END AS at OFFSET 0) q
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION instance_gate(instances, settings, timestamptz);
DROP FUNCTION quiet_end(timestamptz, text, text);
DROP TABLE idempotency_keys;
DROP TABLE api_tokens;
DROP TABLE first_comments;
DROP TABLE events;
DROP TABLE attempts;
DROP TABLE posts;
DROP TYPE post_state;
DROP TABLE instances;
DROP TABLE replicas;
DROP TABLE gateway_status;
DROP TABLE settings;
DROP FUNCTION ensure_partitions(date, integer);
DROP FUNCTION refuse_change();
