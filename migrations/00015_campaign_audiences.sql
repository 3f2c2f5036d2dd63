-- +goose Up

-- The preset that a campaign's visibility was copied from, as its plan has it; null = it was given by itself. Its posts
-- name none: they follow their campaign, which follows the preset.
ALTER TABLE campaigns
    ADD COLUMN audience_id bigint GENERATED ALWAYS AS ((plan->>'audience_id')::bigint) STORED REFERENCES audiences (id),
    ADD COLUMN approved_until timestamptz,                  -- from then on the approval is void; null = never
    -- Only an approval ends.
    ADD CONSTRAINT only_campaign_approvals_end CHECK (approved_until IS NULL OR approved_hash <> '');
-- What uses a preset.
CREATE INDEX campaigns_audience_idx ON campaigns (audience_id, id) WHERE audience_id IS NOT NULL;

-- What a request with a key created: posts, or a campaign. (It may be deleted since: then the key says so.)
ALTER TABLE idempotency_keys ADD COLUMN campaign_id bigint;

-- +goose Down
ALTER TABLE idempotency_keys DROP COLUMN campaign_id;
DROP INDEX campaigns_audience_idx;
ALTER TABLE campaigns
    DROP CONSTRAINT only_campaign_approvals_end,
    DROP COLUMN approved_until,
    DROP COLUMN audience_id;
