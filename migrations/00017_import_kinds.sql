-- +goose Up

-- Files have a kind: what their rows become. Those from before are of posts.
ALTER TABLE imports ADD COLUMN kind text NOT NULL DEFAULT 'posts' CHECK (kind IN ('posts', 'campaigns'));

-- The same header is read as other fields in a file of another kind.
ALTER TABLE import_columns
    ADD COLUMN kind text NOT NULL DEFAULT 'posts',
    DROP CONSTRAINT import_columns_pkey,
    ADD PRIMARY KEY (actor, kind, header);

-- +goose Down
DELETE FROM import_columns WHERE kind <> 'posts';
DELETE FROM imports WHERE kind <> 'posts';
ALTER TABLE import_columns
    DROP CONSTRAINT import_columns_pkey,
    ADD PRIMARY KEY (actor, header),
    DROP COLUMN kind;
ALTER TABLE imports DROP COLUMN kind;
