-- +goose Up

-- What somebody is typing in the composer and has not submitted: one row a person and form. It is kept apart from the
-- posts, so that nothing of it can ever be sent.
CREATE TABLE compose_autosaves (
    actor      text        NOT NULL,
    form       text        NOT NULL CHECK (form <> ''),    -- "new", "clone:7", "edit:7"
    typed      jsonb       NOT NULL,                       -- the form's fields
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor, form),
    -- A form is typed by hand; whatever is larger is not one.
    CONSTRAINT typed_by_hand CHECK (octet_length(typed::text) <= 65536)
);
-- Serves the sweep of what nobody came back to.
CREATE INDEX compose_autosaves_age_idx ON compose_autosaves (updated_at);

-- +goose Down
DROP TABLE compose_autosaves;
