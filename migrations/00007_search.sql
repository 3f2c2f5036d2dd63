-- +goose Up

-- What is searched of a post: its words in small letters. The index below finds candidates, and these words decide.
-- +goose StatementBegin
CREATE FUNCTION search_body(content text, title text, description text, url text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(title || E'\n' || content || E'\n' || description || E'\n' || url)
$$;
-- +goose StatementEnd

-- The characters of a text and its pairs of neighbouring characters, as numbers: Chinese is written without
-- spaces, and most of its words have two characters, which trigrams cannot find. Two pairs may share a number,
-- which costs a look at the words and nothing else. Blanks are part of no pair.
-- +goose StatementBegin
CREATE FUNCTION search_grams(body text) RETURNS integer[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    grams integer[] := '{}';
    before bigint := 0;
    c bigint;
    ch text;
BEGIN
    FOREACH ch IN ARRAY string_to_array(body, NULL) LOOP
        c := ascii(ch);
        IF c <= 32 OR c = 12288 THEN
            c := 0;
        ELSE
            grams := grams || (-c)::integer;
            IF before > 0 THEN
                grams := grams || ((before * 65599 + c) & 2147483647)::integer;
            END IF;
        END IF;
        before := c;
    END LOOP;
    RETURN grams;
END $$;
-- +goose StatementEnd

-- The numbers that every text with this word in it has.
-- +goose StatementBegin
CREATE FUNCTION search_word(word text) RETURNS integer[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT DISTINCT g FROM unnest(search_grams(lower(word))) g WHERE g >= 0 OR char_length(lower(word)) = 1)
$$;
-- +goose StatementEnd

-- Stands for the month (UTC) in which a post is due, so that a search for something common looks at one
-- month after the other and stops when the page is full.
-- +goose StatementBegin
CREATE FUNCTION search_month(due timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT -2000000 - coalesce(extract(year FROM due AT TIME ZONE 'UTC') * 12 + extract(month FROM due AT TIME ZONE 'UTC'), 0)::integer
$$;
-- +goose StatementEnd

-- Stands for a value that is searched whole, such as an author.
-- +goose StatementBegin
CREATE FUNCTION search_mark(kind text, value text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT -(268435456 + (hashtext(kind || ':' || value) & 268435455))
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION search_marks(due timestamptz, instance bigint, author text, source text) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[search_month(due), search_mark('instance', instance::text), search_mark('author', author), search_mark('source', source)]
$$;
-- +goose StatementEnd

-- What posts are found by, in a table of its own: a post's row is written at every step of its sending, and an
-- index of its text on posts would be, too. It follows posts by trigger, whoever writes them.
CREATE TABLE post_search (
    post_id bigint    PRIMARY KEY,
    body    text      NOT NULL,
    marks   integer[] NOT NULL
);
-- What was added lately waits unsorted, which makes adding cheap; a search reads all of it, so it is not to be much.
CREATE INDEX post_search_idx ON post_search USING gin ((search_grams(body) || marks)) WITH (gin_pending_list_limit = 1024);
-- The planner is told which way to go (see internal/postgres/search.go); counting the numbers would only cost.
ALTER INDEX post_search_idx ALTER COLUMN 1 SET STATISTICS 0;

-- +goose StatementBegin
CREATE FUNCTION search_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO post_search (post_id, body, marks)
    SELECT id, search_body(content, title, description, url), search_marks(due_at, instance_id, author, source) FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_search_added AFTER INSERT ON posts
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION search_added();

-- +goose StatementBegin
CREATE FUNCTION search_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE post_search SET
        body = search_body(NEW.content, NEW.title, NEW.description, NEW.url),
        marks = search_marks(NEW.due_at, NEW.instance_id, NEW.author, NEW.source)
    WHERE post_id = NEW.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- The columns that the engine sets while it sends are not among these: sending pays nothing.
CREATE TRIGGER posts_search_changed AFTER UPDATE OF content, title, description, url, due_at, instance_id, author, source ON posts FOR EACH ROW
    WHEN (search_body(OLD.content, OLD.title, OLD.description, OLD.url) IS DISTINCT FROM search_body(NEW.content, NEW.title, NEW.description, NEW.url)
       OR search_marks(OLD.due_at, OLD.instance_id, OLD.author, OLD.source) <> search_marks(NEW.due_at, NEW.instance_id, NEW.author, NEW.source))
    EXECUTE FUNCTION search_changed();

-- +goose StatementBegin
CREATE FUNCTION search_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM post_search WHERE post_id IN (SELECT id FROM removed);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_search_removed AFTER DELETE ON posts
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION search_removed();

INSERT INTO post_search (post_id, body, marks)
SELECT id, search_body(content, title, description, url), search_marks(due_at, instance_id, author, source) FROM posts;

-- An instance's history in order of time. Posts enter it when they are settled, once: scheduled and in flight they are
-- found by indexes of their own, which this one must not be taken for.
CREATE INDEX posts_instance_idx ON posts (instance_id, due_at, id)
    WHERE state IN ('draft', 'pending', 'sent', 'failed', 'unknown', 'missed', 'cancelled');

-- Every state that is a small part of the history; what was cancelled is asked for, too.
DROP INDEX posts_attention_idx;
CREATE INDEX posts_attention_idx ON posts (state, due_at, id)
    WHERE state IN ('draft', 'pending', 'failed', 'unknown', 'missed', 'cancelled');

-- What went wrong on an instance is counted on its page.
CREATE INDEX posts_trouble_idx ON posts (instance_id, state) WHERE state IN ('failed', 'unknown', 'missed');

-- +goose Down
DROP INDEX posts_trouble_idx;
DROP INDEX posts_attention_idx;
CREATE INDEX posts_attention_idx ON posts (state, due_at, id) WHERE state IN ('draft', 'pending', 'failed', 'unknown', 'missed');
DROP INDEX posts_instance_idx;
DROP TRIGGER posts_search_removed ON posts;
DROP TRIGGER posts_search_changed ON posts;
DROP TRIGGER posts_search_added ON posts;
DROP FUNCTION search_removed();
DROP FUNCTION search_changed();
DROP FUNCTION search_added();
DROP TABLE post_search;
DROP FUNCTION search_marks(timestamptz, bigint, text, text);
DROP FUNCTION search_mark(text, text);
DROP FUNCTION search_month(timestamptz);
DROP FUNCTION search_word(text);
DROP FUNCTION search_grams(text);
DROP FUNCTION search_body(text, text, text, text);
