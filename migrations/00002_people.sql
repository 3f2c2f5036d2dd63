-- +goose Up

-- Who may sign in. Nobody is deleted: the audit trail names them.
CREATE TABLE users (
    id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text        NOT NULL CHECK (char_length(name) BETWEEN 3 AND 64),
    display         text        NOT NULL DEFAULT '',
    roles           text[]      NOT NULL,
    password_hash   text,                                  -- argon2id, PHC string; null = signs in through the identity provider
    subject         text,                                  -- issuer and subject at the identity provider; null = none
    disabled_at     timestamptz,
    last_login_at   timestamptz,
    password_set_at timestamptz NOT NULL DEFAULT now(),
    version         bigint      NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    -- Roles are known, and everybody has one.
    CONSTRAINT roles_known CHECK (roles <> '{}' AND roles <@ ARRAY['viewer', 'editor', 'approver', 'operator', 'admin']),
    -- Only a hash is ever stored, and never by a weaker function.
    CONSTRAINT password_hashed CHECK (password_hash LIKE '$argon2id$%'),
    -- Somebody who can sign in at all has a way to.
    CONSTRAINT has_credential CHECK (password_hash IS NOT NULL OR subject IS NOT NULL)
);
-- Names that differ by case only are one person.
CREATE UNIQUE INDEX users_name_idx ON users (lower(name));
-- One account a person of the identity provider.
CREATE UNIQUE INDEX users_subject_idx ON users (subject) WHERE subject IS NOT NULL;

-- What the first person has to know to become the administrator: printed to the log while there is nobody, and gone
-- with the first person. One for all replicas.
ALTER TABLE settings ADD COLUMN setup_secret text NOT NULL DEFAULT '';

-- Who is signed in, where. The cookie's value is not here, only its hash: a copy of this table signs nobody in.
CREATE TABLE sessions (
    hash         bytea       PRIMARY KEY CHECK (octet_length(hash) = 32), -- SHA-256 of the cookie's value
    id           bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,         -- names the session to people
    user_id      bigint      REFERENCES users (id),        -- null = not signed in yet
    data         bytea       NOT NULL,
    ip           text        NOT NULL DEFAULT '',
    user_agent   text        NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    -- A session ends; nothing keeps it alive for longer than two weeks.
    CONSTRAINT ends CHECK (expires_at <= created_at + interval '14 days 1 minute')
);
-- Serves the sweep of what has expired.
CREATE INDEX sessions_expiry_idx ON sessions (expires_at);
-- Serves the list of a person's sessions, and ending them all.
CREATE INDEX sessions_user_idx ON sessions (user_id) WHERE user_id IS NOT NULL;

-- How often in a row signing in failed under a name. Names that nobody has are counted and locked alike, so
-- that a lock does not tell which names exist.
CREATE TABLE login_failures (
    name_hash    bytea       PRIMARY KEY CHECK (octet_length(name_hash) = 32), -- a password may have been typed where the name goes
    failures     integer     NOT NULL CHECK (failures > 0),
    locked_until timestamptz NOT NULL,                     -- no login is tried before it
    updated_at   timestamptz NOT NULL DEFAULT now()
);
-- Serves the sweep of what is long past.
CREATE INDEX login_failures_age_idx ON login_failures (updated_at);

-- The audit trail's page: what people and programs did, newest first, whole or by one actor or action. What the
-- service does by itself is far more and is found by post or by time.
CREATE INDEX events_outside_idx ON events (id) WHERE source <> 'system';
CREATE INDEX events_actor_idx ON events (actor, id) WHERE source <> 'system';
CREATE INDEX events_action_idx ON events (action, id) WHERE source <> 'system';

-- Approving is a scope of its own.
ALTER TABLE api_tokens DROP CONSTRAINT api_tokens_scopes_check;
ALTER TABLE api_tokens ADD CONSTRAINT scopes_known CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write', 'approve', 'operate', 'admin']);

-- +goose Down
-- A token that may only approve is nothing to the older program.
DELETE FROM api_tokens WHERE array_remove(scopes, 'approve') = '{}';
UPDATE api_tokens SET scopes = array_remove(scopes, 'approve') WHERE 'approve' = ANY (scopes);
ALTER TABLE api_tokens DROP CONSTRAINT scopes_known;
ALTER TABLE api_tokens ADD CONSTRAINT api_tokens_scopes_check CHECK (scopes <> '{}' AND scopes <@ ARRAY['read', 'write', 'operate', 'admin']);
DROP INDEX events_action_idx;
DROP INDEX events_actor_idx;
DROP INDEX events_outside_idx;
DROP TABLE login_failures;
DROP TABLE sessions;
ALTER TABLE settings DROP COLUMN setup_secret;
DROP TABLE users;
