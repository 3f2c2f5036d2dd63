-- +goose Up
-- Up to when a campaign's posts are all there and follow it: whose are there for the shortest time is expanded first.
-- Null = not known, which comes before all.
ALTER TABLE campaigns ADD COLUMN complete_until timestamptz;

-- Serves the tick, in this order: the first that is to be looked at now is the one that runs dry first.
DROP INDEX campaigns_expand_idx;
CREATE INDEX campaigns_expand_idx ON campaigns (complete_until NULLS FIRST, expand_at) WHERE expand_at IS NOT NULL;

-- +goose Down
DROP INDEX campaigns_expand_idx;
ALTER TABLE campaigns DROP COLUMN complete_until;
CREATE INDEX campaigns_expand_idx ON campaigns (expand_at) WHERE expand_at IS NOT NULL;
