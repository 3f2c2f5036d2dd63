-- +goose Up

-- Lists that people look at again: the filter and the columns, as the page's address has them.
CREATE TABLE saved_views (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint      NOT NULL REFERENCES users (id),
    name       text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    query      text        NOT NULL CHECK (octet_length(query) <= 4000),
    shared     boolean     NOT NULL DEFAULT false,
    -- What its owner sees first.
    standard   boolean     NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, name)
);
-- One view comes first, not two.
CREATE UNIQUE INDEX saved_views_standard_idx ON saved_views (user_id) WHERE standard;

-- The columns a person wants to see.
CREATE TABLE user_columns (
    user_id bigint PRIMARY KEY REFERENCES users (id),
    columns text[] NOT NULL CHECK (cardinality(columns) BETWEEN 1 AND 40)
);

-- Changes of many posts. Any replica works on a job, one at a time: whoever holds the lease. A change and its line of
-- progress are one transaction, so a job that changes hands goes on where it was.
CREATE TABLE jobs (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         text        NOT NULL UNIQUE CHECK (char_length(key) BETWEEN 20 AND 80), -- made with the form: sent twice, it is one job
    kind        text        NOT NULL CHECK (kind IN ('cancel', 'reschedule', 'retry', 'approve')),
    spec        jsonb       NOT NULL,                   -- how the posts are changed
    actor       text        NOT NULL,
    source      text        NOT NULL,
    back        text        NOT NULL,                   -- the list it was started from
    state       text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'stopped')),
    stop        boolean     NOT NULL DEFAULT false,     -- asked for
    total       integer     NOT NULL,
    done        integer     NOT NULL DEFAULT 0,         -- of them, the failed included
    failed      integer     NOT NULL DEFAULT 0,
    errors      jsonb       NOT NULL DEFAULT '[]',      -- the first 20
    token       bigint      NOT NULL DEFAULT 0,         -- names the holder of the lease; counts up
    lease_until timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    -- A lease belongs to a job that is worked on.
    CONSTRAINT leased_iff_running CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT ended_iff_over CHECK ((state IN ('done', 'stopped')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 50);
-- Serves the claim.
CREATE INDEX jobs_open_idx ON jobs (id) WHERE ended_at IS NULL;

-- What a job is to change, as it was when somebody decided.
CREATE TABLE job_items (
    job_id  bigint      NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    n       integer     NOT NULL,                       -- from 1
    post_id bigint      NOT NULL,
    version bigint      NOT NULL,
    due_at  timestamptz,
    hash    text        NOT NULL DEFAULT '',            -- of the content that was seen, where that is what counts
    PRIMARY KEY (job_id, n)
);

-- +goose Down
DROP TABLE job_items;
DROP TABLE jobs;
DROP TABLE user_columns;
DROP TABLE saved_views;
