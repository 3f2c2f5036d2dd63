-- +goose Up
-- A round is told from the last try of it: a timeline that could not be read is tried again in the same round.
ALTER TABLE read_backs
    ADD COLUMN problem text    NOT NULL DEFAULT '', -- why the timeline could not be read, in a word; '' = it was read
    ADD COLUMN message text    NOT NULL DEFAULT '', -- what was said about that
    ADD COLUMN found   text,                        -- the moment that settled the doubt
    ADD COLUMN more    integer NOT NULL DEFAULT 0,  -- moments that are not in seen
    ADD CONSTRAINT unread_saw_nothing CHECK (problem = '' OR seen = '[]');

-- +goose Down
ALTER TABLE read_backs
    DROP CONSTRAINT unread_saw_nothing,
    DROP COLUMN more,
    DROP COLUMN found,
    DROP COLUMN message,
    DROP COLUMN problem;
