-- +goose Up

-- Named visibilities. A post keeps a copy of what it was given and remembers where that came from.
CREATE TABLE audiences (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    visibility     text        NOT NULL CHECK (visibility IN ('everyone', 'allow', 'deny')),
    visible_users  text[]      NOT NULL DEFAULT '{}',
    visible_labels text[]      NOT NULL DEFAULT '{}',
    note           text        NOT NULL DEFAULT '',
    author         text        NOT NULL,
    version        bigint      NOT NULL DEFAULT 1,
    archived_at    timestamptz,                            -- set = deleted, and kept because finished posts name it
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    -- An audience that is limited names somebody; an empty list never means everyone.
    CONSTRAINT preset_names_somebody CHECK ((visibility = 'everyone') = (visible_users = '{}' AND visible_labels = '{}'))
);
-- Names that differ by case only are one audience; a deleted one's name is free again.
CREATE UNIQUE INDEX audiences_name_idx ON audiences (lower(name)) WHERE archived_at IS NULL;

-- The preset that a post's visibility was copied from; null = it was given by itself.
ALTER TABLE posts ADD COLUMN audience_id bigint REFERENCES audiences (id);
-- What uses a preset. It has no predicate on the state: see posts_scheduled_idx.
CREATE INDEX posts_audience_idx ON posts (audience_id, id) WHERE audience_id IS NOT NULL;

-- What was read of an instance's labels and contacts. The gateway gives contacts out slowly, so they are kept, for all
-- replicas, and one of them reads at a time.
CREATE TABLE address_books (
    instance_id   bigint      PRIMARY KEY REFERENCES instances (id) ON DELETE CASCADE,
    labels        jsonb       NOT NULL DEFAULT '[]',
    labels_w_id   text        NOT NULL DEFAULT '',         -- the login they were read with
    labels_at     timestamptz,                             -- null = never read
    w_id          text        NOT NULL DEFAULT '',         -- the login of the last reading of contacts
    reading       bigint      NOT NULL DEFAULT 0,          -- names the last reading; grows
    reading_until timestamptz,                             -- its lease; null = none is under way
    started_at    timestamptz,                             -- when the last reading began
    fetched       integer     NOT NULL DEFAULT 0,
    total         integer     NOT NULL DEFAULT 0,
    read_at       timestamptz,                             -- end of the last reading that came to its end; null = none yet
    problem       text        NOT NULL DEFAULT ''          -- why the last reading ended early
);

CREATE TABLE contacts (
    instance_id bigint  NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    wxid        text    NOT NULL,
    nickname    text    NOT NULL DEFAULT '',
    remark      text    NOT NULL DEFAULT '',
    alias       text    NOT NULL DEFAULT '',
    avatar      text    NOT NULL DEFAULT '',
    labels      text[]  NOT NULL DEFAULT '{}',
    reading     bigint  NOT NULL,                          -- the last one that saw it; who is missing in a whole one is gone
    PRIMARY KEY (instance_id, wxid)
);
-- Names of contacts, of whatever instance.
CREATE INDEX contacts_wxid_idx ON contacts (wxid);

-- +goose Down
DROP TABLE contacts;
DROP TABLE address_books;
DROP INDEX posts_audience_idx;
ALTER TABLE posts DROP COLUMN audience_id;
DROP TABLE audiences;
