-- +goose Up
-- How far an occurrence is settled says nothing once the campaign has changed: then its posts are gone through from the
-- first again.
ALTER TABLE occurrences
    ADD COLUMN cursor_version bigint NOT NULL DEFAULT 0; -- the campaign's spec version that "cursor" is about; 0 = never half made

-- +goose Down
ALTER TABLE occurrences DROP COLUMN cursor_version;
