-- +goose Up

-- Files of posts on their way in. Their rows are kept until they are posts, or for a week: checking and committing go
-- on from here, whichever process began them.
CREATE TABLE imports (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file         text        NOT NULL,
    format       text        NOT NULL CHECK (format IN ('csv', 'xlsx')),
    encoding     text        NOT NULL DEFAULT '',
    date1904     boolean     NOT NULL DEFAULT false,
    header       text[]      NOT NULL,
    rows         integer     NOT NULL DEFAULT 0,
    batches      integer     NOT NULL DEFAULT 0,
    options      jsonb       NOT NULL,
    state        text        NOT NULL DEFAULT 'checking' CHECK (state IN ('checking', 'checked', 'committing', 'done')),
    counts       jsonb       NOT NULL DEFAULT '{}',
    next_batch   integer     NOT NULL DEFAULT 0,           -- the first that is not made posts yet
    commit_until timestamptz,                              -- lease of who makes posts of it; null = nobody does
    author       text        NOT NULL,
    version      bigint      NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL DEFAULT now() + interval '7 days',
    -- Batches become posts in their order, each once.
    CONSTRAINT batches_in_order CHECK (next_batch BETWEEN 0 AND batches)
);
-- Serves the sweep of what has expired.
CREATE INDEX imports_expiry_idx ON imports (expires_at);

CREATE TABLE import_batches (
    import_id bigint  NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    batch     integer NOT NULL,
    rows      jsonb   NOT NULL,
    PRIMARY KEY (import_id, batch)
);

CREATE TABLE import_findings (
    import_id bigint  NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    n         integer NOT NULL,
    finding   jsonb   NOT NULL,
    PRIMARY KEY (import_id, n)
);

-- How somebody last had the columns of such a header read.
CREATE TABLE import_columns (
    actor   text   NOT NULL,
    header  text[] NOT NULL,
    columns text[] NOT NULL,
    PRIMARY KEY (actor, header)
);

-- +goose Down
DROP TABLE import_columns;
DROP TABLE import_findings;
DROP TABLE import_batches;
DROP TABLE imports;
