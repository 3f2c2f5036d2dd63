-- +goose Up

-- Two pairs of eyes, for how long they have seen enough, and what composing is judged by.
ALTER TABLE settings
    ADD COLUMN own_approval     boolean  NOT NULL DEFAULT false,
    ADD COLUMN approval_expires interval NOT NULL DEFAULT '30 days' CHECK (approval_expires >= '0'), -- 0 = never
    ADD COLUMN fold_lines       integer  NOT NULL DEFAULT 6 CHECK (fold_lines > 0),
    ADD COLUMN fold_chars       integer  NOT NULL DEFAULT 100 CHECK (fold_chars > 0),
    ADD COLUMN lint_words       text     NOT NULL DEFAULT '',
    ADD COLUMN lint_allowed     text     NOT NULL DEFAULT '',
    ADD COLUMN version          bigint   NOT NULL DEFAULT 1;

ALTER TABLE posts
    ADD COLUMN editors        text[]      NOT NULL DEFAULT '{}', -- who but the author changed its content since it was last approved
    ADD COLUMN approved_hash  text,                              -- of the content that was released; null = it was not, or the approval is void
    ADD COLUMN approved_until timestamptz,                       -- from then on the approval is void; null = never
    -- What waits for a ruling has none.
    ADD CONSTRAINT waiting_is_not_approved CHECK (approved_hash IS NULL OR state NOT IN ('draft', 'pending')),
    -- Only an approval ends.
    ADD CONSTRAINT only_approvals_end CHECK (approved_until IS NULL OR approved_hash IS NOT NULL);

-- Approvals that grow too old before their post is sent.
CREATE INDEX posts_approved_idx ON posts (approved_until) WHERE state = 'scheduled' AND approved_until IS NOT NULL;

-- Every ruling on a post, with the content it was about.
CREATE TABLE approvals (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    post_id    bigint      NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    ruling     text        NOT NULL CHECK (ruling IN ('approved', 'rejected')),
    hash       text        NOT NULL,
    content    jsonb       NOT NULL,
    reason     text        NOT NULL DEFAULT '',
    actor      text        NOT NULL,
    source     text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    -- Whoever gets a post back is told why.
    CONSTRAINT rejected_with_reason CHECK (ruling <> 'rejected' OR reason <> ''),
    CONSTRAINT rejections_do_not_end CHECK (ruling = 'approved' OR expires_at IS NULL)
);
CREATE INDEX approvals_post_idx ON approvals (post_id, id);

-- No path leads from an approved text to another one that is sent: a post that is to be sent changes its
-- content only with its approval. It fires for statements that write those columns, which the engine's do not.
-- +goose StatementBegin
CREATE FUNCTION refuse_unapproved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.approved_hash = OLD.approved_hash OR (NEW.approved_hash IS NULL AND (SELECT require_approval FROM settings)) THEN
        RAISE EXCEPTION 'post % was approved as it is, or needs approval: its content changes only with that', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_unapproved BEFORE UPDATE OF instance_id, content, title, description, url, thumb_url, visibility,
    visible_users, visible_labels, first_comment ON posts FOR EACH ROW
    WHEN (NEW.state = 'scheduled'
        AND (OLD.instance_id, OLD.content, OLD.title, OLD.description, OLD.url, OLD.thumb_url, OLD.visibility,
             OLD.visible_users, OLD.visible_labels, OLD.first_comment)
            IS DISTINCT FROM
            (NEW.instance_id, NEW.content, NEW.title, NEW.description, NEW.url, NEW.thumb_url, NEW.visibility,
             NEW.visible_users, NEW.visible_labels, NEW.first_comment))
    EXECUTE FUNCTION refuse_unapproved();

-- +goose Down
DROP TRIGGER posts_unapproved ON posts;
DROP FUNCTION refuse_unapproved();
DROP TABLE approvals;
DROP INDEX posts_approved_idx;
ALTER TABLE posts
    DROP CONSTRAINT only_approvals_end,
    DROP CONSTRAINT waiting_is_not_approved,
    DROP COLUMN approved_until,
    DROP COLUMN approved_hash,
    DROP COLUMN editors;
ALTER TABLE settings
    DROP COLUMN version,
    DROP COLUMN lint_allowed,
    DROP COLUMN lint_words,
    DROP COLUMN fold_chars,
    DROP COLUMN fold_lines,
    DROP COLUMN approval_expires,
    DROP COLUMN own_approval;
