-- +goose Up

-- How near the same link may be on one account without a warning; 0 = never a warning.
ALTER TABLE settings ADD COLUMN duplicate_days integer NOT NULL DEFAULT 7 CHECK (duplicate_days BETWEEN 0 AND 365);

-- The part of a link that tells it from others, without query and fragment, as a short number. Posts with the same
-- number are compared whole (moment.SameLink); links that are the same always have the same number.
CREATE FUNCTION link_key(url text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('x' || left(md5(lower(split_part(split_part(url, '#', 1), '?', 1))), 8))::bit(32)::integer
$$;

-- Which posts of an account have which link. A table and not an index on posts: an index with the instance in it is
-- one that the engine's statements can be lured into, and would be written with every step of a post.
CREATE TABLE post_links (
    link        integer NOT NULL,
    instance_id bigint  NOT NULL,
    post_id     bigint  NOT NULL,
    PRIMARY KEY (link, instance_id, post_id)
);
INSERT INTO post_links SELECT link_key(url), instance_id, id FROM posts WHERE url <> '';

-- +goose StatementBegin
CREATE FUNCTION add_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO post_links SELECT link_key(url), instance_id, id FROM added WHERE url <> '' ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION move_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM post_links WHERE link = link_key(OLD.url) AND instance_id = OLD.instance_id AND post_id = OLD.id;
    IF TG_OP = 'UPDATE' AND NEW.url <> '' THEN
        INSERT INTO post_links VALUES (link_key(NEW.url), NEW.instance_id, NEW.id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_links_added AFTER INSERT ON posts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_links();
CREATE TRIGGER posts_link_moved AFTER UPDATE OF url ON posts FOR EACH ROW WHEN (OLD.url <> NEW.url) EXECUTE FUNCTION move_link();
CREATE TRIGGER posts_link_gone AFTER DELETE ON posts FOR EACH ROW EXECUTE FUNCTION move_link();

-- Somebody closed the case of a post whose outcome nobody knows: it waits for a person no longer.
ALTER TABLE posts
    ADD COLUMN left_at timestamptz,
    ADD CONSTRAINT left_unknown_only CHECK (left_at IS NULL OR state = 'unknown');

-- What each read-back of a doubtful call found on the account's timeline, for the person who has to decide.
CREATE TABLE read_backs (
    post_id bigint      NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    attempt integer     NOT NULL,              -- the call in doubt
    round   integer     NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    seen    jsonb       NOT NULL,              -- moments of the time around the call, newest first
    PRIMARY KEY (post_id, attempt, round)
);

-- +goose Down
DROP TABLE read_backs;
ALTER TABLE posts DROP COLUMN left_at;
DROP TRIGGER posts_links_added ON posts;
DROP TRIGGER posts_link_moved ON posts;
DROP TRIGGER posts_link_gone ON posts;
DROP FUNCTION add_links();
DROP FUNCTION move_link();
DROP TABLE post_links;
DROP FUNCTION link_key(text);
ALTER TABLE settings DROP COLUMN duplicate_days;
