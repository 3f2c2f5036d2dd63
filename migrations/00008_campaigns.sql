-- +goose Up

-- A card, whom it goes out from, and when, again and again. docs/campaigns.md describes the expansion.
CREATE TABLE campaigns (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    colour         text        NOT NULL CHECK (colour ~ '^#[0-9a-f]{6}$'),
    state          text        NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'pending', 'active', 'paused', 'stopped', 'ended')),
    plan           jsonb       NOT NULL,                      -- moment.CampaignPlan
    plan_hash      text        NOT NULL,                      -- of the plan, as moment.CampaignPlan.Hash has it
    approved_hash  text        NOT NULL DEFAULT '',           -- '' = not approved
    approved_by    text        NOT NULL DEFAULT '',
    approved_at    timestamptz,
    rejected       text        NOT NULL DEFAULT '',           -- why it was last sent back
    needs_approval boolean     NOT NULL DEFAULT false,        -- as was asked for when it was last activated or changed
    predecessor_id bigint      REFERENCES campaigns (id),     -- the campaign that it continues
    root_id        bigint      REFERENCES campaigns (id),     -- the first of that line; null = itself
    number_base    integer     NOT NULL DEFAULT 0,
    reason         text        NOT NULL DEFAULT '',           -- of the pause or stop
    author         text        NOT NULL,
    editors        text[]      NOT NULL DEFAULT '{}',         -- who but the author changed the plan since it was last approved
    external_key   text        CHECK (external_key <> ''),
    spec_version   bigint      NOT NULL DEFAULT 1,            -- grows with everything that posts must follow
    planned_version bigint     NOT NULL DEFAULT 0,            -- the spec version that the occurrences reflect
    planned_at     timestamptz NOT NULL DEFAULT '-infinity',  -- when they were last compared with the schedule
    expanded_until timestamptz,                               -- occurrences exist up to here; null = never expanded
    expand_at      timestamptz,                               -- when a replica looks at it next; null = nothing to do
    settled_at     timestamptz,                               -- since when all posts reflect spec_version; null = not yet
    version        bigint      NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    -- What nobody approved is not active where approval is asked for: the plan that leaves is the plan that was read.
    CONSTRAINT active_is_approved CHECK (state <> 'active' OR NOT needs_approval OR approved_hash = plan_hash),
    -- A pause and a stop say why.
    CONSTRAINT ended_with_reason CHECK (state NOT IN ('paused', 'stopped') OR reason <> ''),
    -- What is not planned has nothing to look at.
    CONSTRAINT draft_not_expanded CHECK (state <> 'draft' OR expand_at IS NULL)
) WITH (fillfactor = 80);
-- Serves the tick: a seek to the campaigns that are to be looked at now.
CREATE INDEX campaigns_expand_idx ON campaigns (expand_at) WHERE expand_at IS NOT NULL;
-- The caller's own name for a campaign.
CREATE UNIQUE INDEX campaigns_external_key_idx ON campaigns (external_key) WHERE external_key IS NOT NULL;

-- One planned firing of a campaign.
CREATE TABLE occurrences (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint      NOT NULL REFERENCES campaigns (id),
    wall        text        NOT NULL,                         -- the wall time that names it; text, as a repeated hour has '#2'
    aim         text        NOT NULL,                         -- the wall time it aims at
    planned_at  timestamptz NOT NULL,                         -- when the schedule fires it
    at          timestamptz NOT NULL,                         -- when it fires
    number      integer     NOT NULL,                         -- {{n}}
    state       text        NOT NULL CHECK (state IN ('planned', 'moved', 'edited', 'skipped', 'missed', 'merged')),
    reason      text        NOT NULL DEFAULT '',
    card        jsonb,                                        -- its own; null = the campaign's
    approved    boolean     NOT NULL DEFAULT true,            -- its own card may leave
    fixed       boolean     NOT NULL DEFAULT false,           -- a person, or the catch-up, chose "at"
    settled     bigint      NOT NULL DEFAULT 0,               -- the campaign's spec version that its posts reflect
    cursor      bigint      NOT NULL DEFAULT 0,               -- or reflect up to this instance
    open        boolean     NOT NULL DEFAULT true,            -- it has posts that wait, or will have
    problems    jsonb,                                        -- posts that could not be made
    version     bigint      NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    -- A wall time fires once, whoever expands and however often.
    CONSTRAINT occurrences_wall_key UNIQUE (campaign_id, wall),
    -- What does not fire says why.
    CONSTRAINT silent_with_reason CHECK (state NOT IN ('skipped', 'missed', 'merged') OR reason <> '')
);
CREATE INDEX occurrences_at_idx ON occurrences (campaign_id, at);
-- What is still to be settled; stays small however long the campaign has run.
CREATE INDEX occurrences_open_idx ON occurrences (campaign_id, at) WHERE open;

-- A post of a campaign belongs to it through its occurrence.
ALTER TABLE posts
    ADD COLUMN occurrence_id bigint REFERENCES occurrences (id),
    ADD COLUMN by_hand boolean NOT NULL DEFAULT false,       -- a person has changed it since it was made
    ADD COLUMN campaign_held boolean NOT NULL DEFAULT false, -- pending for its campaign, and for no reason of its own
    -- Only a post that is not on its way waits for its campaign.
    ADD CONSTRAINT held_is_pending CHECK (NOT campaign_held OR (state IN ('pending', 'draft', 'cancelled') AND occurrence_id IS NOT NULL)) NOT VALID;
ALTER TABLE posts VALIDATE CONSTRAINT held_is_pending;
-- One post for an occurrence and an instance, whatever the code does.
CREATE UNIQUE INDEX posts_occurrence_idx ON posts (occurrence_id, instance_id) WHERE occurrence_id IS NOT NULL;

-- What waits for a ruling of its own; what waits for its campaign may be very much more.
CREATE INDEX posts_ruling_idx ON posts (due_at, id) WHERE state = 'pending' AND NOT campaign_held;

-- A post of a campaign is released only while its campaign is active: whatever else is wrong, a text that nobody approved
-- does not leave, and a paused campaign stays quiet. (WHEN keeps it away from the engine's statements.)
-- +goose StatementBegin
CREATE FUNCTION refuse_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM occurrences o JOIN campaigns c ON c.id = o.campaign_id
                   WHERE o.id = NEW.occurrence_id AND c.state = 'active' AND (o.approved OR NEW.by_hand)) THEN
        RAISE EXCEPTION 'the campaign of post % does not send now', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_releases';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER campaign_releases BEFORE UPDATE OF state ON posts FOR EACH ROW
    WHEN (NEW.occurrence_id IS NOT NULL AND NEW.state = 'scheduled' AND OLD.state IN ('draft', 'pending'))
    EXECUTE FUNCTION refuse_release();

-- Instances that joined or left groups or were renamed, until the expansion has looked.
CREATE TABLE group_changes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL,
    groups      text[] NOT NULL
);
-- +goose StatementBegin
CREATE FUNCTION note_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO group_changes (instance_id, groups) VALUES (NEW.id, NEW.groups);
    ELSE
        INSERT INTO group_changes (instance_id, groups) VALUES (NEW.id, OLD.groups || NEW.groups);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER groups_joined AFTER INSERT ON instances FOR EACH ROW
    WHEN (NEW.groups <> '{}') EXECUTE FUNCTION note_groups();
CREATE TRIGGER groups_changed AFTER UPDATE OF groups, name ON instances FOR EACH ROW
    WHEN (OLD.groups IS DISTINCT FROM NEW.groups OR OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION note_groups();
-- Serves the question who is in a group.
CREATE INDEX instances_groups_idx ON instances USING gin (groups);

-- What happened to a campaign.
ALTER TABLE events ADD COLUMN campaign_id bigint;
CREATE INDEX events_campaign_idx ON events (campaign_id, id) WHERE campaign_id IS NOT NULL;

-- +goose Down
DROP INDEX events_campaign_idx;
ALTER TABLE events DROP COLUMN campaign_id;
DROP INDEX instances_groups_idx;
DROP TRIGGER groups_changed ON instances;
DROP TRIGGER groups_joined ON instances;
DROP FUNCTION note_groups();
DROP TABLE group_changes;
DROP TRIGGER campaign_releases ON posts;
DROP FUNCTION refuse_release();
DROP INDEX posts_ruling_idx;
ALTER TABLE posts
    DROP CONSTRAINT held_is_pending,
    DROP COLUMN campaign_held,
    DROP COLUMN by_hand,
    DROP COLUMN occurrence_id;
DROP TABLE occurrences;
DROP TABLE campaigns;
