-- +goose Up

-- Which history of the database the service works on (docs/failover.md). There is one row.
CREATE TABLE history (
    id         boolean     PRIMARY KEY DEFAULT true CHECK (id),
    generation uuid        NOT NULL DEFAULT gen_random_uuid(), -- new whenever the history was found to have moved
    timeline   text        NOT NULL DEFAULT '',     -- of the server's log; '' = not known yet, or not told
    alive_at   timestamptz NOT NULL DEFAULT now(),  -- a replica worked on it then; what was committed later may be lost with a server
    moved_at   timestamptz,                         -- when it was last found to have moved
    moved_from timestamptz,                         -- from then on, up to moved_at, entries may be missing
    moved_why  text        NOT NULL DEFAULT '',     -- 'timeline', 'went_back' or 'restart'
    -- A move has a time, a span and a cause.
    CONSTRAINT moved_told CHECK ((moved_at IS NULL) = (moved_from IS NULL) AND (moved_at IS NULL) = (moved_why = ''))
);
INSERT INTO history DEFAULT VALUES;

-- Accounts whose timeline has to be read before anything more is sent from them: the database may not
-- know of what was.
CREATE TABLE unread_accounts (
    instance_id bigint      PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
    since       timestamptz NOT NULL,               -- moments from then on count
    held_at     timestamptz NOT NULL DEFAULT now(),
    read_at     timestamptz NOT NULL,               -- when to read it next: no earlier than the last call can have ended
    tries       integer     NOT NULL DEFAULT 0,
    problem     text        NOT NULL DEFAULT '',    -- why the last try failed, in a word
    message     text        NOT NULL DEFAULT ''
);
CREATE INDEX unread_accounts_read_idx ON unread_accounts (read_at);

ALTER TABLE instances ADD COLUMN unread boolean NOT NULL DEFAULT false; -- it has a row in unread_accounts
-- Nothing is sent from an account that has to be read first.
ALTER TABLE instances ADD CONSTRAINT unread_is_not_ready CHECK (ready_at IS NULL OR NOT unread);

-- The timeline on which this server writes, '' where it does not tell: a server that is no primary, or
-- one that keeps these functions from our user.
-- +goose StatementBegin
CREATE FUNCTION this_timeline() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN left(pg_walfile_name(pg_current_wal_lsn()), 8);
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function OR object_not_in_prerequisite_state THEN
    RETURN '';
END $$;
-- +goose StatementEnd

-- Whether this is still the history of which a replica has last seen the given instant: the fence
-- before whatever is sent.
-- +goose StatementBegin
CREATE FUNCTION history_stands(seen timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT h.alive_at >= seen AND (h.timeline = '' OR this_timeline() IN ('', h.timeline)) FROM history h
$$;
-- +goose StatementEnd

-- As before, and held while the account has to be read.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION instance_gate(i instances, s settings, due timestamptz)
RETURNS TABLE (ready_at timestamptz, reason text) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN due IS NULL OR i.paused OR NOT i.online OR i.missing_since IS NOT NULL
                  OR i.online_since IS NULL OR i.w_id = '' OR i.unread OR i.in_flight IS NOT NULL
                THEN NULL ELSE q.at END,
           CASE WHEN due IS NULL THEN NULL
                WHEN i.paused THEN 'instance_paused'
                WHEN NOT i.online OR i.missing_since IS NOT NULL OR i.online_since IS NULL OR i.w_id = '' THEN 'offline'
                WHEN i.unread THEN 'failover'
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION instance_gate(i instances, s settings, due timestamptz)
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
DROP FUNCTION history_stands(timestamptz);
DROP FUNCTION this_timeline();
ALTER TABLE instances DROP COLUMN unread;
DROP TABLE unread_accounts;
DROP TABLE history;
